"""VA-GAN's table on synthetic images whose truth is known: NCC of the map generator and of classifier-based maps.

    python -m bench.vagan models/boxes [--images 100] [--output FOLDER]

The generator is what `python -m explain.training vagan --synthetic --output models/boxes` made; without one this says
so and exits with 0. A small classifier is trained here on the same images; its maps are those of the kinds with their
default settings. All maps are of the same positives of a fresh test set, on whose seed nothing was trained or chosen.
The last row is the same map for every image, the mean truth of the training images: what a map earns that knows where
boxes usually are and does not look. --output: writes table.csv and maps.png there.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from explain.evaluate.correlation import normalised_cross_correlation
from explain.methods.contract import explained
from explain.methods.kinds import KINDS
from explain.models.generators import load_generator
from explain.training.vagan_data import (
    SYNTHETIC_IMAGES,
    TEST_SEED,
    TRAINING_SEED,
    Labelled,
    synthetic,
    training_part,
)

PUBLISHED = {
    "VA-GAN": ".94 (.07)", "additive_perturbation": ".06 (.03)", "guided_backprop": ".14 (.04)",
    "integrated_gradients": ".36 (.11)", "grad_cam": "CAM .48 (.04)",
}  # fmt: skip
OF_CLASSIFIER = ("additive_perturbation", "guided_backprop", "integrated_gradients", "grad_cam")


class SmallClassifier(nn.Module):
    """(N, 1, S, S) in [-1024, 1024] -> (N, 1), the probability of boxes."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, stride in ((1, 8, 2), (8, 16, 2), (16, 32, 2), (32, 32, 1)):
            layers += [nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.features, self.last = nn.Sequential(*layers), nn.Linear(32, 1)

    def logits(self, x: Tensor) -> Tensor:
        return self.last(self.features(x / 1024.0).mean(dim=(2, 3)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(x))


def trained_classifier(part: Labelled, steps: int) -> SmallClassifier:
    torch.manual_seed(0)
    classifier, rng = SmallClassifier(), np.random.default_rng(0)
    optimiser = torch.optim.Adam(classifier.parameters(), 3e-3)
    for _ in range(steps):
        chosen = rng.integers(0, len(part.labels), 32)
        x, labels = torch.from_numpy(1024 * part.images[chosen]), torch.from_numpy(part.labels[chosen]).float()
        loss = functional.binary_cross_entropy_with_logits(classifier.logits(x)[:, 0], labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return classifier.eval()


def accuracy(classifier: SmallClassifier, test: Labelled) -> float:
    with torch.no_grad():
        found = classifier(torch.from_numpy(1024 * test.images))[:, 0] > 0.5
    return float((found.numpy() == test.labels).mean())


def maps_of_all(generator: nn.Module, classifier: SmallClassifier, x: Tensor) -> dict[str, Tensor]:
    """name -> (N, S, S); of the generator -M, since what is added takes brightness away."""
    with torch.no_grad():
        found = {"VA-GAN": -torch.cat([generator(part)[:, 0] for part in x.split(20)])}
    targets = torch.zeros(len(x), dtype=torch.int64)
    made = explained([KINDS[name] for name in OF_CLASSIFIER], x, targets, {"classifier": classifier}, batch_size=20)
    stacked = {name: torch.stack([r.map for r in one.results if r.map is not None]) for name, one in made.items()}
    return found | stacked


def picture(x: Tensor, truth: NDArray[np.bool_], maps: dict[str, Tensor], count: int = 6) -> Image.Image:
    """A row an image: the image, its truth, and each map from its least to its highest value."""
    columns = [x[:count, 0], torch.from_numpy(truth[:count]).float(), *(one[:count] for one in maps.values())]
    scaled = []
    for column in columns:
        low, high = column.amin((1, 2), keepdim=True), column.amax((1, 2), keepdim=True)
        scaled.append(functional.pad((column - low) / (high - low).clamp(min=1e-9), (0, 4, 0, 4)))
    rows = torch.cat([torch.cat(list(column), 0) for column in scaled], 1)
    return Image.fromarray((255 * rows).byte().numpy())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.vagan", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("generator", nargs="?", default="models/boxes", help="model folder (default models/boxes)")
    parser.add_argument("--images", type=int, default=100, help="positives of the test set (default 100)")
    parser.add_argument("--train", type=int, default=SYNTHETIC_IMAGES, help="images drawn for the classifier")
    parser.add_argument("--steps", type=int, default=300, help="steps of the classifier (default 300)")
    parser.add_argument("--output", type=Path, help="folder for table.csv and maps.png")
    options = parser.parse_args(arguments)
    if not Path(options.generator).is_dir():
        say(f"There is no {options.generator}: python -m explain.training vagan --synthetic --output models/boxes")
        return 0
    loaded = load_generator(str(Path(options.generator).resolve()))
    size = loaded.input_size
    learnt = training_part(synthetic(options.train, TRAINING_SEED, size))
    classifier = trained_classifier(learnt, options.steps)
    test = synthetic(2 * options.images, TEST_SEED, size)
    say(f"classifier: accuracy {accuracy(classifier, test):.3f} on {len(test.labels)} fresh images")
    positives = test.positives()
    x = torch.from_numpy(1024 * positives.images)
    maps = maps_of_all(loaded.module, classifier, x)
    usual = torch.from_numpy(learnt.positives().masks.mean(axis=0, dtype=np.float32))
    maps["mean truth, for every image"] = usual.expand(len(x), -1, -1)
    rows = [("map", "ncc", "sd", "published")]
    for name, one in maps.items():
        ncc = normalised_cross_correlation(one, torch.from_numpy(positives.masks))
        rows.append((name, f"{ncc.mean():.3f}", f"{ncc.std():.3f}", PUBLISHED.get(name, "")))
    for row in rows:
        say(f"{row[0]:30} {row[1]:>6} {row[2]:>6}  {row[3]}")
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        with (options.output / "table.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        picture(x, positives.masks, maps).save(options.output / "maps.png")
    return 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
