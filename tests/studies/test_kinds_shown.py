"""Titles and texts of kinds are part of the stimulus: opening a study fixes them. Kinds rendered elsewhere are rows."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from explain.methods.kind import RESERVED, Kind
from explain.methods.kinds import KINDS
from explain.render.colour_scales import SCALES
from explain.render.pictures import PERCENTILE
from readerstudy.cases.loading.load import load_batch
from readerstudy.cases.loading.problems import BatchRefused
from readerstudy.cases.loading.sources import open_source
from readerstudy.cases.models import Batch, Prediction
from readerstudy.explanations.external import problem_with
from readerstudy.explanations.kinds import kind_named
from readerstudy.explanations.models import Explanation, ExternalKind
from readerstudy.explanations.panel_forms import FORMS
from readerstudy.explanations.parameters import RenderParameters
from readerstudy.reading import presentation
from readerstudy.reading.presentation import example_facts
from readerstudy.studies import kinds_shown
from readerstudy.studies.kinds_shown import COLOURS, INPUT, colours_said, kind_shown, titles_shown
from readerstudy.studies.lifecycle import new_version, open_study
from readerstudy.studies.models import Study
from readerstudy.studies.precomputing import pin_rendered
from readerstudy.studies.protocol import protocol, protocol_sha256
from tests.builders import make_study
from tests.cases.batches import gif, make_batch, messages, png
from tests.explain.image_files import encoded, greys
from tests.studies.test_lifecycle import complete, missing

pytestmark = pytest.mark.django_db
TEXTS = {"heat": ("Our heat map", "Colour marks what our model looked at.")}


def load(folder: Path, name: str, column: str, files: dict[str, bytes], **options) -> Batch:
    """One case a file, with a prediction, explained by the file."""
    rows = [
        {"image": f"{index}.png", "pathology": "Mass", "label": index % 2, "prediction": 0.8, column: path}
        for index, path in enumerate(files)
    ]
    images = {row["image"]: png(sum(name.encode()) + index) for index, row in enumerate(rows)}
    with open_source(make_batch(folder, rows, images | files)) as source:
        return load_batch(source, name, keep_source_ids=True, **options).batch


def maps(count: int = 2) -> dict[str, bytes]:
    return {f"map{index}.png": encoded(greys(224, 224, seed=index)) for index in range(count)}


def test_a_kind_rendered_elsewhere_needs_no_entry(tmp_path):
    batch = load(tmp_path, "ward", "explanation:heat", maps(), texts=TEXTS)
    assert ExternalKind.objects.get().kind() == Kind("heat", *TEXTS["heat"], needs=())
    assert "explanation:heat is new here" in " ".join(batch.report["warnings"])
    study = make_study(batch=batch)
    study.methods.filter(key="A").update(kinds=["heat"])
    study.methods.filter(key="B").update(kinds=[])
    pin_rendered(study)
    assert "rendered" not in missing(study)
    method = study.methods.get(key="A")
    panel = example_facts(study.examples.first(), method, "study_file", study)["panels"][1]
    assert (panel["key"], panel["title"], panel["shows"], panel["type"]) == ("heat", "Our heat map", "still", "map")
    assert panel["what_is_this"].startswith("Colour marks what our model looked at.") and panel["layer_url"]
    method.clean()


def test_without_texts_its_name_is_its_title_and_a_later_batch_may_bring_them(tmp_path):
    load(tmp_path / "1", "first", "explanation:heat", maps())
    assert ExternalKind.objects.get().title == "heat"
    second = load(tmp_path / "2", "second", "explanation:heat", maps(), texts=TEXTS)
    assert ExternalKind.objects.get().title == "Our heat map" and not second.report["warnings"]


def test_its_first_file_says_whether_it_moves(tmp_path):
    load(tmp_path / "1", "first", "explanation:film", {"a.gif": gif(4), "b.gif": gif(5)})
    assert ExternalKind.objects.get().shows == "animation"
    with pytest.raises(BatchRefused) as mixed:
        load(tmp_path / "2", "second", "explanation:mixed", {"a.gif": gif(4), **maps(1)})
    assert "row 3, explanation:mixed" in messages(mixed.value)
    with pytest.raises(BatchRefused) as other:
        load(tmp_path / "3", "third", "explanation:film", maps())
    assert "explanation:film is known to show an animation" in messages(other.value)
    assert [batch.name for batch in Batch.objects.all()] == ["first"] and ExternalKind.objects.count() == 1


def test_opening_fixes_titles_and_texts(tmp_path, monkeypatch):
    study = open_study(complete(make_study()))
    before, hashed = kind_shown(study, "input_gradient"), study.protocol_sha256
    assert protocol(study)["kinds"]["input_gradient"] == {
        "title": before.title, "what_is_this": before.what_is_this, "shows": "still",
    }  # fmt: skip
    draft = make_study("draft")
    entry = Kind("input_gradient", "Renamed", "Says something else.", compute="any:thing")
    monkeypatch.setattr(KINDS, "_found", ({**KINDS, "input_gradient": entry}, ()))
    assert kind_shown(draft, "input_gradient").title == "Renamed"
    assert kind_shown(study, "input_gradient").title == before.title == titles_shown(study)["input_gradient"]
    without = {name: known for name, known in KINDS.items() if name != "input_gradient"}
    monkeypatch.setattr(KINDS, "_found", (without, ()))  # its package is removed
    assert kind_shown(study, "input_gradient").what_is_this == before.what_is_this
    assert protocol_sha256(study) == hashed
    with pytest.raises(ValidationError, match="kind texts"):
        study.kind_texts = {}
        study.save()


OF_THE_RADIOGRAPH = ("Input image", "The part of the radiograph that the model saw.")
OF_COLOURS = "The stronger, the {}. Always the strongest 5 % of pixels are coloured, however weak the evidence."
NOUNS = {"still": "map", "animation": "animation", "curve": "curve", "flow": "flow"}  # neutral titles are made of them


def shared_texts(study: Study) -> tuple[tuple[str, str], list[str]]:
    """Of the radiograph's panel, and of the colours in each scale, as readers get them."""
    method = study.methods.get(key="A")
    panel = example_facts(study.examples.first(), method, "study_file", study)["panels"][0]
    return (panel["title"], panel["what_is_this"]), [colours_said(study, scale) for scale in SCALES.values()]


def test_what_studies_that_are_open_have_shown_beside_their_kinds_is_never_reworded():
    """They were opened before these texts were frozen: change one, and their readers see another stimulus."""
    study = open_study(complete(make_study()))
    older = {name: entry for name, entry in study.kind_texts.items() if name not in (INPUT, COLOURS)}
    Study.objects.filter(pk=study.pk).update(kind_texts=older)
    study.refresh_from_db()
    assert f"strongest {100 - PERCENTILE:g} %" in OF_COLOURS
    said = [OF_COLOURS.format(word) for word in ("darker", "brighter")]
    assert shared_texts(study) == (OF_THE_RADIOGRAPH, said)
    assert set(protocol(study)["kinds"]) == {"input_gradient", "latentshift_map"}, "nothing is added to its protocol"
    assert {name: form.noun for name, form in FORMS.items()} == NOUNS


def test_opening_fixes_the_texts_that_all_studies_share(monkeypatch):
    study = open_study(complete(make_study()))
    before, hashed = shared_texts(study), study.protocol_sha256
    monkeypatch.setattr(kinds_shown, "_INPUT", {"title": "Renamed", "what_is_this": "Says something else."})
    monkeypatch.setattr(kinds_shown, "_said_of", lambda scale: "Says something else.")
    assert shared_texts(make_study("draft")) == (("Renamed", "Says something else."), ["Says something else."] * 2)
    assert shared_texts(study) == before
    assert protocol_sha256(study) == hashed
    frozen = protocol(study)["kinds"]
    assert (frozen[INPUT]["title"], frozen[INPUT]["what_is_this"]) == OF_THE_RADIOGRAPH
    assert frozen[COLOURS]["published"] == OF_COLOURS.format("darker")


def test_a_new_version_begins_with_todays_texts(tmp_path):
    study = open_study(complete(make_study()))
    assert new_version(study).kind_texts == {} and Study.objects.get(pk=study.pk).kind_texts


def test_a_kind_that_nobody_knows_is_named_and_its_study_still_opens_as_a_page():
    study = make_study()
    study.methods.filter(key="A").update(kinds=["gone"])
    assert "No kind of explanation is called gone." in missing(study)
    assert kind_shown(study, "gone").title == "gone"


def test_precompute_leaves_alone_what_is_rendered_elsewhere(tmp_path):
    from readerstudy.explanations.executing import render
    from readerstudy.explanations.planning import Options

    load(tmp_path, "ward", "explanation:heat", maps(1), texts=TEXTS)
    done = render(list(Prediction.objects.all()), ["heat"], RenderParameters(), Options(device="cpu"))
    assert (done.existing, done.made, done.failed) == (1, 0, [])
    Explanation.objects.all().delete()
    done = render(list(Prediction.objects.all()), ["heat"], RenderParameters(), Options(device="cpu"))
    assert [(kind, why) for _, kind, why in done.failed] == [
        ("heat", "it is rendered elsewhere, and came with no batch for this prediction")
    ]


def test_no_kind_has_the_name_of_a_panel_or_file_of_the_reading_page_itself():
    root = Path(__file__).parents[2]
    roles = re.findall(r'role: "(.+?)"', (root / "static" / "reading" / "prefetch.js").read_text(encoding="utf-8"))
    keys = re.findall(r'"key": "(.+?)"', Path(presentation.__file__).read_text(encoding="utf-8"))
    assert {*roles, *keys} == RESERVED
    assert all("reading page's own word" in problem_with(name) for name in RESERVED) and not problem_with("heat")
    ExternalKind.objects.create(name="image", title="Ours", what_is_this="Says.", shows="still")
    assert kind_named("image").title == "Ours"  # a batch brought it before such names were refused
