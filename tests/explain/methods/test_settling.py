"""Integrated gradients with as many nodes as each image needs."""

import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from explain.methods.contract import explained
from explain.methods.gradients import integrate_gradients
from explain.methods.kinds import KINDS
from explain.methods.settling import Settling, _correlation, _ranks, integrate_until_settled
from tests.explain.conftest import radiographs
from tests.explain.methods.tiny import Quadratic

ROUGH = Settling(spearman=0.9995, first=4, most=64)


class Counted(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.images = model, 0

    def forward(self, x: Tensor) -> Tensor:
        self.images += len(x)
        found: Tensor = self.model(x)
        return found


def test_a_quadratic_by_hand() -> None:
    x = radiographs(2, 4)  # f = sum(x^2) / 2, so the attributions are x^2 / 2 and add up to f(x) - f(0)
    found = integrate_until_settled(Quadratic(), x, torch.zeros(2, dtype=torch.int64))
    assert torch.allclose(found.integral.attributions, x[:, 0] ** 2 / 2, rtol=1e-5)
    assert (found.integral.completeness_gap.abs() < 1e-5 * found.integral.prediction).all()
    assert found.nodes.tolist() == [33, 33] and found.settled.all() and torch.allclose(found.agreement, torch.ones(2))


def test_each_image_takes_the_nodes_it_needs_and_then_leaves_the_batch(densenet: nn.Module) -> None:
    x, targets = radiographs(5) * torch.tensor([1, 0.02, 1, 0.3, 1])[:, None, None, None], torch.tensor([3, 0, 4, 0, 1])
    model = Counted(densenet)
    found = integrate_until_settled(model, x, targets, ROUGH, batch_size=7)
    assert len(set(found.nodes.tolist())) > 1 and set(found.nodes.tolist()) <= {9, 17, 33, 65}
    assert model.images == found.nodes.sum()  # no gradient twice, none for an image that had settled
    for n in range(5):
        alone = integrate_until_settled(densenet, x[n : n + 1], targets[n : n + 1], ROUGH)
        assert alone.nodes.tolist() == found.nodes[n : n + 1].tolist()
        difference = (alone.integral.attributions - found.integral.attributions[n]).abs().max()
        assert difference <= 1e-4 * found.integral.attributions[n].abs().max()


def test_the_finest_map_is_kept_and_more_nodes_would_not_change_it(densenet: nn.Module) -> None:
    x, targets = radiographs(3), torch.tensor([2, 0, 1])
    kept = integrate_until_settled(densenet, x, targets)
    exact = integrate_gradients(densenet, x, targets, steps=200)
    for ours, best in zip(kept.integral.maps(), exact.maps()):
        assert spearmanr(ours.ravel(), best.ravel()).statistic >= 0.99
    never = integrate_until_settled(densenet, x, targets, Settling(spearman=0.999999, first=2, most=8))
    assert not never.settled.any() and never.nodes.tolist() == [9, 9, 9]


def test_the_gap_must_settle_too() -> None:
    rule, same = Settling(), torch.tensor([1.0])
    assert rule.met(same, torch.tensor([0.02]), torch.tensor([0.5])) and rule.met(same, torch.tensor([0.004]), 0 * same)
    assert not rule.met(same, torch.tensor([0.03]), torch.tensor([0.5]))
    assert not rule.met(torch.tensor([0.979]), 0 * same, same) and rule.met(torch.tensor([0.981]), 0 * same, same)
    with pytest.raises(ValueError, match="most at least twice first"):
        Settling(most=16)


def test_the_agreement_is_spearmans() -> None:
    one = radiographs(2, 16)
    other = one + 200 * torch.randn(one.shape, generator=torch.Generator().manual_seed(0))
    expected = [spearmanr(a.abs().ravel(), b.abs().ravel()).statistic for a, b in zip(one, other)]
    assert _correlation(_ranks(one), _ranks(other)).tolist() == pytest.approx(expected, abs=1e-4)


def test_an_image_that_is_not_finite_stops_at_once(densenet: nn.Module) -> None:
    x, targets = radiographs(2), torch.tensor([0, 1])
    x[1, 0, 3, 3] = torch.nan
    found = integrate_until_settled(densenet, x, targets, ROUGH)
    assert found.nodes[1] == 9 and not found.settled[1] and found.integral.attributions[0].isfinite().all()


def test_the_kind_records_the_nodes(densenet: nn.Module) -> None:
    kind, x, targets = KINDS["integrated_gradients"], radiographs(2), torch.tensor([0, 1])
    for given, lists_nodes in (({"steps": 0}, True), ({"steps": 4}, False)):
        made = explained([kind], x, targets, {"classifier": densenet}, lambda _, given=given: given)
        for result in made[kind.name].results:
            assert ({"nodes", "agreement", "settled"} <= result.record.keys()) is lists_nodes
            assert result.map is not None and result.map.shape == (32, 32)
    smoothed = {"steps": 0, "samples": 2}
    (result, _) = explained([kind], x, targets, {"classifier": densenet}, lambda _: smoothed)[kind.name].results
    assert result.record["nodes"] >= 33


def test_a_smoothed_map_has_no_slope_at_the_image() -> None:
    x, targets = radiographs(1, 4), torch.zeros(1, dtype=torch.int64)
    kind = KINDS["integrated_gradients"]

    def signed(samples: int) -> Tensor | None:
        made = explained([kind], x, targets, {"classifier": Quadratic()}, lambda _: {"steps": 2, "samples": samples})
        return made[kind.name].results[0].signed

    slope = signed(0)
    assert slope is not None and torch.allclose(slope, x[0, 0] / 2, rtol=1e-4)
    assert signed(2) is None, "each sample has pixels of its own"
