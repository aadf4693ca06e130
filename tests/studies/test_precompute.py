"""precompute: renders what is missing, survives being killed, and records what went wrong where it did."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from explain.methods.kind import Kind
from explain.methods.kinds import KINDS
from readerstudy.cases.loading.records import UNNAMED_MODEL
from readerstudy.cases.models import Case, Prediction
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.studies.models import Study
from tests import migrated
from tests.builders import add_image, make_batch, make_study, open_now
from tests.tiny_models import save_tiny_weights

pytestmark = [pytest.mark.django_db, pytest.mark.torch]
CLASSIFIER, AUTOENCODER = "tests.tiny_models.TinyClassifier", "tests.tiny_models.TinyAutoencoder"


@pytest.fixture
def weights(tmp_path):
    return save_tiny_weights(tmp_path)


@pytest.fixture
def study(weights):
    """Three examples with images, predicted by the tiny classifier; every kind is shown by some method."""
    batch = make_batch("seen", cases=3)
    for seed, case in enumerate(batch.cases.all()):
        add_image(case, seed)
    Prediction.objects.all().delete()
    call_command("predict", batch="seen", model=CLASSIFIER, weights=weights[0], device="cpu", stdout=io.StringIO())
    study = make_study(batch=make_batch("none", cases=0))
    method_a, method_b = study.methods.all()
    method_a.kinds = ["input_gradient", "guided_backprop", "integrated_gradients"]
    method_b.kinds = ["latentshift_map", "latentshift_animation"]
    method_a.save()
    method_b.save()
    for number, prediction in enumerate(Prediction.objects.filter(pathology="Cardiomegaly"), start=1):
        study.examples.create(prediction=prediction, number=number)
    return study


def precompute(weights, **options):
    output = io.StringIO()
    settings = {
        "device": "cpu",
        "model": CLASSIFIER,
        "weights": weights[0],
        "autoencoder": AUTOENCODER,
        "autoencoder_weights": weights[1],
    }
    try:
        call_command("precompute", study="trial", stdout=output, stderr=output, **{**settings, **options})
    except CommandError as error:
        return f"{output.getvalue()}error: {error}"
    return output.getvalue()


def test_it_renders_every_kind_pins_it_and_records_how(study, weights):
    output = precompute(weights)
    assert "Rendered 15 explanations" in output
    assert "Loading the models.\n" in output and "rendering: 3 of 3 cases\n" in output
    example = study.examples.first()
    kinds = {row.kind: row for row in example.explanations.all()}
    assert len(kinds) == 5
    assert {file.role for row in kinds.values() for file in row.files.all()} == {
        "layer", "overlay", "strip", "gif", "curve",
    }  # fmt: skip
    shift = kinds["latentshift_animation"]
    assert len(shift.record["lambdas"]) == len(shift.record["predictions"]) == shift.record["frames"]
    assert shift.record["lambdas"] == sorted(shift.record["lambdas"]) and 0 in shift.record["lambdas"]
    assert shift.record["reconstruction_differs"] in (True, False)  # the explanations page lists those where it does
    assert len(shift.autoencoder_sha256) == len(shift.weights_sha256) == 64
    assert shift.libraries["torch"] and shift.seconds > 0 and shift.device.startswith("cpu")
    assert kinds["integrated_gradients"].parameters == {"steps": 50}
    assert abs(kinds["integrated_gradients"].record["completeness_gap"]) < 0.01
    with kinds["input_gradient"].map.open() as file:
        values = np.load(file)
    assert values.dtype == np.float32 and values.shape == (224, 224)


def test_the_files_are_the_pictures_they_say(study, weights):
    precompute(weights)
    for file in ExplanationFile.objects.exclude(role="curve"):
        with Image.open(file.file) as picture:
            picture.load()
            assert (picture.width, picture.height) == (file.width, file.height)
    strip = ExplanationFile.objects.filter(role="strip").first()
    assert strip.height == 224 * strip.explanation.record["frames"]


def test_a_second_run_does_nothing_and_says_so(study, weights):
    precompute(weights)
    before = list(Explanation.objects.values_list("pk", "created_at"))
    assert "Nothing to do" in precompute(weights)
    assert before == list(Explanation.objects.values_list("pk", "created_at"))


def test_a_changed_parameter_renders_only_what_it_changes(study, weights):
    precompute(weights)
    study.render_parameters = {"steps": 8}
    study.save()
    assert "Rendered 3 explanations" in precompute(weights)
    pinned = study.examples.first().explanations.get(kind="integrated_gradients")
    assert pinned.parameters == {"steps": 8}


def test_parts_can_be_asked_for_and_shards_cover_everything_once(study, weights):
    assert "Rendered 1 explanation of" in precompute(weights, kinds=["input_gradient"], limit=1)
    for shard in ("1/2", "2/2"):
        precompute(weights, kinds=["input_gradient"], shard=shard)
    assert Explanation.objects.count() == 3
    for wrong in ("0/2", "3/2", "x"):
        assert "--shard is i/n" in precompute(weights, shard=wrong)
    for command in (
        ["precompute", "--study=trial", "--limit=-1"],
        ["predict", "--batch=b", "--model=demo", "--batch-size=0"],
    ):
        with pytest.raises(CommandError, match=r"a (whole )?number from 1; not"):
            call_command(*command)
    assert "--device is auto, cpu, cuda or cuda:N; not “gpu”" in precompute(weights, device="gpu")
    assert "No kind of explanation is called sorcery" in precompute(weights, kinds=["sorcery"])


def test_a_bad_case_is_recorded_and_the_others_go_on(study, weights):
    bad = Case.objects.get(predictions=study.examples.get(number=2).prediction)
    Path(bad.pixels.path).write_bytes(b"not a picture")
    output = precompute(weights)
    assert "Rendered 10 explanations" in output and "5 failed" in output and bad.public_id in output
    assert "error: 5 explanations failed" in output
    failed = Explanation.objects.filter(status="failed")
    assert {row.prediction.case for row in failed} == {bad}
    assert "cannot be read" in failed[0].error


def test_a_constant_map_is_an_error_and_not_a_picture(study, weights):
    flat = study.examples.get(number=1).prediction.case
    from safetensors.torch import load_file, save_file

    state = load_file(weights[0])
    save_file({name: value * 0 for name, value in state.items()}, weights[0])
    Prediction.objects.update(weights_sha256="")
    output = precompute(weights, kinds=["input_gradient"])
    assert "the map is constant" in output
    assert not ExplanationFile.objects.exists()
    assert Explanation.objects.filter(prediction__case=flat, status="failed").exists()


def test_an_open_study_is_left_alone(study, weights):
    open_now(Study.objects.get(pk=study.pk))
    assert "its explanations are frozen" in precompute(weights)


def test_force_leaves_what_an_open_study_shows(study, weights):
    precompute(weights)
    other = make_study("other", batch=make_batch("others", cases=0))
    shared = study.examples.get(number=1)
    other.examples.create(prediction=shared.prediction, number=1).explanations.set(shared.explanations.all())
    open_now(other)
    output = precompute(weights, force=True)
    assert "Rendered 10 explanations" in output and "5 existed, 0 failed" in output
    assert all(example.explanations.count() == 5 for example in study.examples.all())


def test_other_weights_than_the_predictions_are_refused(study, weights, tmp_path):
    (tmp_path / "other").mkdir()
    Prediction.objects.update(weights_sha256="0" * 64)
    assert "other weights" in precompute(weights)


def test_predictions_of_an_unnamed_model_are_refused_with_what_to_do(study, weights):
    Prediction.objects.update(model=UNNAMED_MODEL)
    assert "came in a manifest without the column model" in precompute(weights, model="")


def test_killed_anywhere_the_next_run_completes(tmp_path):
    """Of precompute and of evaluate, in a real process with a database of its own: SIGKILL at several moments, then one
    run to the end."""
    migrated.copy_to(tmp_path / "killed.sqlite3")
    env = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'killed.sqlite3'}",
        "MEDIA_ROOT": str(tmp_path / "media"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
        "DEBUG": "true",
    }
    script = str(Path(__file__).with_name("killed_anywhere.py"))
    done = subprocess.run([sys.executable, script, str(tmp_path)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "complete and whole" in done.stdout


def test_a_batch_too_large_for_memory_is_halved_and_nothing_is_lost(study, weights, monkeypatch):
    import torch

    from readerstudy.explanations import rendering

    compute, sizes = rendering.compute, []

    def short_of_memory(inputs, *arguments):
        sizes.append(len(inputs))
        if len(inputs) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return compute(inputs, *arguments)

    monkeypatch.setattr(rendering, "compute", short_of_memory)
    assert "Rendered 15 explanations of trial on cpu; 0 existed, 0 failed." in precompute(weights, batch_size="3")
    assert sizes == [3, 1, 2, 1, 1]


def raises_value(request):
    raise ValueError("nothing to see")


def raises_what_no_database_takes(request):
    raise TypeError("half \ud83d, NUL \0")


def raises_type(request):
    raise TypeError("no such operand")


def gives_nothing(request):
    return None


def records(value):
    import torch

    from explain.methods.contract import stills

    def compute(request):
        return stills(request, torch.rand(request.x[:, 0].shape), [{"share": value}] * len(request.x))

    return compute


records_numpy, records_nan = records(np.float32(1)), records(float("nan"))


def records_no_curve(request):
    from explain.methods.contract import Result

    (name,) = request.kinds
    return {name: [Result(record={"lambdas": {"low": 1}, "predictions": {"low": 1}}) for _ in request.x]}


def takes_one(request):
    if len(request.x) > 1:
        raise IndexError("one at a time")
    return records(1)(request)


def test_a_kind_that_fails_in_any_way_spoils_no_other(study, weights, monkeypatch):
    words = {
        "raises_value": "nothing to see",
        "raises_type": "TypeError: no such operand",
        "raises_what_no_database_takes": "TypeError: half \ufffd, NUL \ufffd",
        "gives_nothing": "gives_nothing gave nothing; give a mapping",
        "records_numpy": "records_numpy: share of the record is not fit for JSON: Object of type float32",
        "records_nan": "records_nan: share of the record is not fit for JSON: Out of range float",
        "records_no_curve": "TypeError: ",
    }
    for name in ("takes_one", *words):
        shows = "curve" if name == "records_no_curve" else "still"
        kind = Kind(name, "Ours", "Says.", shows=shows, compute=f"{__name__}:{name}")
        monkeypatch.setitem(KINDS._found[0], name, kind)
    output = precompute(weights, kinds=["input_gradient", "takes_one", *words])
    assert "Rendered 6 explanations" in output and "21 failed" in output
    assert set(Explanation.objects.filter(status="done").values_list("kind", flat=True)) == {
        "input_gradient", "takes_one",
    }  # fmt: skip
    for kind, said in words.items():
        failed = Explanation.objects.filter(kind=kind, status="failed")
        assert len(failed) == 3 and all(said in row.error for row in failed), failed[0].error
