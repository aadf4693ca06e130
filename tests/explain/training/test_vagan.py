"""VA-GAN: the synthetic images, the measure, the networks, and the command from images to a model folder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explain.evaluate.correlation import normalised_cross_correlation
from explain.models.architectures import GENERATORS
from explain.models.folders import GENERATOR_ARCHITECTURES, generator_folders
from explain.models.generators import load_generator
from explain.models.map_generator import MapGenerator
from explain.models.weights import WeightsError
from explain.training import vagan_command
from explain.training.__main__ import main
from explain.training.boxes import HIGHEST, LOWEST, draw_boxes
from explain.training.vagan import Critic, Examples, Setting, VaGan, shrunk
from explain.training.vagan_data import OnDisk, synthetic_examples


def test_synthetic_images_have_two_boxes_in_half_of_them():
    drawn = draw_boxes(40, 7)
    assert drawn.images.shape == drawn.masks.shape == (40, 112, 112)
    assert np.bincount(drawn.subtypes).tolist() == [20, 10, 10]
    assert (drawn.masks.sum((1, 2)) == 2 * 20 * 20 * drawn.labels).all()
    for mask, subtype in zip(drawn.masks, drawn.subtypes, strict=True):
        if subtype:  # the middle box begins at 46, the other 32 before or after it, each moved by -5..4
            rows = np.flatnonzero(mask.any(axis=1))
            first, last = (14 - 5, 46 + 4) if subtype == 1 else (46 - 5, 78 + 4)
            assert first <= rows[0] <= first + 9
            assert last - 9 <= rows[-1] - 19 <= last
    raw = (drawn.images + 1) / 2 * (HIGHEST - LOWEST) + LOWEST
    inside, outside = (raw[drawn.labels == 1][where(drawn.masks[drawn.labels == 1])] for where in (np.array, np.invert))
    assert inside.mean() - outside.mean() == pytest.approx(100, abs=10)
    assert raw[drawn.labels == 0].std() == pytest.approx(50, abs=1)


def test_the_same_seed_draws_the_same_images_and_another_does_not():
    assert np.array_equal(draw_boxes(4, 1).images, draw_boxes(4, 1).images)
    assert not np.array_equal(draw_boxes(4, 1).images, draw_boxes(4, 2).images)


def test_normalised_cross_correlation_by_hand():
    truth = torch.tensor([[[1, 0], [0, 0]]] * 4)
    maps = torch.tensor([[[5.0, 1], [1, 1]], [[-5, -1], [-1, -1]], [[1, 1], [0, 0]], [[2, 2], [2, 2]]])
    # the third: (1/2, 1/2, -1/2, -1/2) with (3/4, -1/4, -1/4, -1/4) is 1/2 over 1 * sqrt(3/4)
    expected = [1.0, -1.0, 1 / np.sqrt(3), 0.0]
    assert normalised_cross_correlation(maps, truth).tolist() == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"give \(N, H, W\) twice"):
        normalised_cross_correlation(maps[0], truth)


def test_the_generator_begins_with_no_change_and_takes_any_size():
    generator = MapGenerator(filters=4, levels=2, fold=2, size=16).eval()
    assert not generator(torch.randn(2, 1, 24, 24)).any()
    torch.nn.init.ones_(generator.last.weight)
    x = 500 * torch.randn(2, 1, 16, 16)
    assert torch.allclose(generator(x), 1024 * generator.added(x / 1024))
    assert generator(torch.randn(1, 1, 40, 56)).shape == (1, 1, 40, 56)
    with pytest.raises(ValueError, match="size 18: give a multiple of 4"):
        MapGenerator(filters=4, levels=2, fold=2, size=18)


def test_the_critic_judges_each_image_by_itself():
    torch.manual_seed(0)
    critic, x = Critic(8), torch.randn(3, 1, 32, 32)
    assert torch.allclose(critic(x)[1], critic(x[1:2])[0], atol=1e-6)
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in critic.modules()) == 9


def test_a_step_counts_the_updates_of_the_critic():
    setting = Setting(size=16, levels=2, filters=4, width=4, batch=2, critic_steps=3, long_critic_steps=7)
    blank = np.zeros((2, 1, 16, 16), np.float32)
    training = VaGan(setting, Examples(blank, blank, blank), torch.device("cpu"))
    updates = []
    training.optimisers[1].register_step_post_hook(lambda *_: updates.append(1))
    rng = np.random.default_rng(0)
    for done in (0, 1, 2):
        training.step(done, rng)
    assert len(updates) == setting.critic_updates(3) == 13
    assert setting.critic_updates(101) == 2 * 7 + 99 * 3


def test_what_is_held_out_is_not_trained_on_and_has_its_truth():
    examples = synthetic_examples(50, 16)
    assert len(examples.negatives) + len(examples.positives) == 32
    assert examples.truth is not None
    assert examples.truth.shape == (len(examples.held_out), 16, 16)
    drawn = shrunk(draw_boxes(50, 1).images, 16)
    assert {one.tobytes() for one in examples.held_out} <= {one.tobytes() for one in drawn[32:40]}


def test_the_whole_path_on_synthetic_images_learns_where_the_boxes_are(tmp_path, capsys):
    command = ["vagan", "--synthetic", "--output", str(tmp_path / "boxes"), "--limit", "200", "--size", "64"]
    command += ["--batch-size", "8", "--steps", "12", "--log-every", "6", "--device", "cpu"]
    main(command)
    said = capsys.readouterr().out
    assert "The full setting (112 px, 1,000 map steps) would take about" in said
    card = json.loads((tmp_path / "boxes" / "card.json").read_text())
    assert card["quality"]["ncc"] > 0.1  # 85 updates of the critic; by chance about 0
    assert card["critic_updates"] == Setting().critic_updates(card["step"])
    loaded = load_generator("boxes", root=tmp_path)
    assert loaded.weights_sha256 == card["weights_sha256"]
    assert list(generator_folders(tmp_path)) == ["boxes"]
    assert loaded.module(torch.zeros(1, 1, 224, 224)).shape == (1, 1, 224, 224)
    with pytest.raises(SystemExit, match="has a training already: go on with --resume"):
        main(command)
    main([*command, "--resume"])  # all done: the folder is written again
    assert json.loads((tmp_path / "boxes" / "card.json").read_text())["quality"] == card["quality"]


def pictures(folder: Path, count: int, bright: bool) -> str:
    folder.mkdir()
    rng = np.random.default_rng(count + bright)
    for number in range(count):
        pixels = rng.integers(60, 120, (72, 72)).astype(np.uint8)
        pixels[10:20, 10:20] += 100 * np.uint8(bright)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return str(folder)


def test_it_trains_on_two_folders_of_ones_own(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(vagan_command, "seconds_of", lambda work: 1.0)  # what it takes is told above
    sides = pictures(tmp_path / "with", 9, True), pictures(tmp_path / "without", 8, False)
    command = ["vagan", "--positives", sides[0], "--negatives", sides[1], "--output", str(tmp_path / "own")]
    command += ["--size", "32", "--steps", "2", "--batch-size", "2", "--log-every", "1", "--filters", "4"]
    command += ["--device", "cpu", "--pathology", "Square"]
    main(command)
    assert "8 images with the finding and 8 without, at 32 px" in capsys.readouterr().out
    card = json.loads((tmp_path / "own" / "card.json").read_text())
    assert card["quality"]["measured_on"] == "held-out positives"
    assert "ncc" not in card["quality"] and "no --classifier was given" in card["with_classifier"]
    loaded = load_generator(str(tmp_path / "own"))
    assert (loaded.input_size, loaded.pathologies) == (32, ("Square",))
    left = {path.suffix for path in (tmp_path / "own" / "training").iterdir()}
    assert left <= {".pt", ".csv", ".png"}, "no radiographs and no file names in a model's folder"
    pixels = np.full((72, 72), 90, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "without" / "3.png")  # another image under its name
    with pytest.raises(SystemExit, match="was begun with images"):
        main([*command, "--resume"])


def refusal(*arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(["vagan", *arguments])
    return str(stopped.value)


def test_what_cannot_be_trained_on_is_said_and_nothing_is_left(tmp_path):
    one, output = pictures(tmp_path / "with", 9, True), ["--output", str(tmp_path / "new")]
    assert "both --positives and --negatives are needed" in refusal("--positives", one, *output)
    assert "give --synthetic, or --positives" in refusal(*output)
    assert "--source needs --pathology" in refusal("--source", one, *output)
    assert "size 50: give a multiple of 16" in refusal("--synthetic", "--limit", "40", "--size", "50", *output)
    assert "--rate 0.0: give a number over 0" in refusal("--synthetic", "--rate", "0", *output)
    assert "--steps 0: give a whole number" in refusal("--synthetic", "--steps", "0", *output)
    assert "--classifier needs --pathology" in refusal("--synthetic", "--classifier", "demo", *output)
    two = ["--positives", one, "--negatives", one, "--classifier", "demo", "--pathology", "Square", *output]
    assert "demo does not predict Square, but Atelectasis, " in refusal(*two)
    assert "at least 40 synthetic images" in refusal("--synthetic", "--limit", "10", *output)
    assert "cannot be a model's name" in refusal("--synthetic", "--output", str(tmp_path / "No Name"))
    assert [path.name for path in tmp_path.iterdir()] == ["with"]


def test_a_folder_of_another_kind_is_no_generator(tmp_path):
    with pytest.raises(KeyError, match=r"no map generator is called 'boxes'; .* below the model root there are: none"):
        load_generator("boxes", root=tmp_path)
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes" / "config.json").write_text('{"architecture": "demo-autoencoder"}')
    with pytest.raises(WeightsError, match="no architecture 'demo-autoencoder' is known here; there are map-generator"):
        load_generator("boxes", root=tmp_path)
    with pytest.raises(KeyError, match="data do not choose what is read"):
        load_generator(str(tmp_path / "boxes"), imports=False)
    assert frozenset(GENERATORS) == GENERATOR_ARCHITECTURES


def test_images_on_disk_are_in_the_networks_unit(tmp_path):
    class Decoded:
        items = ["a"]

        def batch(self, chosen):
            return np.full((1, 1, 2, 2), -512.0, np.float32)

    assert OnDisk(Decoded())[np.array([0])].tolist() == [[[[-0.5, -0.5], [-0.5, -0.5]]]]
