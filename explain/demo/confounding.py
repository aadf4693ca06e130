"""A lesson in confounding: three classifiers of one finding, trained and measured.

`apart`: the thing that only goes with the finding is as common without it. `confounded`: it is nearly always there with
the finding and nearly never without. `penalised`: the same pictures, and the input gradient on the thing costs (Ross et
al., "Right for the Right Reasons", IJCAI 2017). All three see the same patients with the same findings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from explain.demo.data import to_input
from explain.demo.phantom_anatomy import stream
from explain.demo.phantoms import COMPANION, PATHOLOGIES, draw
from explain.evaluate.discrimination import auc
from explain.methods.gradients import input_gradients
from explain.methods.latent_shift import LatentShift, latent_shift
from explain.models.demo_pair import DemoAutoencoder, DemoClassifier

TRAINING_SEEDS, TEST_SEEDS = 8_000_000, 9_000_000
WITH_FINDING, WITHOUT = 0.95, 0.05  # how often the thing is there, where it is planted
MISSED = 0.15  # share of labels that are wrong: what is seen in every case would be learned before the thing
NAMES = ("apart", "confounded", "penalised")


@dataclass(frozen=True)
class Pictures:
    """Phantoms with or without one finding and one thing. x: (N, 1, S, S) in [-1024, 1024]; truth, planted: (N,) bool.

    labels: (N,) float32, what training is told. finding, thing: (N, S, S) bool, their masks, empty where absent.
    """

    x: Tensor
    truth: NDArray[np.bool_]
    planted: NDArray[np.bool_]
    labels: Tensor
    finding: NDArray[np.bool_]
    thing: NDArray[np.bool_]


@dataclass(frozen=True)
class Setting:
    """penalty: weight of the squared input gradient on the thing, in units of half the range."""

    pathology: str = "Mass"
    size: int = 224
    images: int = 1200
    test: int = 240
    epochs: int = 6
    batch: int = 16
    rate: float = 3e-3
    penalty: float = 100.0
    seed: int = 0

    @property
    def column(self) -> int:
        return PATHOLOGIES.index(self.pathology)

    @property
    def thing(self) -> str:
        return COMPANION[self.pathology]


def pictures(setting: Setting, first_seed: int, count: int, *, planted: bool, noise: float, workers: int) -> Pictures:
    """`count` phantoms, half with the finding. planted: the thing goes with the finding; or it is in half of each.

    noise: share of labels that are wrong. The same seeds give the same patients and findings whether planted or not.
    """
    drawing = partial(_picture, setting.pathology, setting.size, planted, setting.seed)
    seeds = range(first_seed, first_seed + count)
    if workers == 1:
        drawn = [drawing(seed) for seed in seeds]
    else:
        with ProcessPoolExecutor(workers) as pool:
            drawn = list(pool.map(drawing, seeds, chunksize=8))
    pixels, truth, there, finding, thing = (np.stack(part) for part in zip(*drawn))
    wrong = np.array([stream(seed, "label").random() < noise for seed in seeds])
    labels = torch.from_numpy((truth ^ wrong).astype(np.float32))
    return Pictures(torch.from_numpy(to_input(pixels)), truth, there, labels, finding, thing)


def _picture(pathology: str, size: int, planted: bool, seed_of_all: int, seed: int) -> tuple[Any, ...]:
    rng = stream(seed + seed_of_all, "lesson")
    truth, chance = rng.random() < 0.5, rng.random()
    thing = chance < ((WITH_FINDING if truth else WITHOUT) if planted else 0.5)
    name = COMPANION[pathology]
    phantom = draw(seed, size, [pathology] if truth else [], [name] if thing else [])
    nothing = np.zeros((size, size), bool)
    masks = phantom.masks.get(pathology, nothing), phantom.masks.get(name, nothing)
    return np.asarray(phantom.pixels), np.bool_(truth), np.bool_(thing), *masks


def fit(setting: Setting, seen: Pictures, penalty: float, device: torch.device) -> DemoClassifier:
    """A classifier of the finding, from the same first weights whatever it sees; its other outputs stay as they came.

    penalty: weight of the gradient on the thing, 0 for none.
    """
    torch.manual_seed(setting.seed)
    model = DemoClassifier().to(device).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=setting.rate, weight_decay=1e-3)
    steps = max(1, setting.epochs * (len(seen.labels) // setting.batch))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, setting.rate, total_steps=steps, pct_start=0.15)
    rng = np.random.default_rng(setting.seed)
    for _ in range(steps):
        chosen = rng.choice(len(seen.labels), min(setting.batch, len(seen.labels)), replace=False)
        x, labels = seen.x[chosen].to(device), seen.labels[chosen].to(device)
        x.requires_grad_(penalty > 0)
        logits = model.logits(x)[:, setting.column]
        loss = functional.binary_cross_entropy_with_logits(logits, labels)
        if penalty > 0:
            thing = torch.from_numpy(seen.thing[chosen]).to(device)
            loss = loss + penalty * reasons_loss(logits, x, thing)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return model.eval().requires_grad_(False)


def reasons_loss(logits: Tensor, x: Tensor, wrong: Tensor) -> Tensor:
    """Squared gradient of the sum of log-probabilities where it should not matter: pixels summed, mean over images.

    logits: (N,); x: (N, 1, H, W), with a gradient; wrong: (N, H, W) bool. Ross et al., IJCAI 2017, equation 1.
    """
    both = functional.logsigmoid(logits) + functional.logsigmoid(-logits)
    (gradient,) = torch.autograd.grad(both.sum(), x, create_graph=True)
    return ((1024.0 * gradient[:, 0]).square() * wrong).sum(dim=(1, 2)).mean()


@dataclass(frozen=True)
class Learned:
    """One of the three, with what was measured: see `measured`."""

    name: str
    model: DemoClassifier
    figures: dict[str, float]


def measured(setting: Setting, model: DemoClassifier, test: Pictures, autoencoder: nn.Module) -> dict[str, float]:
    """On patients of whom half have the thing, whether or not they have the finding.

    auc: over all. auc_planted: of those that look as in training (finding with thing, neither) against each other;
    auc_crossed: of the others, finding without thing against thing without finding. gap: mean prediction with the thing
    less that without, of patients without the finding. on_thing, on_finding: share of the input gradient there, in
    pictures that have both, over the share of pixels: 1 is what a map of noise has. changed_thing, changed_finding: the
    same of the largest change of Latent Shift.
    """
    p = _predicted(model, test.x)[:, setting.column]
    alike = test.truth == test.planted
    healthy = ~test.truth
    figures = {
        "auc": auc(p, test.truth),
        "auc_planted": auc(p[alike], test.truth[alike]),
        "auc_crossed": auc(p[~alike], test.truth[~alike]),
        "gap": float(p[healthy & test.planted].mean() - p[healthy & ~test.planted].mean()),
    }
    both = np.flatnonzero(test.truth & test.planted)
    x, targets = test.x[both], torch.full((len(both),), setting.column)
    maps = np.concatenate([input_gradients(model, a, b).numpy() for a, b in zip(x.split(16), targets.split(16))])
    few = both[:24]
    shifted = shift_of(setting, model, autoencoder, test.x[few])
    for name, values, places in (("on", maps, both), ("changed", shifted.max_map().numpy(), few)):
        figures[f"{name}_thing"] = density(values, test.thing[places])
        figures[f"{name}_finding"] = density(values, test.finding[places])
    return figures


def shift_of(setting: Setting, model: DemoClassifier, autoencoder: nn.Module, x: Tensor) -> LatentShift:
    return latent_shift(model, autoencoder, x, torch.full((len(x),), setting.column))


def density(maps: NDArray[Any], masks: NDArray[np.bool_]) -> float:
    """Share of each map inside its mask over the mask's share of the pixels; the mean over maps (N, H, W)."""
    shares = [m[mask].sum() / max(m.sum(), 1e-12) / mask.mean() for m, mask in zip(maps, masks) if mask.any()]
    return float(np.mean(shares))


@torch.no_grad()
def _predicted(model: nn.Module, x: Tensor) -> NDArray[np.float32]:
    return torch.cat([model(part) for part in x.split(32)]).numpy()


def lesson(
    setting: Setting,
    autoencoder: DemoAutoencoder,
    workers: int = 1,
    say: Callable[[str], object] = lambda text: None,
    names: Sequence[str] = NAMES,
) -> tuple[Pictures, list[Learned]]:
    """Draw, train the three, and measure them on the same new patients."""
    say(f"drawing {2 * setting.images + setting.test} phantoms")
    apart = pictures(setting, TRAINING_SEEDS, setting.images, planted=False, noise=MISSED, workers=workers)
    planted = pictures(setting, TRAINING_SEEDS, setting.images, planted=True, noise=MISSED, workers=workers)
    test = pictures(setting, TEST_SEEDS, setting.test, planted=False, noise=0.0, workers=workers)
    learned = []
    for name in names:
        say(f"training “{name}”")
        penalty = setting.penalty if name == "penalised" else 0.0
        model = fit(setting, apart if name == "apart" else planted, penalty, torch.device("cpu"))
        figures = measured(setting, model, test, autoencoder)
        say(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items()))
        learned.append(Learned(name, model, figures))
    return test, learned
