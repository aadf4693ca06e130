"""A user's map generator: a folder below MODEL_ROOT, chosen on the page Methods, rendered, seen by a reader."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from PIL import Image

from explain.evaluate.metrics import METRICS
from explain.models.digests import file_sha256
from readerstudy.analysis.facts import study_facts
from readerstudy.explanations import model_loading
from readerstudy.explanations.chosen import Chosen
from readerstudy.explanations.evaluating import evaluate
from readerstudy.explanations.executors.contract import filled
from readerstudy.explanations.executors.local import Here
from readerstudy.explanations.models import Explanation, Measurement
from readerstudy.explanations.planning import Options
from readerstudy.studies.checklist import checklist
from readerstudy.studies.evaluating import of_study
from readerstudy.studies.models import Study
from readerstudy.studies.precomputing import pin_rendered
from readerstudy.studies.protocol import protocol
from tests.builders import add_image, make_batch, make_member, make_reader, make_reads, make_study, make_user, open_now
from tests.studies.test_own_autoencoder import precompute

pytestmark = [pytest.mark.django_db, pytest.mark.torch]
KINDS = ("input_gradient", "vagan_map", "vagan_animation")
PAGE = "/studies/trial/methods/"


def write_generator(root: Path, name: str, *pathologies: str, seed: int = 0) -> None:
    """An untrained one that changes something, as `python -m explain.training vagan` writes it."""
    import torch

    from explain.models.map_generator import ARCHITECTURE, MapGenerator
    from explain.training.folder import write_model_folder

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = MapGenerator(filters=2, levels=2, fold=1, size=16)
        torch.nn.init.normal_(module.last.weight)
    config = {"architecture": ARCHITECTURE, "input_size": 16, "options": {"filters": 2, "levels": 2, "fold": 1}}
    write_model_folder(root / name, module, config | {"pathologies": list(pathologies)}, {})


@pytest.fixture
def root(settings, tmp_path):
    pytest.importorskip("torch")
    settings.MODEL_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def study(client):
    """Two examples of the demo's classifier, both of Cardiomegaly."""
    batch = make_batch("ward", cases=2)
    for seed, case in enumerate(batch.cases.all()):
        add_image(case, seed)
    made = make_study(batch=batch)
    client.force_login(make_member(made, "ann", "researcher"))
    return made


def choose(client, **models: str) -> str:
    data: dict[str, object] = {"methods-TOTAL_FORMS": 2, "methods-INITIAL_FORMS": 0}
    for place, (key, kinds) in enumerate((("A", KINDS[:1]), ("B", KINDS[1:]))):
        row = {"key": key, "label": f"Method {key}", "ORDER": place + 1}
        row |= {f"panel_{number}": kind for number, kind in enumerate(kinds, start=1)}
        data |= {f"methods-{place}-{name}": value for name, value in row.items()}
    return client.post(PAGE, data | models, follow=True).content.decode()


def test_from_the_page_methods_to_the_readers_screen(root, study, client):
    page = client.get(PAGE).content.decode()
    assert "python -m explain.training vagan" in page and not any(kind in page for kind in KINDS[1:])
    assert "Select a valid choice" in choose(client)
    write_generator(root, "heart-maps", "Cardiomegaly")
    page = client.get(PAGE).content.decode()
    assert '<option value="heart-maps">heart-maps (' in page and "), for Cardiomegaly</option>" in page
    assert all(f'<option value="{kind}">' in page for kind in KINDS[1:]) and str(root) not in page
    assert "The methods are saved" in choose(client)
    assert "error: A kind needs a map generator, and none is chosen" in precompute()
    assert "The methods are saved" in choose(client, generator="heart-maps")
    assert "Rendered 6 explanations" in precompute()
    study.refresh_from_db()
    chosen = study.chosen_models["generator"]
    assert chosen["name"] == "heart-maps" and len(chosen["weights_sha256"]) == 64
    rows = [row for example in study.examples.all() for row in example.explanations.all()]
    made = {(row.kind, row.generator, row.generator_sha256) for row in rows}
    assert made == {(KINDS[0], "", ""), *((kind, chosen["name"], chosen["weights_sha256"]) for kind in KINDS[1:])}
    assert protocol(study)["chosen_models"] == study.chosen_models
    open_now(study)
    reader = make_reader(study, user=make_user("reader"))
    for read in make_reads(reader):
        read.assignments.update(method=study.methods.get(key="B"))
    client.force_login(reader.membership.user)
    answer = client.get("/api/reading/trial/assignments/1/")
    assert "heart-maps" not in answer.content.decode()
    panels = answer.json()["panels"]
    for address, height in ((panels[1]["layer_url"], 224), (panels[2]["strip_url"], 11 * 224)):
        with Image.open(io.BytesIO(b"".join(client.get(address).streaming_content))) as picture:
            assert (picture.width, picture.height) == (224, height)


def test_what_does_not_fit_the_study_is_refused_before_anything_is_rendered(root, study, client):
    write_generator(root, "mass-maps", "Mass", seed=2)
    choose(client, generator="mass-maps")
    said = precompute()
    assert "error: The map generator mass-maps was trained on Mass, and examples ask about Cardiomegaly" in said
    assert not any(example.explanations.exists() for example in study.examples.all())
    write_generator(root, "any-maps")
    choose(client, generator="any-maps")
    assert "Rendered 6 explanations" in precompute()
    call_command("evaluate", study="trial", metrics="randomisation_entropy_rise", device="cpu", stdout=io.StringIO())
    found = Measurement.objects.filter(explanation__kind="vagan_map").values_list("value", flat=True)
    assert list(found) == pytest.approx([0, 0], abs=1e-6), (
        "the map is the same with a randomised classifier, which has no part in it"
    )
    write_generator(root, "any-maps", seed=1)
    assert "error: The study has chosen the generator any-maps (" in precompute()
    other = make_study("other", batch=study.examples.first().prediction.case.batch)
    other.methods.update(kinds=list(KINDS))
    pin_rendered(other)
    shown = {row.kind for example in other.examples.all() for row in example.explanations.all()}
    assert shown == {KINDS[0]}, "nobody has chosen a map generator here, and two may have made maps"
    choose(client, generator="mass-maps")
    shown = {row.kind for example in study.examples.all() for row in example.explanations.all()}
    assert shown == {KINDS[0]}
    assert Chosen("generator", "any-maps").made(study.examples.first().explanations.get())
    assert Study.objects.get(pk=study.pk).chosen_models["generator"]["name"] == "mass-maps"


class NothingHeld(dict):
    """What a process holds of models that other processes loaded."""

    def __setitem__(self, names: object, loaded: object) -> None:
        pass


class Apart(Here):
    """Every unit by itself, as workers do them."""

    def run(self, work, items, load, size):
        self.sizes = []
        for unit in filled(work, items, load, size):
            self.sizes.append(len(unit.items))
            yield unit.perform()


def test_two_given_by_their_paths_and_what_another_program_made(root, study, client, monkeypatch):
    monkeypatch.setattr(model_loading, "_held", NothingHeld())
    write_generator(root, "any-maps")  # the page offers these kinds where there is one
    choose(client)
    first, second = root / "elsewhere" / "first-maps", root / "elsewhere" / "second-maps"
    for seed, folder in enumerate((first, second)):
        write_generator(folder.parent, folder.name, seed=seed)
    assert "Rendered 3 explanations" in precompute(generator=str(first), shard="1/2")
    assert "Rendered 3 explanations" in precompute(generator=str(second), shard="2/2")
    study.refresh_from_db()
    (several,) = [check.text for check in checklist(study) if "made with several map generators" in check.text]
    assert (
        several.startswith("Explanations of vagan_animation")
        and "first-maps (" in several
        and "second-maps (" in several
    )
    assert "choose one on the page Methods, or run `precompute --study trial --generator NAME`" in several
    assert "Rendered 2 explanations" in precompute(generator=str(first))
    assert not any("several" in check.text for check in checklist(study))
    facts = str(study_facts(study))
    assert f"map generator first-maps, weights SHA-256 {file_sha256(first / 'model.safetensors')}" in facts
    assert "second-maps" not in facts and str(root) not in facts
    Explanation.objects.exclude(kind=KINDS[0]).update(external=True, generator="", generator_sha256="")
    apart = Apart()
    metrics = [METRICS[name] for name in ("randomisation_entropy_rise", "frames_follow_classifier")]
    measured = evaluate(of_study(study), metrics, Options(device="cpu", executor=apart))
    assert (measured.made, measured.failed) == (4, [])
    assert apart.sizes == [2, 2], "explanations of one prediction go together"
