"""An autoencoder of one's own: its shape, its training, its folder and card, by the command that makes it."""

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from explain.demo.folder import write_folder  # noqa: E402
from explain.models.folders import AUTOENCODER_ARCHITECTURES, autoencoder_folders  # noqa: E402
from explain.models.registry import LoadedClassifier, load_autoencoder  # noqa: E402
from explain.models.resnet_autoencoder import ResNetAutoencoder, Shape, parameter_count  # noqa: E402
from explain.models.weights import WeightsError  # noqa: E402
from explain.training import autoencoder_command  # noqa: E402
from explain.training.__main__ import main as training_main  # noqa: E402
from explain.training.autoencoder import AutoencoderTraining, elastic_loss, rate_at  # noqa: E402
from explain.training.autoencoder_command import main  # noqa: E402
from explain.training.data import Images  # noqa: E402
from explain.training.folder import write_model_folder  # noqa: E402
from explain.training.items import DataError, Item  # noqa: E402
from explain.training.quality import compatibility_error, judge_of  # noqa: E402

pytestmark = pytest.mark.torch
TINY = ["--size", "32", "--depth", "10", "--width", "4", "--batch-size", "4", "--held-out", "0.25", "--device", "cpu"]


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    write_folder(folder, 20, 224)
    return folder


def config_of(shape: Shape) -> dict:
    options = {"bottleneck": shape.bottleneck, "depth": shape.depth, "width": shape.width}
    return {"architecture": "resnet-autoencoder", "input_size": shape.size, "options": options}


@pytest.mark.parametrize("depth", [10, 50])
def test_a_code_has_as_many_numbers_as_the_bottleneck_says(depth):
    shape = Shape(size=64, bottleneck=12, depth=depth, width=4)
    model = ResNetAutoencoder(shape).eval()
    x = torch.rand(2, 1, 224, 224) * 2048 - 1024
    z = model.encode(x)
    assert z.shape == (2, 3, 2, 2) and z[0].numel() == 12
    assert model.decode(z, (224, 200)).shape == (2, 1, 224, 200) and model.decode(z).shape == (2, 1, 64, 64)
    assert model(x).shape == x.shape
    assert parameter_count(shape) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": 100}, "multiple of 32"),
        ({"bottleneck": 100}, "multiple of 49, say 98"),
        ({"depth": 20}, "choose one of 10, 18, 34, 50, 101"),
        ({"width": 6}, "multiple of 4"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_with_what_can(wrong, said):
    with pytest.raises(ValueError, match=said):
        replace(Shape(), **wrong)


def test_the_elastic_loss_is_squared_plus_absolute():
    """Errors of 512 and 0 of 1,024: (0.25 + 0.5 + 0) / 2."""
    assert elastic_loss(torch.tensor([512.0, 0.0]), torch.zeros(2)).item() == pytest.approx(0.375)


def test_the_learning_rate_rises_and_falls():
    rates = [rate_at(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == rates[10] == 1.0
    assert rates[55] == pytest.approx(0.5) and 0 < rates[-1] < 0.001


def test_compatibility_is_what_the_frames_are_off_what_equal_steps_ask_for():
    """From .5: wanted .2 .35 | .55, obtained .3 .35 | .5, so (.1 + 0 + .05) / 3."""
    assert compatibility_error(0.5, [-2, -1, 0, 3], [0.3, 0.35, 0.5, 0.5]) == pytest.approx(0.05)
    assert compatibility_error(0.5, [0.0], [0.5]) is None


def test_the_architectures_said_without_torch_are_those_that_are_built():
    from explain.models.architectures import AUTOENCODERS

    assert set(AUTOENCODERS) == AUTOENCODER_ARCHITECTURES


def test_a_folder_is_loaded_by_name_and_by_path_and_its_hash_is_checked(tmp_path):
    shape = Shape(size=32, bottleneck=4, depth=10, width=4)
    model = ResNetAutoencoder(shape).eval()
    digest = write_model_folder(tmp_path / "ward-ae", model, config_of(shape), {"quality": {"mae": 12.3}})
    assert {name: f.weights_sha256 for name, f in autoencoder_folders(tmp_path).items()} == {"ward-ae": digest}
    x = torch.rand(1, 1, 224, 224) * 2048 - 1024
    named = load_autoencoder("ward-ae", root=tmp_path, imports=False)
    placed = load_autoencoder(str(tmp_path / "ward-ae"))
    for loaded in (named, placed):
        assert (loaded.name, loaded.weights_sha256, loaded.input_size) == ("ward-ae", digest, 32)
        assert torch.equal(loaded.module(x), model(x))
    with pytest.raises(KeyError, match="data do not choose what is read"):
        load_autoencoder(str(tmp_path / "ward-ae"), root=tmp_path, imports=False)
    with pytest.raises(WeightsError, match="is no model folder"):
        load_autoencoder(str(tmp_path / "nothing"))
    write_model_folder(tmp_path / "ward-ae", ResNetAutoencoder(shape), config_of(shape), {})
    assert load_autoencoder("ward-ae", root=tmp_path).weights_sha256 != digest, "written again as a whole"
    config = config_of(replace(shape, bottleneck=5)) | {"weights_sha256": ""}
    (tmp_path / "ward-ae" / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="does not fit"):
        load_autoencoder("ward-ae", root=tmp_path)
    (tmp_path / "ward-ae" / "config.json").write_text(json.dumps(config | {"options": {"bottleneck": 0}}))
    with pytest.raises(WeightsError, match="no network has the options"):
        load_autoencoder("ward-ae", root=tmp_path)
    with pytest.raises(ValueError, match="cannot be a model's name"):
        write_model_folder(tmp_path / "Ward 3", model, config_of(shape), {})


def test_a_sweep_trains_several_judges_them_and_draws(phantoms, tmp_path, capsys):
    sweep = ["--sweep", "2,8", "--epochs", "2", "--classifier", "demo", "--explained", "2", "--limit", "20"]
    main([str(phantoms), "--output", str(tmp_path / "sweep"), *TINY, *sweep])
    said = capsys.readouterr().out
    assert "20 images at 32 px" in said and "The full setting (all 20 images, 224 px, 30 epochs" in said
    with (tmp_path / "sweep" / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["bottleneck"], row["epoch"]) for row in rows] == [("2", "1"), ("2", "2"), ("8", "1"), ("8", "2")]
    assert all(0 < float(row["mae"]) < 2048 for row in rows)
    assert all(0 < float(row["prediction_change"]) < 1 and 0 <= float(row["iou"]) < 1 for row in rows)
    for name in ("sweep.png", "examples.png"):
        with Image.open(tmp_path / "sweep" / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 0
    card = json.loads((tmp_path / "sweep" / "b8" / "card.json").read_text())
    loaded = load_autoencoder(str(tmp_path / "sweep" / "b8"))
    assert card["weights_sha256"] == loaded.weights_sha256 and card["images"] == {"training": 15, "held_out": 5}
    assert card["quality"]["mae"] == pytest.approx(min(float(row["mae"]) for row in rows[2:]), rel=1e-4)
    assert 0 <= card["with_classifier"]["self_consistency"] < 1
    assert card["with_classifier"]["classifier"] == "demo" and str(tmp_path) not in json.dumps(card)


def test_stopped_and_resumed_it_ends_with_the_same_weights(phantoms, tmp_path, monkeypatch):
    monkeypatch.setattr(autoencoder_command, "seconds_a_step", lambda *_, **more: 1.0)  # what it takes is told above

    def run(name: str, *more: str) -> str:
        main([str(phantoms), "--output", str(tmp_path / name), *TINY, "--bottleneck", "2", "--epochs", "2", *more])
        return json.loads((tmp_path / name / "card.json").read_text())["weights_sha256"]

    def left(name: str) -> set[str]:
        return {file.stem for file in (tmp_path / name / "training").iterdir() if file.suffix in (".npy", ".txt")}

    whole = run("whole")
    step, calls = AutoencoderTraining.step, []

    def until_the_fifth(self, number):
        calls.append(number)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return step(self, number)

    monkeypatch.setattr(AutoencoderTraining, "step", until_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        run("stopped")
    assert not (tmp_path / "stopped" / "config.json").exists(), "half a training is no model"
    with pytest.raises(SystemExit, match="go on with --resume"):
        run("stopped")
    with pytest.raises(SystemExit, match="was begun with"):
        run("stopped", "--resume", "--rate", "0.1")
    assert left("stopped") == {"training-32", "held-out-32"}
    image = min((phantoms / "images").iterdir())
    was = image.stat()
    os.utime(image, ns=(was.st_atime_ns, was.st_mtime_ns + 1))
    with pytest.raises(SystemExit, match="was begun with images"):
        run("stopped", "--resume")
    os.utime(image, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert run("stopped", "--resume") == whole
    assert not left("stopped") and not left("whole"), "no radiographs and no file names in a model's folder"
    assert calls == [0, 1, 2, 3, 4, 3, 4, 5]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--bottleneck", "5", "--size", "64"], "choose a multiple of 4, say 4"),
        (["--epochs", "0"], "--epochs 0: give a whole number from 1"),
        (["--held-out", "1.5"], "give a share between 0 and 1"),
        (["--output", "Ward Nine"], "cannot be a model's name"),
        (["--classifier", "nobody"], "no model is called 'nobody'"),
        (["--sweep", "8"], "at least two bottlenecks"),
        (["--device", "gpu"], "--device gpu: give cpu, cuda or cuda:N"),
        (["--device", "cuda:99"], "--device cuda:99: torch sees"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_before_anything_is_written(phantoms, tmp_path, given, said):
    with pytest.raises(SystemExit) as stopped:
        main([str(phantoms), "--output", str(tmp_path / "out"), *TINY, *given])
    assert said in str(stopped.value.code) and not list(tmp_path.iterdir())


def test_a_damaged_mask_is_said_before_the_training(tmp_path):
    class Sure(torch.nn.Module):
        def forward(self, x):
            return torch.full((len(x), 1), 0.9)

    def judge(mask: Path):
        item = Item("a.png", lambda size: np.zeros((size, size)), "", {"Mass": True}, {"Mass": mask})
        images = Images([item], np.zeros((1, 32, 32), np.uint16))
        sure = LoadedClassifier("sure", Sure(), ("Mass",), "", "", 32, None)
        return judge_of(sure, images, torch.device("cpu"))

    Image.new("L", (64, 64), 255).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:-30])
    assert judge(tmp_path / "whole.png").shown == [(0, 0)]
    for name in ("half.png", "gone.png"):
        with pytest.raises(DataError, match=rf"a\.png, Mass: the mask .*{name} cannot be read"):
            judge(tmp_path / name)


def test_the_commands_of_training(capsys):
    with pytest.raises(SystemExit, match="there is no command vanish"):
        training_main(["vanish"])
    with pytest.raises(SystemExit) as stopped:
        training_main(["--output"])
    assert stopped.value.code == 2
    assert "--pairs" in capsys.readouterr().err, "without a command it is the demo's training, as it always was"
