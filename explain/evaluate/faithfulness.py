"""Does a map show what the prediction depends on? Parts of the image are replaced in the order of the map.

Shared by all functions here:
    classifier  any module (N, 1, H, W) -> (N, K) of probabilities, run in evaluation mode and left as it was found
    pixels      float32 (H, W), a radiograph in [-1024, 1024]
    target      the output column that was explained
    places      int64 (H, W), the place of each pixel in an order, 0 first: see `places_of`
    fill        float32 (H, W), what replaces the pixels: see `fill_of`

What replaces a part matters most: a fill that the classifier never saw (zeros, noise) changes its answer whatever was
there. So each metric of this family names its fill.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from explain.evaluate.metric import Subject
from explain.evaluate.subjects import INPUT_RANGE, as_input
from explain.methods.blur import gaussian_blur
from explain.methods.latent_shift import latent_shift
from explain.methods.modes import explaining
from explain.render.usable import require_usable

Fill = Literal["blur", "mean", "counterfactual"]
BLUR_SIGMA = 10.0  # pixels
MEAN_SIDE = 31  # pixels of the square whose mean replaces its middle


def places_of(values: np.ndarray, patch: int = 1, seed: int = 0) -> np.ndarray:
    """The place of each pixel when patches are taken from the highest mean of the map to the lowest.

    values: map (H, W). patch: pixels a side; at the right and lower edge patches may be smaller. All pixels of a patch
    have its place. Equal patches are taken in an order drawn from `seed`, so that no corner comes first. Raises
    UnusableMap for a map that is constant or not finite.
    """
    require_usable(values)
    if patch < 1:
        raise ValueError(f"patch is {patch}; it must be at least 1 pixel")
    rows, columns = (np.arange(side) // patch for side in values.shape)
    which = rows[:, None] * (columns[-1] + 1) + columns
    sums = np.bincount(which.ravel(), np.asarray(values, float).ravel())
    means = sums / np.bincount(which.ravel())
    ties = np.random.default_rng(seed).permutation(means.size)
    place = np.empty(means.size, np.int64)
    place[np.lexsort((ties, -means))] = np.arange(means.size)
    places: np.ndarray = place[which]
    return places


def replacement_curve(
    classifier: nn.Module,
    pixels: np.ndarray,
    fill: np.ndarray,
    places: np.ndarray,
    counts: np.ndarray,
    target: int,
    batch_size: int = 8,
) -> np.ndarray:
    """f_target of the image with its first `counts[k]` places replaced: float64 (len(counts),).

    batch_size: images per pass, all that is in memory at a time.
    """
    x, y = as_input(pixels, classifier), as_input(fill, classifier)
    order = torch.from_numpy(places).to(x.device)[None, None]
    found = []
    with explaining(x.device, classifier), torch.no_grad():
        for part in torch.as_tensor(counts, device=x.device).split(batch_size):
            images = torch.where(order < part[:, None, None, None], y, x)
            found.append(classifier(images)[:, target].double().cpu())
    return torch.cat(found).numpy()


def deletion_curve(subject: Subject, fill: Fill, patch: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """(share replaced, f) at 0..steps equal parts of the image, most relevant first; both float64 (steps + 1,).

    This is the degradation curve too. Read from its end, with the least relevant first, it is the preservation curve.
    """
    places = places_of(subject.array("map"), patch)
    counts = np.round(np.linspace(0, places.max() + 1, steps + 1)).astype(np.int64)
    curve = _curve(subject, fill, places, counts)
    return counts / counts[-1], curve


def insertion_curve(subject: Subject, fill: Fill, patch: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """(share put back, f): from the fill alone to the image, most relevant first. Otherwise as `deletion_curve`.

    Read from its end it is the preservation curve: the image with its least relevant parts replaced.
    """
    places = places_of(subject.array("map"), patch)
    places = places.max() - places  # the least relevant are replaced first
    counts = np.round(np.linspace(0, places.max() + 1, steps + 1)).astype(np.int64)
    curve = _curve(subject, fill, places, counts)
    return counts / counts[-1], curve[::-1].copy()


def measure_deletion(subject: Subject, fill: Fill, patch: int, steps: int) -> float:
    """Area under the deletion curve over the share replaced, by trapezoids; 0 to 1, low if the map is right."""
    return _area(*deletion_curve(subject, fill, patch, steps))


def measure_insertion(subject: Subject, fill: Fill, patch: int, steps: int) -> float:
    """Area under the insertion curve over the share put back, by trapezoids; 0 to 1, high if the map is right."""
    return _area(*insertion_curve(subject, fill, patch, steps))


def measure_aopc(subject: Subject, fill: Fill, patch: int, steps: int, orders: int) -> float:
    """Area over the perturbation curve, less that of random orders.

        AOPC = 1 / (L + 1) sum_{k=0..L} f(x) - f(x_k),  x_k with the k most relevant patches replaced

    steps: L, one patch each, at most as many as there are. orders: random orders whose mean is subtracted; they are the
    same for all maps of one size. Source: Samek et al., TNNLS 2017, eq. 12.
    """
    places = places_of(subject.array("map"), patch)
    counts = np.arange(min(steps, places.max() + 1) + 1)
    curve = _curve(subject, fill, places, counts)

    def at_random() -> float:
        draws = [np.random.default_rng(seed).random(places.shape) for seed in range(orders)]
        return float(np.mean([_curve(subject, fill, places_of(draw, patch), counts).mean() for draw in draws]))

    random = subject.once(("random orders", fill, patch, steps, orders), at_random, of_image=True)
    return random - float(curve.mean())


def measure_infidelity(subject: Subject, samples: int, scale: float, seed: int) -> float:
    """E_I[(sum I phi - (f(x) - f(x - I)))^2], I independent Gaussian noise in each pixel, phi the signed map.

    scale: standard deviation of I as a share of the input's range, 2048. Both terms are changes of the probability.
    Source: Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019, definition 2.1.
    """
    classifier, signed = subject.models["classifier"], subject.array("signed")
    x, rng = as_input(subject.array("pixels"), classifier), np.random.default_rng(seed)
    errors: list[float] = []
    with explaining(x.device, classifier), torch.no_grad():
        start = classifier(x)[0, subject.target].double()
        for first in range(0, samples, subject.batch_size):
            count = min(subject.batch_size, samples - first)
            noise = rng.standard_normal((count, *signed.shape), np.float32) * np.float32(scale * INPUT_RANGE)
            fall = start - classifier(x - as_input(noise, classifier))[:, subject.target].double()
            said = np.einsum("nhw,hw->n", noise.astype(float), signed.astype(float))
            errors += ((said - fall.cpu().numpy()) ** 2).tolist()
    return float(np.mean(errors))


def fill_of(subject: Subject, name: Fill) -> np.ndarray:
    """What replaces parts of the image: float32 (H, W).

    blur: the image blurred by a Gaussian of 10 pixels. mean: the mean of the square of 31 pixels around each pixel.
    counterfactual: the image redrawn so that the prediction is lowest (Latent Shift's search "default"), which looks
    like a radiograph; it needs the autoencoder, and favours maps that come from the same redrawing.
    """
    if name not in ("blur", "mean", "counterfactual"):
        raise ValueError(f"no fill is called {name!r}; there are blur, mean and counterfactual")
    return subject.once(("fill", name), lambda: _make_fill(subject, name), of_image=True)


def _make_fill(subject: Subject, name: Fill) -> np.ndarray:
    classifier = subject.models["classifier"]
    x = as_input(subject.array("pixels"), classifier)
    if name == "blur":
        made = gaussian_blur(x, BLUR_SIGMA)
    elif name == "mean":
        side = min(MEAN_SIDE, *(length // 2 * 2 - 1 for length in x.shape[-2:]))
        made = F.avg_pool2d(x, side, 1, side // 2, count_include_pad=False)
    else:
        targets = torch.tensor([subject.target], device=x.device)
        shift = latent_shift(classifier, subject.models["autoencoder"], x, targets, batch_size=subject.batch_size)
        made = shift.adversary()[:, None]
    return made[0, 0].float().cpu().numpy()


def _curve(subject: Subject, fill: Fill, places: np.ndarray, counts: np.ndarray) -> np.ndarray:
    pixels, classifier = subject.array("pixels"), subject.models["classifier"]
    return replacement_curve(
        classifier, pixels, fill_of(subject, fill), places, counts, subject.target, subject.batch_size
    )


def _area(shares: np.ndarray, curve: np.ndarray) -> float:
    return float(np.trapezoid(curve, shares))
