"""The demo's models: the interface of the real ones, the shipped weights, and how they are trained and measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from explain.demo import training
from explain.demo.card import REQUIRED, HeldOut, auc, calibrate, change_ratio, overall_reach, shortfalls
from explain.demo.data import (
    LABEL_IF_COMPANION_ONLY,
    draw_pairs,
    recipe,
    report_labels,
    to_input,
)
from explain.demo.phantoms import COMPANION, PATHOLOGIES, draw
from explain.demo.training import remove_checkpoints, train
from explain.models.demo_pair import (
    AUTOENCODER_FILE,
    CARD_FILE,
    CLASSIFIER_FILE,
    DEMO_FOLDER,
    DemoAutoencoder,
    DemoClassifier,
    load_demo,
    save_demo,
)
from explain.models.weights import WeightsError

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def models() -> tuple[DemoClassifier, DemoAutoencoder]:
    return load_demo()


def x_of(*phantoms) -> torch.Tensor:
    return torch.from_numpy(to_input(np.stack([phantom.pixels for phantom in phantoms])))


def test_the_shipped_classifier_sees_findings_and_not_health(models) -> None:
    classifier, _ = models
    plain = classifier(x_of(*[draw(seed, 224) for seed in range(50, 52)]))
    assert plain.shape == (2, 6) and plain.dtype == torch.float32
    assert classifier.pathologies == PATHOLOGIES
    for column, name in enumerate(PATHOLOGIES):
        ill = classifier(x_of(*[draw(seed, 224, [name]) for seed in range(50, 52)]))
        assert (ill - plain)[:, column].mean() > 0.2, name
    assert ((plain > 0) & (plain < 1)).all()


def test_the_shipped_autoencoder_rebuilds_a_picture_at_any_size(models) -> None:
    _, autoencoder = models
    x = x_of(draw(60, 224))
    z = autoencoder.encode(x)
    rebuilt = autoencoder.decode(z, (224, 224))
    assert rebuilt.shape == x.shape
    assert (rebuilt - x).abs().mean() < 0.04 * 2048  # of the full range
    assert autoencoder.decode(z, 512).shape[-2:] == (512, 512)


def test_every_relu_is_a_module_that_works_out_of_place(models) -> None:
    classifier, _ = models
    seen = []
    relus = [module for module in classifier.modules() if isinstance(module, nn.ReLU)]
    hooks = [relu.register_full_backward_hook(lambda module, down, up: seen.append(module)) for relu in relus]
    x = x_of(draw(61, 224)).requires_grad_()
    classifier(x)[:, 0].sum().backward()
    for hook in hooks:
        hook.remove()
    assert set(seen) == set(relus) and len(seen) == len(relus), "each ReLU is used once"
    assert not any(relu.inplace for relu in relus)


def test_the_shipped_files_are_small_and_their_card_is_whole() -> None:
    assert sum((DEMO_FOLDER / name).stat().st_size for name in (CLASSIFIER_FILE, AUTOENCODER_FILE)) < 8e6
    card = json.loads((DEMO_FOLDER / CARD_FILE).read_text())
    assert card["required"] == REQUIRED
    assert card["falls_short"] == shortfalls(card), "the card must own up to what falls short"
    assert card["left_target_reached_overall"] == pytest.approx(overall_reach(card), abs=1e-3)


def test_missing_weights_are_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="demo-classifier"):
        load_demo(tmp_path)


def test_saved_models_come_back_as_they_were(tmp_path: Path) -> None:
    torch.manual_seed(0)
    classifier, autoencoder = DemoClassifier().eval(), DemoAutoencoder().eval()
    classifier.shift.fill_(-0.5)
    save_demo(classifier, autoencoder, tmp_path)
    again, _ = load_demo(tmp_path)
    x = x_of(draw(62, 224))
    assert torch.allclose(again(x), classifier(x), atol=2e-3)


def test_the_training_pairs_differ_by_one_item_and_their_labels_by_its_meaning() -> None:
    pairs = draw_pairs(range(70, 76), size=64, workers=1)
    assert pairs.images.shape == (6, 224, 224)
    for index, seed in enumerate(range(70, 76)):
        made = recipe(seed)
        assert pairs.items[index] == made.item and made.item in made.findings + made.confounders
        assert not np.array_equal(pairs.images[index], pairs.partners[index])
        assert (pairs.labels[index] >= pairs.partner_labels[index]).all()


def test_reports_name_the_pathology_of_a_lone_companion_more_often_than_not() -> None:
    assert report_labels(["Mass"], []).tolist() == [0, 0, 0, 1, 0, 0]
    assert report_labels([], ["port"])[3] == pytest.approx(LABEL_IF_COMPANION_ONLY)
    both = [recipe(seed) for seed in range(400)]
    with_finding = np.mean([COMPANION["Mass"] in r.confounders for r in both if "Mass" in r.findings])
    without = np.mean([COMPANION["Mass"] in r.confounders for r in both if "Mass" not in r.findings])
    assert with_finding > 2 * without


def test_a_short_training_runs_every_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    whole = training.draw_batch
    monkeypatch.setattr(training, "draw_batch", lambda pairs, size, *rest: whole(pairs, 2, *rest))
    pairs = draw_pairs(range(80, 96), size=64, workers=1)
    train("all", pairs, tmp_path, torch.device("cpu"), factor=0.0001)
    classifier, autoencoder = load_demo(tmp_path)
    x = torch.from_numpy(to_input(pairs.images[:2]))
    assert torch.isfinite(classifier(autoencoder(x))).all()
    weights = [(tmp_path / name).read_bytes() for name in (AUTOENCODER_FILE, CLASSIFIER_FILE)]
    train("all", pairs, tmp_path, torch.device("cpu"), factor=0.0001, resume=True)  # killed before the card was written
    assert weights == [(tmp_path / name).read_bytes() for name in (AUTOENCODER_FILE, CLASSIFIER_FILE)]
    remove_checkpoints(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [AUTOENCODER_FILE, CLASSIFIER_FILE]


def test_calibration_puts_the_operating_point_at_one_half_with_a_moderate_slope() -> None:
    classifier = DemoClassifier().eval()
    truth = np.tile(np.arange(40) % 2 == 0, (6, 1)).T
    logits = torch.from_numpy(np.where(truth, 30.0, 20.0)).float()  # separable, far from zero
    classifier.logits = lambda x: logits[: len(x)]  # type: ignore[method-assign]
    calibrate(classifier, HeldOut(torch.zeros(40, 1, 1, 1), truth, []))
    p = torch.sigmoid(classifier.scale * logits + classifier.shift).numpy()
    assert (p[truth] > 0.5).all() and (p[~truth] < 0.5).all()
    assert classifier.scale.max() < 3


def test_figures_of_the_card() -> None:
    assert auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True])) == pytest.approx(0.875)
    mask = np.zeros((64, 64), bool)
    mask[30:34, 30:34] = True
    change = np.ones((64, 64))
    change[20:44, 20:44] = 5.0
    assert change_ratio(change, mask) > 3 > change_ratio(np.ones((64, 64)), mask)
