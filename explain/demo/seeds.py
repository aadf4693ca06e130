"""Choose the demo study's phantoms: run after training other demo models, and put what it prints into cases.py.

python -m explain.demo.seeds --models fixtures/models
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from explain.demo.cases import CASE_SIZE, make_case, practice_is_true
from explain.demo.data import to_input, to_model_size
from explain.demo.phantoms import PATHOLOGIES, Phantom, draw
from explain.methods.latent_shift import latent_shift
from explain.models.demo_pair import DemoAutoencoder, DemoClassifier, load_demo

FIRST_SEED, TRIES = 5_000_000, 400
LARGEST_CHANGE = 25.0  # of a pixel on average, of 2048, at the walk's left end; with more the lung falls to pieces


def model_input(phantom: Phantom) -> Tensor:
    """(1, 1, 224, 224) in [-1024, 1024]."""
    grey = (phantom.pixels / (2**phantom.depth - 1) * 255.0).round().astype("uint8")
    return torch.from_numpy(to_input(to_model_size(grey)[None]))


def choose(classifier: DemoClassifier, autoencoder: DemoAutoencoder) -> dict[str, tuple[int, ...]]:
    """For each pathology the first seeds that make good examples: two true, two false positives, one for practice."""
    chosen = {}
    for order, name in enumerate(PATHOLOGIES):
        true = good_examples(classifier, autoencoder, name, True, FIRST_SEED + 20_000 * order)
        false = good_examples(classifier, autoencoder, name, False, FIRST_SEED + 20_000 * order + 10_000)
        seeds = [next(true), next(true), next(false), next(false)]
        chosen[name] = (*seeds, next(true if practice_is_true(name) else false))
    return chosen


def good_examples(
    classifier: DemoClassifier, autoencoder: DemoAutoencoder, name: str, true: bool, first: int
) -> Iterator[int]:
    """Seeds called positive with some margin, picture and reconstruction alike, whose latent shift reaches its target
    without changing everything else.

    A false positive must turn negative when its companion is taken out: the companion is then known to be the cause.
    Raises LookupError if there are too few.
    """
    column = PATHOLOGIES.index(name)
    for seed in range(first, first + TRIES):
        x = model_input(make_case(0, seed, name, true).draw())
        shifted = latent_shift(classifier, autoencoder, x, torch.tensor([column]))
        p, rebuilt = shifted.prediction_input.item(), shifted.prediction_reconstruction.item()
        if min(p, rebuilt) < 0.55 or abs(p - rebuilt) > 0.2 or shifted.stop_reasons[0].left != "reached":
            continue
        if (shifted.frames[0][0] - shifted.reconstruction[0]).abs().mean() > LARGEST_CHANGE:
            continue
        with torch.no_grad():
            if true or classifier(model_input(draw(seed, CASE_SIZE)))[0, column] < 0.4:
                yield seed
    raise LookupError(f"too few of {TRIES} phantoms are {'true' if true else 'false'} positives for {name}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m explain.demo.seeds", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--models", type=Path, required=True, help="folder with the two weight files")
    chosen = choose(*load_demo(parser.parse_args(arguments).models))
    print("\n".join(f'    "{name}": {seeds},' for name, seeds in chosen.items()))  # noqa: T201


if __name__ == "__main__":
    main()
