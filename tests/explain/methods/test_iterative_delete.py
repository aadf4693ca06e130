"""Iterative delete on gradients known by hand."""

import pytest
import torch

from explain.methods.iterative_delete import Variant, iterative_delete
from tests.explain.methods.tiny import Linear, Quadratic

ONE = torch.tensor([0])


@pytest.mark.parametrize(
    "variant, by_hand",
    [
        # the gradient is the image: (1, 2, 3, 4), then without 4, then without 3
        ("remove", [1, 2, 2, 4 / 3]),
        # (1, 2, 3, 4), then (0, 0, 0, 4) twice
        ("released-code", [1 / 3, 2 / 3, 1, 4]),
    ],
)
def test_three_rounds_by_hand(variant: Variant, by_hand: list[float]) -> None:
    x = torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]])
    found = iterative_delete(Quadratic(), x, ONE, variant, rounds=3, percentile=75)
    assert found.flatten().tolist() == pytest.approx(by_hand)


def test_the_mean_is_signed_and_only_positive_gradients_are_taken_away() -> None:
    found = iterative_delete(Linear(torch.tensor([[[-1.0, -2.0, -3.0, -4.0]]])), torch.ones(1, 1, 1, 4), ONE)
    assert found.flatten().tolist() == [1, 2, 3, 4]
    # (-4, -1): over the median is -1, which is not positive, so nothing changes
    found = iterative_delete(Quadratic(), torch.tensor([[[[-4.0, -1.0]]]]), ONE, rounds=5, percentile=50)
    assert found.flatten().tolist() == [4, 1]


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="variant is 'both'"):
        iterative_delete(Quadratic(), torch.ones(1, 1, 1, 4), ONE, "both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rounds is 0"):
        iterative_delete(Quadratic(), torch.ones(1, 1, 1, 4), ONE, rounds=0)
