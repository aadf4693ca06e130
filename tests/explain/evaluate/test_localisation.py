"""Agreement of maps with masks, by hand-checked values."""

from __future__ import annotations

import numpy as np
import pytest

from explain.evaluate.localisation import (
    fnr_at_percentiles,
    hit_rate,
    iou_at_mask_area,
    iou_at_percentiles,
    mask_to_model_frame,
    miss_rate_at_percentiles,
    relevance_mass,
    relevance_rank,
    select_top,
)
from explain.images.radiograph import Crop, Radiograph, center_crop
from explain.render.usable import UnusableMap

MAP = np.arange(16.0).reshape(4, 4)


def mask_of(*pixels: int) -> np.ndarray:
    mask = np.zeros(16, bool)
    mask[list(pixels)] = True
    return mask.reshape(4, 4)


@pytest.mark.parametrize(
    "pixels, iou",
    [((12, 13, 14, 15), 1.0), ((0, 1, 2, 3), 0.0), ((14, 15, 0, 1), 2 / 6), ((15,), 1.0), (tuple(range(16)), 1.0)],
)
def test_iou_at_the_masks_own_area(pixels: tuple[int, ...], iou: float) -> None:
    assert iou_at_mask_area(MAP, mask_of(*pixels)) == pytest.approx(iou)
    assert iou_at_mask_area(np.exp(MAP) * 1e-9, mask_of(*pixels)) == pytest.approx(iou), "only the order counts"


def test_tied_pixels_count_by_their_expected_share() -> None:
    values = np.zeros((4, 4))
    values[0] = [5, 3, 3, 3]  # one clear pixel, three tied, the rest tied at zero
    # A mask of two: 5 is selected, and of the three tied ones a third each.
    assert select_top(values, 2)[0].tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3])
    assert iou_at_mask_area(values, mask_of(0, 1)) == pytest.approx((4 / 3) / (4 - 4 / 3))
    assert iou_at_mask_area(values, mask_of(0, 3)) == iou_at_mask_area(values, mask_of(0, 1))


def test_the_share_is_the_mean_over_all_ways_to_break_the_ties() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 4, (6, 6)).astype(float)
    for count in (0, 1, 9, 20, 36):
        drawn = np.zeros(36)
        for _ in range(4000):
            drawn[np.lexsort((rng.random(36), values.ravel()))[36 - count :]] += 1
        np.testing.assert_allclose(select_top(values, count).ravel(), drawn / 4000, atol=0.05)
        assert select_top(values, count).sum() == pytest.approx(count)


def test_turning_map_and_mask_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    values, mask = np.maximum(rng.normal(size=(20, 20)), 0), rng.random((20, 20)) > 0.6
    turned = iou_at_mask_area(values[::-1, ::-1].T, mask[::-1, ::-1].T)
    assert turned == pytest.approx(iou_at_mask_area(values, mask))


def test_figures_at_percentiles() -> None:
    mask = mask_of(15, 14, 8, 0)
    # 100: nothing selected; 87.5: 15, 14; 50: 8..15; 0: all
    assert miss_rate_at_percentiles(MAP, mask, [100, 87.5, 50, 0]).tolist() == [1, 0.5, 0.25, 0]
    assert fnr_at_percentiles(MAP, mask, [87.5, 50, 0]).tolist() == [0, 5 / 8, 12 / 16]
    assert iou_at_percentiles(MAP, mask, [100, 87.5, 50, 0]).tolist() == [0, 2 / 4, 3 / 9, 4 / 16]
    assert miss_rate_at_percentiles(MAP, mask, []).tolist() == []
    tied = np.repeat([0.0, 1.0], 8).reshape(4, 4)  # 4 of 8 tied pixels, each half: of the mask 14, 15 and 8
    assert miss_rate_at_percentiles(tied, mask, [75])[0] == pytest.approx(1 - 1.5 / 4)
    assert fnr_at_percentiles(tied, mask, [75])[0] == pytest.approx(1 - 1.5 / 4)
    assert iou_at_percentiles(tied, mask, [75])[0] == pytest.approx(1.5 / (4 + 4 - 1.5))


def test_the_papers_fnr_falls_as_the_percentile_rises_and_the_miss_rate_rises() -> None:
    """On a map that is right at its strongest, as in Charachon et al., table 1 (.639 .584 .508 for gradients)."""
    mask = mask_of(15, 14, 8, 0)
    assert np.all(np.diff(fnr_at_percentiles(MAP, mask, [50, 75, 87.5])) < 0)
    assert np.all(np.diff(miss_rate_at_percentiles(MAP, mask, [50, 75, 87.5])) >= 0)


def test_hit_rate_counts_tied_maxima_by_their_share() -> None:
    assert hit_rate(MAP, mask_of(15)) == 1 and hit_rate(MAP, mask_of(*range(15))) == 0
    tied = np.minimum(MAP, 12)  # maxima at 12..15
    assert hit_rate(tied, mask_of(12, 0, 1)) == 0.25


def test_relevance_mass_and_rank() -> None:
    signed = np.where(MAP % 2 == 0, MAP, -MAP)
    assert relevance_mass(signed, mask_of(15, 14)) == pytest.approx(29 / 120)
    assert relevance_rank(MAP, mask_of(15, 14, 3, 2)) == 0.5
    for pixels in ((15, 14, 3, 2), (15, 1, 2), (0,)):
        rank = relevance_rank(MAP, mask_of(*pixels))
        assert iou_at_mask_area(MAP, mask_of(*pixels)) == pytest.approx(rank / (2 - rank))


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(UnusableMap):
        iou_at_mask_area(np.ones((4, 4)), mask_of(1))
    with pytest.raises(UnusableMap):
        fnr_at_percentiles(np.where(MAP == 3, np.inf, MAP), mask_of(1), [50])
    with pytest.raises(ValueError, match="mask is empty"):
        iou_at_mask_area(MAP, mask_of())
    with pytest.raises(ValueError, match=r"map is \(4, 4\) and the mask \(5, 4\)"):
        iou_at_mask_area(MAP, np.ones((5, 4), bool))
    with pytest.raises(ValueError, match="between 0 and 100"):
        fnr_at_percentiles(MAP, mask_of(1), [101])
    with pytest.raises(ValueError, match="selects no pixel"):
        fnr_at_percentiles(MAP, mask_of(1), [50, 99.9])
    for figure in (hit_rate, relevance_mass, relevance_rank):
        with pytest.raises(UnusableMap, match="constant"):
            figure(np.ones((4, 4)), mask_of(1))
        with pytest.raises(ValueError, match="mask is empty"):
            figure(MAP, mask_of())
    with pytest.raises(ValueError, match="Cannot select 17"):
        select_top(MAP, 17)


def test_a_mask_is_brought_to_the_models_frame() -> None:
    whole = np.zeros((448, 648), np.uint8)
    whole[100:200, 100 + 50 : 100 + 150] = 255
    whole[:, :50] = 255  # outside the crop
    crop = center_crop(448, 648)
    assert crop == Crop(100, 0, 448)
    frame = mask_to_model_frame(whole, crop)
    expected = np.zeros((224, 224), bool)
    expected[50:100, 25:75] = True
    assert frame.dtype == bool and np.array_equal(frame, expected)
    assert np.array_equal(mask_to_model_frame(expected), expected)


def test_a_mask_pixel_needs_half_its_area_but_a_thin_finding_does_not_vanish() -> None:
    half = np.zeros((8, 8), bool)
    half[0, 0:2] = half[4, 4] = True  # half of one 2 x 2 block, a quarter of another
    assert np.argwhere(mask_to_model_frame(half, size=4)).tolist() == [[0, 0]]
    thin = np.zeros((896, 896), bool)
    thin[:, 500] = True  # a pleural line one pixel wide: a quarter of a pixel of the frame
    assert np.unique(np.nonzero(mask_to_model_frame(thin))[1]).tolist() == [125]
    assert not mask_to_model_frame(np.zeros((9, 9))).any()


def test_the_mask_frame_lies_where_the_model_input_lies() -> None:
    """A bright square in a radiograph and its mask land on the same pixels of input and frame."""
    mask = np.zeros((300, 421), bool)
    mask[123:183, 203:293] = True
    radiograph = Radiograph(np.where(mask, 255, 0).astype(np.uint8))
    bright = radiograph.model_input()[0] > 0
    frame = mask_to_model_frame(mask, radiograph.crop)
    assert np.count_nonzero(frame) > 2500
    assert np.array_equal(bright, frame)
