"""VA-GAN's map and its frames, on generators whose answer is known by hand."""

import pytest
import torch
from torch import Tensor, nn

from explain.methods.contract import explained
from explain.methods.generator import FRAMES, LAMBDAS, added_maps
from explain.methods.kinds import KINDS
from explain.models.fast import prepared
from explain.models.map_generator import MapGenerator
from explain.testing import images, tiny_models
from tests.explain.methods.tiny import Linear

OURS = [kind for kind in KINDS.values() if "generator" in kind.needs]


class Halves(nn.Module):
    """Takes half of each pixel away."""

    def forward(self, x: Tensor) -> Tensor:
        return -x / 2


def test_a_generator_that_takes_half_away_by_hand() -> None:
    x = torch.tensor([[[[4.0, -8.0]]], [[[2.0, 6.0]]]])
    made = added_maps(Linear(torch.tensor([[[1.0, 3.0]]])), Halves(), x, torch.tensor([0, 0]), batch_size=3)
    assert made.added.tolist() == [[[-2, 4]], [[-1, -3]]]
    assert (LAMBDAS[0], LAMBDAS[5], LAMBDAS[-1], len(LAMBDAS)) == (-1, -0.5, 0, FRAMES)
    assert torch.equal(made.frames[:, -1], x[:, 0]), "the last frame is the radiograph"
    assert made.frames[:, 0].tolist() == [[[2, -4]], [[1, 3]]] and made.frames[0, 5].tolist() == [[3, -6]]
    assert made.predictions[:, [0, 5, -1]].tolist() == [[-10, -15, -20], [10, 15, 20]]


def test_the_map_is_the_size_of_the_change_and_both_kinds_are_computed_in_one_call() -> None:
    models, x, targets = tiny_models(), images(2), torch.tensor([1, 0])
    made = explained(OURS, x, targets, models)
    with torch.no_grad():
        expected = models["generator"](x)[:, 0].abs()
    assert len(OURS) == 2 and not any(kind.signed for kind in OURS)
    for kind in OURS:
        for n, result in enumerate(made[kind.name].results):
            assert torch.allclose(result.map, expected[n], atol=1e-3)
            assert (result.frames is None) == (kind.shows == "still")
            assert result.record["predictions"][-1] == result.record["prediction_input"]


def test_the_fast_copy_of_a_trained_generator_adds_the_same() -> None:
    torch.manual_seed(0)
    generator = MapGenerator(filters=4, levels=2, fold=2, size=16)
    nn.init.normal_(generator.last.weight)
    generator(images(4))  # settles the batch normalisations
    generator.eval()
    with torch.no_grad():
        expected, found = generator(images(2)), prepared(generator)(images(2))
    assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-4 * expected.abs().max().item())
