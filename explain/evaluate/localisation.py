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

from explain.evaluate.metric import Subject
from explain.images.radiograph import MODEL_SIZE, Crop
from explain.render.usable import require_usable


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
    selected: np.ndarray = over + share * tied
    return selected.reshape(np.shape(values))


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


def iou_at_percentiles(values: np.ndarray, mask: np.ndarray, percentiles: Sequence[float]) -> np.ndarray:
    """Intersection over union of the mask with the pixels over each percentile of the map: float64, 0 to 1.

    values, mask, errors: as for iou_at_mask_area. percentiles: 0..100; at p the highest round((100 - p) % of all)
    pixels are selected, halves rounded to even. Returns (len(percentiles),).
    Source: Charachon et al. 2021, section 4.3, table 1.
    """
    mask = _checked(values, mask)
    found = []
    for selected in _selections(values, percentiles):
        common = selected[mask].sum()
        found.append(common / (selected.sum() + mask.sum() - common))
    return np.array(found)


def fnr_at_percentiles(values: np.ndarray, mask: np.ndarray, percentiles: Sequence[float]) -> np.ndarray:
    """FNR as Charachon et al. use the word: the share of the pixels over each percentile that lies outside the mask.

    Arguments, errors, source: as for iou_at_percentiles. 0 (all selected pixels inside) to 1; it is not the share of
    the mask that is missed, for which see miss_rate_at_percentiles. ValueError where a percentile selects no pixel.
    """
    mask = _checked(values, mask)
    selections = _selections(values, percentiles)
    if any(selected.sum() == 0 for selected in selections):
        raise ValueError(f"One of the percentiles {list(percentiles)} selects no pixel of {np.size(values)}.")
    return np.array([1 - selected[mask].sum() / selected.sum() for selected in selections])


def miss_rate_at_percentiles(values: np.ndarray, mask: np.ndarray, percentiles: Sequence[float]) -> np.ndarray:
    """Share of the mask that is missed when the map is cut at each percentile: 0 (all of it found) to 1.

    Arguments and errors: as for iou_at_percentiles. It is 1 - sensitivity.
    """
    mask = _checked(values, mask)
    return np.array([1 - selected[mask].mean() for selected in _selections(values, percentiles)])


def hit_rate(values: np.ndarray, mask: np.ndarray) -> float:
    """Whether the map's maximum lies in the mask, 0 or 1; of tied maxima the share that does.

    values, mask, errors: as for iou_at_mask_area. Sources: Zhang et al., "Top-down Neural Attention by Excitation
    Backprop", ECCV 2016 (there with a margin of 15 pixels, here with none); Saporta et al., 2022 (CheXlocalize).
    """
    mask = _checked(values, mask)
    return float(mask[values == np.max(values)].mean())


def relevance_mass(values: np.ndarray, mask: np.ndarray) -> float:
    """Share of the sum of |map| that lies inside the mask, 0 to 1.

    values, mask, errors: as for iou_at_mask_area. Source: Arras, Osman, Samek, "CLEVR-XAI", Information Fusion 2022.
    """
    mask = _checked(values, mask)
    strength = np.abs(np.asarray(values, float))
    return float(strength[mask].sum() / strength.sum())


def relevance_rank(values: np.ndarray, mask: np.ndarray) -> float:
    """Of as many highest pixels as the mask has, the share that lies inside it, 0 to 1.

    values, mask, errors: as for iou_at_mask_area, with which it orders maps alike: IoU = rank / (2 - rank).
    Source: as for relevance_mass.
    """
    mask = _checked(values, mask)
    return float(select_top(values, int(mask.sum()))[mask].mean())


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
    found: np.ndarray = (share >= min(0.5, share.max())) & (share > 0)
    return found


def measure_iou_at_mask_area(subject: Subject) -> float:
    return iou_at_mask_area(subject.array("map"), subject.array("mask"))


def measure_iou_at_percentile(subject: Subject, percentile: float) -> float:
    return float(iou_at_percentiles(subject.array("map"), subject.array("mask"), [percentile])[0])


def measure_outside_at_percentile(subject: Subject, percentile: float) -> float:
    return float(fnr_at_percentiles(subject.array("map"), subject.array("mask"), [percentile])[0])


def measure_missed_at_percentile(subject: Subject, percentile: float) -> float:
    return float(miss_rate_at_percentiles(subject.array("map"), subject.array("mask"), [percentile])[0])


def measure_hit_rate(subject: Subject) -> float:
    return hit_rate(subject.array("map"), subject.array("mask"))


def measure_relevance_mass(subject: Subject) -> float:
    return relevance_mass(subject.array("map"), subject.array("mask"))


def measure_relevance_rank(subject: Subject) -> float:
    return relevance_rank(subject.array("map"), subject.array("mask"))


def measure_confounder_share(subject: Subject) -> float:
    """The relevance mass of a planted confounder: right for the wrong reason. Compare with that of the finding."""
    return relevance_mass(subject.array("map"), subject.array("confounder"))


def _selections(values: np.ndarray, percentiles: Sequence[float]) -> list[np.ndarray]:
    """What each percentile selects, as select_top; ValueError for a percentile out of range."""
    wanted = np.asarray(percentiles, float)
    if not ((wanted >= 0) & (wanted <= 100)).all():
        raise ValueError(f"Percentiles lie between 0 and 100; got {list(percentiles)}.")
    counts = np.round((100 - wanted) / 100 * np.size(values)).astype(int)
    return [select_top(values, count) for count in counts]


def _checked(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    require_usable(values)
    mask = np.asarray(mask) > 0
    if mask.shape != np.shape(values):
        raise ValueError(f"The map is {np.shape(values)} and the mask {mask.shape}; see mask_to_model_frame.")
    if not mask.any():
        raise ValueError("The mask is empty: outside the model's field of view, or drawn for another image.")
    return mask
