"""The difference to an adversary and the three path-weighted importances."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from explain.methods.adversary import difference, path_importance
from explain.methods.contract import Request
from explain.methods.latent_shift import latent_shift, shift_of
from explain.testing import images, tiny_models
from tests.explain.methods.tiny import Linear, Quadratic

ONE = torch.tensor([0])


def picture(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).reshape(1, 1, 1, -1)


def test_a_constant_gradient_by_hand() -> None:
    weight = torch.tensor([[[1.0, -2.0, 3.0]]], dtype=torch.float64)
    found = path_importance(Linear(weight), picture(1, 2, 3), picture(1, 5, 1), ONE, steps=7)
    assert found.difference.flatten().tolist() == [0, 3, 2]
    for values in (found.v1, found.v2):
        assert values.flatten().tolist() == pytest.approx([0, 9 * 2, 4 * 3])


def test_gradients_that_cancel_count_for_v2_and_not_for_v1() -> None:
    # from 2 to -2 the gradient of x^2 / 2 goes from 2 to -2: its mean is 0, that of its absolute value 1; from 3 to 1
    # it is 2 on average, either way; midpoints give both exactly for an even number of steps
    found = path_importance(Quadratic(), picture(2, 3), picture(-2, 1), ONE, steps=4)
    assert found.v1.flatten().tolist() == pytest.approx([0, 4 * 2], abs=1e-12)
    assert found.v2.flatten().tolist() == pytest.approx([16 * 1, 4 * 2])


def test_v2k_is_v2_convolved_with_a_gaussian_of_sigma_2() -> None:
    start, adversary = (images(2, 40, seed).double() for seed in (1, 2))
    found = path_importance(Quadratic(), start, adversary, torch.zeros(2, dtype=torch.int64), steps=2)
    for v2, v2k in zip(found.v2.numpy(), found.v2k.numpy()):
        np.testing.assert_allclose(v2k, gaussian_filter(v2, 2, mode="constant", truncate=6.5), rtol=1e-6)


def test_the_passes_do_not_matter_and_the_batch_neither() -> None:
    classifier = tiny_models(torch.float64)["classifier"]
    start, adversary = (images(3, seed=seed).double() for seed in (1, 2))
    targets = torch.tensor([1, 0, 4])
    whole = path_importance(classifier, start, adversary, targets, steps=5, batch_size=7)
    assert torch.equal(whole.difference, difference(start, adversary))
    for n in range(3):
        alone = path_importance(classifier, start[n : n + 1], adversary[n : n + 1], targets[n : n + 1], steps=5)
        for name in ("difference", "v1", "v2", "v2k"):
            assert torch.allclose(getattr(whole, name)[n], getattr(alone, name)[0], rtol=1e-9)


def test_the_adversary_is_the_frame_of_the_lowest_prediction_from_the_search_there_was() -> None:
    models, x, targets = tiny_models(), images(2), torch.tensor([1, 0])
    request = Request(("path_v2",), x, targets, models, {"search": "default"})
    shift = shift_of(request)
    for n, place in enumerate(shift.lowest()):
        assert shift.predictions[n][place] == min(shift.predictions[n])
        assert torch.equal(shift.adversary()[n], shift.frames[n][place])
    models.clear()  # a second search would find no models
    assert shift_of(request) is shift


def test_a_flat_prediction_leaves_no_adversary_and_an_empty_map() -> None:
    class Constant(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 0.5 + 0 * x.mean((2, 3))

    x = images(1)
    shift = latent_shift(Constant(), tiny_models()["autoencoder"], x, ONE)
    found = path_importance(Constant(), shift.reconstruction[:, None], shift.adversary()[:, None], ONE)
    assert not found.difference.any() and not found.v2k.any()


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="the adversary has shape"):
        path_importance(Quadratic(), picture(1, 2), picture(1), ONE)
    with pytest.raises(ValueError, match="at least 1"):
        path_importance(Quadratic(), picture(1), picture(2), ONE, steps=0)
