"""Does a map point at the finding? Agreement of a map with an expert's mask. NumPy and Pillow only.

A map is compared at the size it was computed, 224 x 224; `mask_to_model_frame` brings a mask drawn on the whole
radiograph there.

Ties. Where the cut falls among pixels of equal value, there is no fair way to pick some of them, and picking by
position would favour one corner. So a tied group counts by its expected share: each of its pixels counts as selected to
the same fraction, which makes the area exact and every figure independent of pixel order. Without ties the figures are
the ordinary ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from explain.images.radiograph import MODEL_SIZE, Crop
from explain.render.checks import require_usable


def select_top(values: np.ndarray, count: int) -> np.ndarray:
    """How far each pixel of a map belongs to its `count` highest: float64 in [0, 1], same shape, sum = count.

    1 over the cut, 0 under it, and an equal fraction for all pixels whose value is the cut itself.
    """
    flat = np.asarray(values, float).ravel()
    if not 0 <= count <= flat.size:
        raise ValueError(f"Cannot select {count} of {flat.size} pixels.")
    if count == 0:
        return np.zeros(np.shape(values))
    cut = np.partition(flat, flat.size - count)[flat.size - count]
    over, tied = flat > cut, flat == cut
    share = (count - np.count_nonzero(over)) / np.count_nonzero(tied)
    return (over + share * tied).reshape(np.shape(values))


def iou_at_mask_area(values: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union of an expert mask with as many of the map's highest pixels as the mask has.

    values: map (H, W); mask: bool (H, W), true inside the finding. 0 (nothing in common) to 1. The map's sign and scale
    matter only by order. Raises UnusableMap for a map that is constant or not finite, ValueError for an empty mask or
    unequal shapes. Source: Cohen et al. 2021, section 3.4 (binarised at the percentile that leaves the mask's area).
    """
    mask = _checked(values, mask)
    area = int(mask.sum())
    common = float(select_top(values, area)[mask].sum())
    return common / (2 * area - common)


def fnr_at_percentiles(values: np.ndarray, mask: np.ndarray, percentiles: Sequence[float]) -> np.ndarray:
    """False negative rate: the share of the mask that is missed when the map is cut at each percentile.

    values, mask, errors: as for iou_at_mask_area. percentiles: 0..100; at p the highest round((100 - p) % of all)
    pixels are selected, halves rounded to even. Returns float64 (len(percentiles),), 0 (all of the mask found) to 1.
    Source: Charachon et al. 2021, section 4.3.
    """
    mask = _checked(values, mask)
    wanted = np.asarray(percentiles, float)
    if not ((wanted >= 0) & (wanted <= 100)).all():
        raise ValueError(f"Percentiles lie between 0 and 100; got {list(percentiles)}.")
    counts = np.round((100 - wanted) / 100 * mask.size).astype(int)
    return np.array([1 - select_top(values, count)[mask].mean() for count in counts])


def mask_to_model_frame(mask: np.ndarray, crop: Crop | None = None, size: int = MODEL_SIZE) -> np.ndarray:
    """A mask (H, W) on the whole radiograph as bool (size, size) over the crop the model sees.

    crop: in the mask's own pixels, the whole mask if None. A pixel of the result is true where the mask covers at least
    half of it; a finding so thin that no pixel is half covered keeps the pixels it covers most, so that a mask inside
    the crop never vanishes. A mask that lies wholly outside the crop gives an empty result, which the figures above
    refuse.
    """
    inside = np.asarray(mask) > 0
    if crop is not None:
        inside = inside[crop.y : crop.y + crop.size, crop.x : crop.x + crop.size]
    covered = Image.fromarray(inside.astype(np.float32)).resize((size, size), Image.Resampling.BOX)
    share = np.asarray(covered)
    return (share >= min(0.5, share.max())) & (share > 0)


def _checked(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    require_usable(values)
    mask = np.asarray(mask) > 0
    if mask.shape != np.shape(values):
        raise ValueError(f"The map is {np.shape(values)} and the mask {mask.shape}; see mask_to_model_frame.")
    if not mask.any():
        raise ValueError("The mask is empty: outside the model's field of view, or drawn for another image.")
    return mask
