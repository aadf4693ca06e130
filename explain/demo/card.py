"""Measure the demo models on phantoms they have not seen, and write the figures beside the weights.

    python -m explain.demo.card --models fixtures/models

Everything asked of the models is here, met or not: `card.json` says which figures fall short.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage, optimize
from torch import Tensor

from explain.demo.data import to_input, truth_labels
from explain.demo.phantom_anatomy import stream
from explain.demo.phantoms import COMPANION, PATHOLOGIES, draw
from explain.evaluate.discrimination import auc
from explain.evaluate.localisation import iou_at_mask_area
from explain.methods.gradients import input_gradients, integrated_gradients
from explain.methods.guided import guided_backprop
from explain.methods.latent_shift import LatentShift, latent_shift
from explain.models.demo_pair import CARD_FILE, MODEL_SIZE, DemoAutoencoder, DemoClassifier, load_demo

CALIBRATION_SEEDS, HELD_OUT_SEEDS, CONFOUNDED_SEEDS = 2_000_000, 3_000_000, 4_000_000
REQUIRED = {
    "auc": 0.90,
    "auc_loss_on_reconstructions": 0.07,
    "left_target_reached": 0.80,
    "change_inside_over_outside": 3.0,
    "false_positives_with_confounder": 0.15,
    "fall_when_confounder_is_removed": 0.2,
}
SLOPE = 0.45
NEIGHBOURHOOD = 8  # pixels of 224 round the truth mask


@dataclass(frozen=True)
class HeldOut:
    """Phantoms without confounders. x: (N, 1, 224, 224); truth: (N, 6) bool; masks: per phantom, pathology -> mask."""

    x: Tensor
    truth: NDArray[np.bool_]
    masks: list[dict[str, NDArray[np.bool_]]]


def _held_out_phantom(seed: int) -> tuple[NDArray[Any], NDArray[np.bool_], dict[str, NDArray[np.bool_]]]:
    rng = stream(seed, "held out")
    findings = [name for name in PATHOLOGIES if rng.random() < 0.25]
    phantom = draw(seed, MODEL_SIZE, findings)
    return phantom.pixels, truth_labels(findings) > 0.5, phantom.masks


def held_out(first_seed: int, count: int, workers: int = 2) -> HeldOut:
    """Phantoms no model was trained on, each pathology in a quarter of them, no confounders."""
    with ProcessPoolExecutor(workers) as pool:
        pixels, truth, masks = zip(*pool.map(_held_out_phantom, range(first_seed, first_seed + count), chunksize=16))
    return HeldOut(torch.from_numpy(to_input(np.stack(pixels))), np.stack(truth), list(masks))


def _confounded_pair(task: tuple[int, str]) -> tuple[NDArray[Any], NDArray[Any]]:
    seed, pathology = task
    return draw(seed, MODEL_SIZE, (), [COMPANION[pathology]]).pixels, draw(seed, MODEL_SIZE).pixels


def confounded(pathology: str, count: int, workers: int = 2) -> tuple[Tensor, Tensor]:
    """Healthy phantoms with the pathology's companion, and the same ones without it; (N, 1, 224, 224) each."""
    first = CONFOUNDED_SEEDS + 10_000 * PATHOLOGIES.index(pathology)
    with ProcessPoolExecutor(workers) as pool:
        pairs = list(pool.map(_confounded_pair, [(first + n, pathology) for n in range(count)], chunksize=16))
    with_it, without = (torch.from_numpy(to_input(np.stack(side))) for side in zip(*pairs))
    return with_it, without


@torch.no_grad()
def in_parts(function: Any, x: Tensor, size: int = 64) -> Tensor:
    return torch.cat([function(part) for part in x.split(size)])


def calibrate(classifier: DemoClassifier, cases: HeldOut) -> None:
    """Platt scaling in place, positives and negatives weighing the same, so that 0.5 is the operating point.

    A penalty holds the slope near SLOPE: on labels that can be separated it would grow without bound, and the gradients
    of a saturated probability are so small that latent shift meets its limit of lambda before anything changes.
    """
    logits = in_parts(classifier.logits, cases.x).double().numpy()
    for column in range(len(PATHOLOGIES)):
        positives = cases.truth[:, column]

        def loss(line: NDArray[Any], z: NDArray[Any] = logits[:, column], y: NDArray[Any] = positives) -> float:
            miss = np.logaddexp(0.0, np.where(y, -1.0, 1.0) * (line[0] * z + line[1]))
            return float(miss[y].mean() + miss[~y].mean() + 10.0 * (line[0] - SLOPE) ** 2)

        scale, shift = optimize.minimize(loss, [1.0, 0.0], method="Nelder-Mead").x
        classifier.scale[column], classifier.shift[column] = float(scale), float(shift)


def discrimination(classifier: DemoClassifier, autoencoder: DemoAutoencoder, cases: HeldOut) -> dict[str, Any]:
    """Per pathology: AUC on pictures and on reconstructions, sensitivity and specificity at 0.5, best Youden index."""
    direct = in_parts(classifier, cases.x).numpy()
    rebuilt = in_parts(lambda x: classifier(autoencoder(x)), cases.x).numpy()
    figures = {}
    for column, name in enumerate(PATHOLOGIES):
        truth, p = cases.truth[:, column], direct[:, column]
        youden = [(p[truth] > cut).mean() - (p[~truth] > cut).mean() for cut in np.linspace(0.02, 0.98, 49)]
        figures[name] = {
            "auc": auc(p, truth),
            "auc_on_reconstructions": auc(rebuilt[:, column], truth),
            "sensitivity_at_half": float((p[truth] > 0.5).mean()),
            "specificity_at_half": float((p[~truth] <= 0.5).mean()),
            "youden_at_half": float((p[truth] > 0.5).mean() - (p[~truth] > 0.5).mean()),
            "best_youden": float(max(youden)),
        }
    return figures


def change_ratio(change: NDArray[Any], mask: NDArray[np.bool_]) -> float:
    """Mean change per pixel in the neighbourhood of the mask over that outside it."""
    near = ndimage.binary_dilation(mask, iterations=NEIGHBOURHOOD)
    return float(change[near].mean() / max(change[~near].mean(), 1e-9))


def explanations(
    classifier: DemoClassifier, autoencoder: DemoAutoencoder, cases: HeldOut, per_pathology: int
) -> dict[str, Any]:
    """True positives: does the default search reach its left target, where does the picture change, IoU of each map."""
    figures: dict[str, Any] = {}
    true_positive = (in_parts(lambda x: classifier(autoencoder(x)), cases.x).numpy() > 0.5) & cases.truth
    for column, name in enumerate(PATHOLOGIES):
        chosen = np.flatnonzero(true_positive[:, column])[:per_pathology]
        if not len(chosen):
            figures[name] = {"examples": 0}
            continue
        x, masks = cases.x[chosen], [cases.masks[n][name] for n in chosen]
        targets = torch.full((len(chosen),), column)
        shifted = latent_shift(classifier, autoencoder, x, targets)
        maps = {
            "input gradient": input_gradients(classifier, x, targets),
            "guided backprop": guided_backprop(classifier, x, targets),
            "integrated gradients": integrated_gradients(classifier, x, targets, steps=24),
            "latentshift-max": shifted.max_map(),
            "latentshift-mean": shifted.mean_map(),
            "latentshift-minmax": shifted.minmax_map(),
            "latentshift-interval": shifted.interval_map(),
        }
        figures[name] = {"examples": len(chosen), **shift_figures(shifted, masks)} | {
            "iou": {
                kind: float(np.mean([iou_at_mask_area(m, mask) for m, mask in zip(values.numpy(), masks)]))
                for kind, values in maps.items()
            }
        }
    return figures


def shift_figures(shifted: LatentShift, masks: list[NDArray[np.bool_]]) -> dict[str, float]:
    """Share that reached the left target; median change ratio between the reconstruction and the leftmost frame."""
    faded = [(frames[0] - start).abs().numpy() for frames, start in zip(shifted.frames, shifted.reconstruction)]
    before, after = shifted.prediction_reconstruction, torch.tensor([p[0] for p in shifted.predictions])
    return {
        "left_target_reached": float(np.mean([reasons.left == "reached" for reasons in shifted.stop_reasons])),
        "change_inside_over_outside": float(np.median([change_ratio(c, m) for c, m in zip(faded, masks)])),
        "evaluations": float(np.mean(shifted.evaluations)),
        "mean_fall": float((before.cpu() - after).mean()),
    }


def confounding(classifier: DemoClassifier, autoencoder: DemoAutoencoder, count: int) -> dict[str, Any]:
    """Healthy phantoms with a companion: share called positive, median fall without the companion."""
    figures = {}
    for column, name in enumerate(PATHOLOGIES):
        with_it, without = confounded(name, count)
        p, q = (in_parts(classifier, x)[:, column].numpy() for x in (with_it, without))
        rebuilt = in_parts(lambda x: classifier(autoencoder(x)), with_it)[:, column].numpy()
        figures[name] = {
            "confounder": COMPANION[name],
            "false_positives_with_confounder": float((p > 0.5).mean()),
            "false_positives_on_reconstructions": float((rebuilt > 0.5).mean()),
            "false_positives_without": float((q > 0.5).mean()),
            "fall_when_confounder_is_removed": float(np.median(p - q)),
        }
    return figures


def shortfalls(card: dict[str, Any]) -> list[str]:
    """The figures that are below what an explanation needs to be shown (the thresholds here), in words."""
    short, lost = [], []
    for name in PATHOLOGIES:
        seen, shown, fooled = (card[part][name] for part in ("discrimination", "explanations", "confounding"))
        for group, key in (
            (seen, "auc"),
            (shown, "left_target_reached"),
            (shown, "change_inside_over_outside"),
            (fooled, "false_positives_with_confounder"),
            (fooled, "fall_when_confounder_is_removed"),
        ):
            if not group.get(key, 0.0) >= REQUIRED[key]:
                short.append(f"{name}: {key} {group.get(key, 0.0):.3f}, asked {REQUIRED[key]}")
        if seen["auc"] - seen["auc_on_reconstructions"] > REQUIRED["auc_loss_on_reconstructions"]:
            lost.append(
                f"{name}: AUC {seen['auc']:.3f} falls to {seen['auc_on_reconstructions']:.3f} on reconstructions"
            )
    return short + (lost if len(lost) > 1 else [])


def measure(
    classifier: DemoClassifier, autoencoder: DemoAutoencoder, count: int = 600, per_pathology: int = 40, pairs: int = 80
) -> dict[str, Any]:
    """The whole card. count: held-out phantoms; per_pathology: explained of each; pairs: with each companion."""
    cases = held_out(HELD_OUT_SEEDS, count)
    card: dict[str, Any] = {
        "held_out_phantoms": count,
        "required": REQUIRED,
        "discrimination": discrimination(classifier, autoencoder, cases),
        "explanations": explanations(classifier, autoencoder, cases, per_pathology),
        "confounding": confounding(classifier, autoencoder, pairs),
    }
    return card | {"left_target_reached_overall": overall_reach(card), "falls_short": shortfalls(card)}


def overall_reach(card: dict[str, Any]) -> float:
    """Share of all explained true positives whose search reached its left target."""
    groups = card["explanations"].values()
    reached: float = sum(group["examples"] * group.get("left_target_reached", 0.0) for group in groups)
    explained: int = sum(group["examples"] for group in groups)
    return reached / max(explained, 1)


def write_card(card: dict[str, Any], path: Path) -> None:
    rounded = json.loads(json.dumps(card), parse_float=lambda text: round(float(text), 4))
    path.write_text(json.dumps(rounded, indent=1) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m explain.demo.card", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--models", type=Path, required=True, help="folder with the two weight files")
    parser.add_argument("--count", type=int, default=600, help="held-out phantoms (default 600)")
    options = parser.parse_args(arguments)
    write_card(measure(*load_demo(options.models), count=options.count), options.models / CARD_FILE)


if __name__ == "__main__":
    main()
