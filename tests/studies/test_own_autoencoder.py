"""A user's autoencoder: trained by the command, chosen on the page Methods, seen by a reader."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from readerstudy.cases.models import Prediction
from readerstudy.studies.checklist import checklist
from readerstudy.studies.models import Study
from readerstudy.studies.precomputing import pin_rendered
from readerstudy.studies.protocol import protocol
from tests.builders import add_image, make_batch, make_member, make_reader, make_reads, make_study, make_user, open_now

pytestmark = [pytest.mark.django_db, pytest.mark.torch]
KINDS = ("input_gradient", "latentshift_animation")


def train(root: Path, name: str, seed: int) -> None:
    from explain.training.autoencoder_command import main

    rng = np.random.default_rng(0)
    (root.parent / "images").mkdir(exist_ok=True)
    for number in range(8):
        grey = np.kron(rng.integers(0, 256, (4, 4)), np.ones((16, 16))).astype(np.uint8)
        Image.fromarray(grey).save(root.parent / "images" / f"{number}.png")
    tiny = ["--size", "32", "--bottleneck", "4", "--depth", "10", "--width", "4", "--epochs", "1", "--device", "cpu"]
    main([str(root.parent / "images"), "--output", str(root / name), "--seed", str(seed), "--batch-size", "4", *tiny])


@pytest.fixture
def root(settings, tmp_path):
    pytest.importorskip("torch")
    settings.MODEL_ROOT = tmp_path / "models"
    train(settings.MODEL_ROOT, "ward-ae", seed=0)
    return settings.MODEL_ROOT


@pytest.fixture
def study(client):
    """Two examples of the demo's classifier; Method B is an animation."""
    batch = make_batch("ward", cases=2)
    for seed, case in enumerate(batch.cases.all()):
        add_image(case, seed)
    made = make_study(batch=batch)
    client.force_login(make_member(made, "ann", "researcher"))
    return made


def methods(autoencoder: str | None) -> dict[str, object]:
    data: dict[str, object] = {"methods-TOTAL_FORMS": 2, "methods-INITIAL_FORMS": 0}
    for place, (key, kind) in enumerate(zip("AB", KINDS)):
        row = {"key": key, "label": f"Method {key}", "panel_1": kind, "ORDER": place + 1}
        data |= {f"methods-{place}-{name}": value for name, value in row.items()}
    return data if autoencoder is None else data | {"autoencoder": autoencoder}


def choose(client, autoencoder: str | None) -> str:
    return client.post("/studies/trial/methods/", methods(autoencoder), follow=True).content.decode()


def precompute(**options: object) -> str:
    output = io.StringIO()
    try:
        call_command("precompute", study="trial", device="cpu", stdout=output, stderr=output, **options)
    except CommandError as error:
        return f"{output.getvalue()}error: {error}"
    return output.getvalue()


def animations(study: Study) -> list[tuple[str, str]]:
    return [
        (row.autoencoder, row.autoencoder_sha256)
        for example in study.examples.all()
        for row in example.explanations.filter(kind=KINDS[1])
    ]


def test_from_training_to_the_readers_screen(root, study, client):
    page = client.get("/studies/trial/methods/").content.decode()
    assert '<option value="ward-ae">ward-ae (' in page and str(root) not in page
    assert "The methods are saved" in choose(client, "ward-ae")
    assert "4 explanations" in precompute()
    study.refresh_from_db()
    chosen = study.chosen_models["autoencoder"]
    assert chosen["name"] == "ward-ae" and len(chosen["weights_sha256"]) == 64
    assert animations(study) == [("ward-ae", chosen["weights_sha256"])] * 2
    assert protocol(study)["chosen_models"] == study.chosen_models
    open_now(study)
    reader = make_reader(study, user=make_user("reader"))
    for read in make_reads(reader):
        read.assignments.update(method=study.methods.get(key="B"))
    client.force_login(reader.membership.user)
    answer = client.get("/api/reading/trial/assignments/1/")
    assert "ward-ae" not in answer.content.decode()
    strip = client.get(answer.json()["panels"][1]["strip_url"])
    with Image.open(io.BytesIO(b"".join(strip.streaming_content))) as picture:
        assert picture.width == 224 and picture.height % 224 == 0


def test_another_choice_takes_the_others_pictures_away(root, study, client):
    choose(client, "demo")
    precompute()
    assert {name for name, _ in animations(study)} == {"demo"}
    choose(client, None)
    assert len(animations(study)) == 2, "a post without the field changes nothing"
    choose(client, "ward-ae")
    assert not animations(study) and study.examples.first().explanations.filter(kind=KINDS[0]).exists()
    assert any("2 explanations not rendered" in check.text for check in checklist(Study.objects.get()))
    precompute()
    choose(client, "")
    assert not animations(study)
    other = make_study("other", batch=make_batch("none", cases=0), chosen_models={"autoencoder": {"name": "demo"}})
    study.refresh_from_db()
    pin_rendered(study)
    assert {name for name, _ in animations(study)} == {"ward-ae"}, "nobody has chosen it, so it may have been asked for"
    Study.objects.filter(pk=other.pk).update(chosen_models={"autoencoder": {"name": "ward-ae"}})
    for example in study.examples.all():
        example.explanations.clear()
    pin_rendered(study)
    assert {name for name, _ in animations(study)} == {"demo"}


def test_other_weights_than_the_chosen_are_refused(root, study, client):
    choose(client, "ward-ae")
    shutil.rmtree(root / "ward-ae")
    train(root, "ward-ae", seed=1)
    said = precompute()
    assert "error: The study has chosen the autoencoder ward-ae (" in said and "has other weights" in said
    assert "error: The study has chosen" in precompute(autoencoder="demo")
    for file in (root / "ward-ae").glob("*.json"):
        file.unlink()
    assert "no model is called 'ward-ae'" in precompute()
    page = client.get("/studies/trial/methods/").content.decode()
    assert "which is not here any more" in page
    before = Study.objects.get().chosen_models
    assert "The methods are saved" in choose(client, "ward-ae"), "what is chosen may stay so"
    assert Study.objects.get().chosen_models == before
    assert "Select a valid choice" in choose(client, "x")


def test_a_path_is_no_choice_and_an_opened_study_keeps_its_own(root, study, client):
    assert "Select a valid choice" in choose(client, str(root / "ward-ae"))
    open_now(study)
    assert "protocol is fixed" in choose(client, "ward-ae")
    assert Study.objects.get().chosen_models == {} and "chosen_models" not in protocol(study)


def test_a_folder_given_by_its_path_at_the_command_line(root, study, client):
    choose(client, "")
    assert "Rendered 4" in precompute(autoencoder=str(root / "ward-ae"))
    assert {name for name, _ in animations(study)} == {"ward-ae"}
    assert Prediction.objects.filter(model="demo").count() == 2
