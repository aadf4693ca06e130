"""What data name is never imported: neither when they are loaded nor when they are predicted, drawn or explained."""

import io
import json
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from readerstudy.cases import system_checks
from readerstudy.cases.models import Batch, Prediction
from readerstudy.explanations.chosen import can_be_had, choices, choose
from readerstudy.explanations.executing import render
from readerstudy.explanations.inputs import ModelsUnavailable
from readerstudy.explanations.jobs import PredictForm, ask_for_predictions
from readerstudy.explanations.parameters import RenderParameters
from readerstudy.explanations.planning import Options
from readerstudy.explanations.predicting import predict
from readerstudy.explanations.system_checks import check_packages
from readerstudy.studies.selection import Draw, select_examples
from tests.builders import make_study, make_user
from tests.cases.batches import make_batch, manifest, png, simple_rows
from tests.packages import install

EVIL = """
import pathlib
pathlib.Path(__file__).with_name("ran").touch()
from tests.tiny_models import TinyClassifier as Evil
"""
NAME = "media.evil.Evil"


@pytest.fixture
def media(settings, tmp_path, monkeypatch) -> Path:
    """The media folder below an import path, as by default until today, with somebody's module in it."""
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir()
    (folder / "evil.py").write_text(EVIL)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    assert not (folder / "ran").exists() and not [name for name in sys.modules if name.startswith("media")]


@pytest.fixture
def loaded(media, tmp_path, db) -> Batch:
    rows = [
        {**row, "label": number % 2, "prediction": 0.8, "model": NAME, "patient": number}
        for number, row in enumerate(simple_rows(4))
    ]
    call_command(
        "load_cases", str(make_batch(tmp_path / "in", rows)), batch="theirs", keep_source_ids=True, stdout=io.StringIO()
    )
    assert set(Prediction.objects.values_list("model", flat=True)) == {NAME}
    return Batch.objects.get(name="theirs")


@pytest.mark.torch
def test_a_model_that_a_manifest_names_is_never_imported(loaded, settings):
    study = make_study(batch=loaded)
    root = make_user("root", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(root)
    draw = {"batch": loaded.pk, "per_pathology": 2, "practice": 0, "threshold": 0.5, "seed": 0, "model": NAME}
    assert client.post(reverse("study_examples", args=["trial"]), draw).status_code == 302
    select_examples(study, loaded, Draw(per_pathology=2, model=NAME), replace=True)
    for address in ("study", "study_explanations", "study_examples", "study_protocol"):
        assert client.get(reverse(address, args=["trial"])).status_code == 200
    with pytest.raises(CommandError, match="data never choose what is imported"):
        call_command("precompute", study="trial", device="cpu", stdout=io.StringIO(), stderr=io.StringIO())
    with pytest.raises(ModelsUnavailable, match="precompute --model NAME"):
        render(list(Prediction.objects.all()), ["input_gradient"], RenderParameters(), Options(device="cpu"))
    with pytest.raises(ModelsUnavailable):
        predict(loaded, NAME, device="cpu")


@pytest.mark.torch
def test_a_known_name_in_a_manifest_is_not_replaced_on_the_command_line(loaded):
    Prediction.objects.update(model="demo")
    with pytest.raises(ModelsUnavailable, match="leave out --model"):
        render(
            list(Prediction.objects.all()),
            ["input_gradient"],
            RenderParameters(),
            Options(device="cpu", classifier="tests.tiny_models.TinyClassifier"),
        )


@pytest.mark.torch
def test_settings_may_list_a_path(loaded, settings, tmp_path):
    from tests.tiny_models import save_tiny_weights

    settings.MODELS = ["tests.tiny_models.TinyClassifier"]
    Prediction.objects.update(model="tests.tiny_models.TinyClassifier", pathology="Effusion")
    options = Options(device="cpu", weights=save_tiny_weights(tmp_path)[0])
    done = render(list(Prediction.objects.all()[:1]), ["input_gradient"], RenderParameters(), options)
    assert done.made == 1 and not done.failed


def test_a_form_chooses_installed_models_by_name_and_none_by_its_path(media, tmp_path, monkeypatch, db):
    """Nothing is imported, so the web tier, which has no torch, can choose them too."""
    install(tmp_path, monkeypatch, """[explain.autoencoders]
        ward_ae = media.evil:Evil
        missing = media.not_there:Evil
        [explain.models]
        demo = media.evil:Evil
        ward.2 = media.evil:Evil
        [explain.generators]
        ward-maps = media.evil:Evil
    """)  # fmt: skip
    assert choose("autoencoder", "ward_ae") == {"autoencoder": {"name": "ward_ae"}}
    assert choose("generator", "ward-maps") == {"generator": {"name": "ward-maps"}} and can_be_had("generator", {})
    offered = dict(choices("autoencoder", None))
    assert offered["ward_ae"] == "ward_ae (ward-models 1.0)" and "missing" not in offered
    assert offered["ward.2"] == "ward.2 (ward-models 1.0, if it is an autoencoder)"
    assert dict(choices("generator", None)) == {"": "none", "ward-maps": "ward-maps (ward-models 1.0)"}
    for need, name in (("autoencoder", "missing"), ("autoencoder", NAME), ("generator", NAME), ("generator", "ward.2")):
        with pytest.raises(ValidationError, match="ask the operator"):
            choose(need, name)
    assert [warning.msg.partition("explain.")[2] for warning in check_packages(None)] == [
        "models media.evil:Evil: demo is the name of a classifier already.",
        "autoencoders media.not_there:Evil: ModuleNotFoundError: No module named 'media.not_there'.",
        "models media.evil:Evil: demo is the name of an autoencoder already.",
    ]


def test_the_form_of_predictions_takes_an_installed_name_with_a_dot(media, loaded, tmp_path, monkeypatch):
    root = make_user("root", is_staff=True, is_superuser=True)
    install(tmp_path, monkeypatch, "[explain.classifiers]\nward.2 = media.evil:Evil\n")
    assert ask_for_predictions("batch/theirs", root, {"model": "ward.2"}).arguments["model"] == "ward.2"
    with pytest.raises(ValidationError, match="is a path to import"):
        ask_for_predictions("batch/theirs", root, {"model": NAME})
    assert "installed package" in PredictForm().as_p()


def test_an_upload_lies_on_the_disk_under_our_names_only(media, db):
    client = Client()
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    rows = [{**row, "image": name} for row, name in zip(simple_rows(2), ("evil2.py", "one.png"), strict=True)]
    table = SimpleUploadedFile("evil3.py.csv", manifest(rows).encode())
    images = [SimpleUploadedFile(name, png(seed)) for seed, name in enumerate(("evil2.py", "one.png"))]
    before = set(media.rglob("*"))
    staged = client.post("/batches/", {"batch": "ward", "file": table, "images": images, "keep_source_ids": "on"})
    content = {path.name for path in set(media.rglob("*")) - before if path.parent.name == "content"}
    assert content == {"manifest.csv", "0.upload", "1.upload"}
    assert client.post(staged["Location"]).status_code == 302
    assert Batch.objects.get(name="ward").cases.filter(source_id__contains="evil2").exists()
    assert not [path for path in set(media.rglob("*")) - before if path.suffix == ".py"]


def test_check_warns_of_media_that_python_could_import(media, settings, tmp_path):
    (warning,) = system_checks.check_folders(None)
    assert warning.id == "cases.W001" and str(media) in warning.msg
    settings.MEDIA_ROOT = tmp_path / "demo" / "media.files"  # a name with a dot is on no import path
    assert system_checks.check_folders(None) == []
    settings.MODEL_ROOT = settings.MEDIA_ROOT / "models"
    assert [error.id for error in system_checks.check_folders(None)] == ["cases.E001"]


def test_a_new_installation_keeps_media_outside_the_checkout_and_an_old_one_where_they_are(tmp_path):
    """The rule of settings.py, run on a copy of it."""
    source = Path(__file__).parents[2] / "readerstudy" / "settings.py"
    copy = tmp_path / "checkout" / "readerstudy" / "settings.py"
    copy.parent.mkdir(parents=True)
    copy.write_text(source.read_text())

    def media_root() -> Path:
        return run_settings(copy)

    assert media_root() == tmp_path / "checkout-media"
    (tmp_path / "checkout" / "media").mkdir()
    assert media_root() == tmp_path / "checkout" / "media"


def run_settings(path: Path) -> Path:
    import os
    import subprocess

    code = "import json, runpy, sys; print(json.dumps(str(runpy.run_path(sys.argv[1])['MEDIA_ROOT'])))"
    environment = {name: value for name, value in os.environ.items() if name != "MEDIA_ROOT"} | {"DEBUG": "true"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True, check=True
    )
    return Path(json.loads(done.stdout.splitlines()[-1]))
