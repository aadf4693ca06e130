"""SmoothGrad: a mean of signed maps, with noise that belongs to the image."""

import pytest
import torch
from torch import Tensor

from explain.methods.gradients import input_gradients, integrated_gradients
from explain.methods.guided import guided_backprop
from explain.methods.smooth_grad import Smoothing, smoothed
from explain.testing import images, tiny_models
from tests.explain.methods.tiny import Linear, Quadratic


def test_by_hand() -> None:
    # a constant gradient stays; the gradient of x^2 / 2 is the mean of the noisy images, near x
    x, targets = images(2, 8).double(), torch.tensor([0, 0])
    weight = torch.linspace(-1, 1, 64, dtype=torch.float64).reshape(1, 8, 8)
    many = Smoothing(400, 0.1)
    assert torch.allclose(input_gradients(Linear(weight), x, targets, many), weight.abs())
    seen: list[Tensor] = []

    def signed(noisy: Tensor, columns: Tensor) -> Tensor:
        seen.append(noisy[:, 0])
        return noisy[:, 0]

    found = smoothed(signed, x, targets, many, batch_size=400)
    apart = (torch.stack(seen) - x).flatten(2)
    spread = 0.1 * (x.amax((1, 2, 3)) - x.amin((1, 2, 3)))
    assert torch.allclose(apart.std((1, 2)), spread, rtol=0.02)
    assert torch.allclose(found, torch.stack(seen).mean(1))
    assert torch.allclose(input_gradients(Quadratic(), x, targets, many), found.abs())


def test_the_mean_is_of_signed_maps() -> None:
    x = torch.tensor([[[[1000.0, 0.0]]]]).double()
    found = input_gradients(Quadratic(), x, torch.tensor([0]), Smoothing(1000, 0.2))
    assert found[0, 0, 1] < 0.2 * 1000 / 4, "gradients of both signs cancel: the mean of their sizes would be 160"


@pytest.mark.parametrize("method", [input_gradients, guided_backprop, integrated_gradients])
def test_an_image_gives_the_same_alone_and_in_any_batch(method: object) -> None:
    classifier = tiny_models()["classifier"]
    x, targets = images(3), torch.tensor([0, 1, 2])
    options = {"smoothing": Smoothing(5), "batch_size": 4} | ({"steps": 3} if method is integrated_gradients else {})
    whole = method(classifier, x, targets, **options)  # type: ignore[operator]
    for n in range(3):
        alone = method(classifier, x[n : n + 1], targets[n : n + 1], **options)[0]  # type: ignore[operator]
        assert torch.allclose(whole[n], alone, atol=1e-4 * float(alone.max()))
    turned = method(classifier, x.flip(0), targets.flip(0), **options).flip(0)  # type: ignore[operator]
    assert torch.allclose(whole, turned, atol=1e-4 * float(whole.max()))


@pytest.mark.parametrize("samples, noise", [(-1, 0.1), (5, 0.0), (5, float("nan"))])
def test_wrong_settings_are_refused(samples: int, noise: float) -> None:
    with pytest.raises(ValueError, match="samples is"):
        Smoothing(samples, noise)
