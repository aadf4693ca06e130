"""Synthetic X-rays: seeded, with exact masks, and the same patient whatever is put into the picture."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from explain.demo.phantoms import COMPANION, CONFOUNDER_NAMES, PATHOLOGIES, draw

SIZE = 128


@pytest.fixture(scope="module")
def plain():
    return draw(5, SIZE)


def test_the_six_pathologies_of_the_study_each_have_a_confounder() -> None:
    assert PATHOLOGIES == ("Atelectasis", "Cardiomegaly", "Effusion", "Mass", "Lung Opacity", "Pneumothorax")
    assert [COMPANION[name] for name in PATHOLOGIES] == list(CONFOUNDER_NAMES)


def test_a_seed_is_a_picture(plain) -> None:
    again, other = draw(5, SIZE), draw(6, SIZE)
    assert np.array_equal(plain.pixels, again.pixels)
    assert np.mean(plain.pixels != other.pixels) > 0.5
    assert plain.pixels.shape == (SIZE, SIZE) and plain.pixels.dtype == np.uint8
    assert plain.masks == {}


@pytest.mark.parametrize("name", PATHOLOGIES + CONFOUNDER_NAMES)
def test_one_thing_more_changes_the_picture_only_where_its_mask_says(plain, name: str) -> None:
    with_it = draw(5, SIZE, [name] if name in PATHOLOGIES else [], [name] if name in CONFOUNDER_NAMES else [])
    mask = with_it.masks[name]
    change = np.abs(with_it.pixels.astype(int) - plain.pixels)
    assert 20 < mask.sum() < 0.25 * SIZE**2
    # a large heart is outlined whole, but only its rim is new
    assert change[mask].mean() > (2 if name in ("Cardiomegaly", "Pneumothorax") else 8)
    near = ndimage.binary_dilation(mask, iterations=6)
    outside = change[~near]
    assert np.mean(outside > 0) < 0.005, "the same phantom must be pixel-identical elsewhere"


def test_findings_do_not_move_each_other() -> None:
    alone = draw(9, SIZE, ["Mass"]).masks["Mass"]
    together = draw(9, SIZE, ["Mass", "Effusion"], ["port"]).masks["Mass"]
    assert np.array_equal(alone, together)


def test_twelve_bits_hold_the_same_picture_in_finer_steps() -> None:
    coarse, fine = draw(3, SIZE), draw(3, SIZE, depth=12)
    assert fine.pixels.dtype == np.uint16 and 255 < fine.pixels.max() <= 4095
    assert np.abs(fine.pixels / 4095 - coarse.pixels / 255).max() < 0.003
    assert len(np.unique(fine.pixels)) > 2 * len(np.unique(coarse.pixels))


def test_sex_age_and_view_can_be_given(plain) -> None:
    given = draw(5, SIZE, sex="M" if plain.sex == "F" else "F", age=71, view="AP")
    assert (given.sex != plain.sex, given.age, given.view) == (True, 71, "AP")


def test_sizes_show_the_same_patient() -> None:
    small = draw(5, 64).pixels.astype(float)
    large = draw(5, 256).pixels.reshape(64, 4, 64, 4).mean((1, 3))
    assert np.corrcoef(small.ravel(), large.ravel())[0, 1] > 0.98


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"findings": ["Pneumonia"]}, "unknown finding .*Pneumonia.*Atelectasis"),
        ({"confounders": ["tube"]}, "unknown confounder .*chest tube"),
        ({"depth": 4}, "depth 4"),
        ({"view": "LL"}, "view 'LL'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw(1, 32, **arguments)
