import copy
import json
from collections.abc import Callable
from math import asin, atanh, exp, log, pi

import pytest
import torch
from torch import Tensor, nn

from explain.methods.lambda_search import LambdaSearch, run_searches
from explain.methods.latent_shift import LatentShift, latent_shift
from explain.render.usable import map_problem
from tests.explain.conftest import radiographs
from tests.explain.methods.test_gradients import relative, state

PRESETS = ["default", "paper-2021", "released-code"]


def sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value))


def logit(p: float) -> float:
    return log(p / (1 - p))


class Identity(nn.Module):
    """z = x / 1024, so that frames and lambdas can be calculated by hand."""

    def encode(self, x: Tensor) -> Tensor:
        return x / 1024

    def decode(self, z: Tensor, size: tuple[int, int]) -> Tensor:
        assert z.shape[-2:] == size
        return z * 1024


class Function(nn.Module):
    """f_0(x) = curve(w . x / 1024), f_1 = 1 - f_0."""

    def __init__(self, curve: Callable[[Tensor], Tensor], weight: Tensor) -> None:
        super().__init__()
        self.curve, self.weight = curve, nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        f = self.curve((x[:, 0] / 1024 * self.weight).sum((1, 2)))
        return torch.stack([f, 1 - f], 1)


WEIGHT = torch.tensor([[0.5, -0.25], [0.0, 0.75]])  # |w|^2 = 0.875
NORM2 = 0.875


def explained(curve: Callable[[Tensor], Tensor], level: float, preset: str, target: int = 0) -> LatentShift:
    """Latent Shift of one image at which w . z is `level`."""
    x = (WEIGHT * level / NORM2 * 1024)[None, None]
    return latent_shift(
        Function(curve, WEIGHT), Identity(), x, torch.tensor([target]), LambdaSearch.preset(preset), batch_size=3
    )


def logistic(level: float, preset: str) -> LatentShift:
    return explained(torch.sigmoid, level, preset)


def test_default_search_on_a_logistic_model() -> None:
    p0 = 0.7
    shift = logistic(logit(p0), "default")
    slope = p0 * (1 - p0) * NORM2  # d w.z / d lambda, for g = p (1 - p) w
    left, right = (logit(0.4) - logit(p0)) / slope, (logit(0.75) - logit(p0)) / slope
    lambdas = [left * (8 - i) / 8 for i in range(8)] + [0, right / 2, right]
    assert shift.lambdas[0] == pytest.approx(lambdas, rel=1e-3)
    assert shift.predictions[0] == pytest.approx([sigmoid(logit(p0) + v * slope) for v in lambdas], abs=1e-3)
    assert shift.stop_reasons[0] == ("reached", "reached")
    assert shift.evaluations == [2]  # the model is what the first guess assumes
    assert shift.direction_norm.item() == pytest.approx(p0 * (1 - p0) * NORM2**0.5, rel=1e-4)
    step = 1024 * p0 * (1 - p0) * WEIGHT  # change of the image for lambda + 1
    assert torch.allclose(shift.frames[0][0], shift.reconstruction[0] + left * step, rtol=1e-2, atol=0.5)
    assert torch.allclose(shift.max_map()[0], -left * step.abs(), rtol=1e-3)
    assert torch.allclose(shift.mean_map()[0], sum(map(abs, lambdas)) / 11 * step.abs(), rtol=1e-3)
    assert torch.allclose(shift.minmax_map()[0], (right - left) * step.abs(), rtol=1e-3)
    assert torch.allclose(shift.interval_map()[0], (right - left) / 10 * step.abs(), rtol=1e-3)
    assert torch.equal(shift.frames[0][8], shift.reconstruction[0])


@pytest.mark.parametrize("p0, low, high", [(0.2, 0.02, 0.25), (0.97, 0.67, 0.985), (0.019, None, 0.069)])
def test_targets_near_nought_and_one(p0: float, low: float | None, high: float) -> None:
    shift = logistic(logit(p0), "default")
    assert shift.predictions[0][0] == pytest.approx(p0 if low is None else low, abs=0.005)
    assert shift.predictions[0][-1] == pytest.approx(high, abs=0.005)
    assert len(shift.lambdas[0]) == 11 and 0 in shift.lambdas[0]
    assert shift.stop_reasons[0] == ("reached", "reached")


def test_a_prediction_that_turns_round() -> None:
    shift = explained(lambda v: 0.5 + 0.2 * v.sin(), 0.0, "default")  # falls by 0.20 at most, where v = -pi / 2
    slope = 0.2 * NORM2
    assert shift.stop_reasons[0] == ("turned", "reached")
    assert shift.predictions[0][0] == pytest.approx(0.3, abs=0.015)
    assert shift.lambdas[0][0] == pytest.approx(-pi / 2 / slope, rel=0.3)
    assert shift.lambdas[0][-1] == pytest.approx(asin(0.25) / slope, rel=0.11)
    assert shift.evaluations[0] <= 16


def test_a_prediction_that_saturates_goes_no_further_than_it_helps() -> None:
    shift = explained(lambda v: 0.5 + 0.1 * v.tanh(), 0.0, "default")
    assert shift.stop_reasons[0] == ("limit", "reached")
    assert 0.4 <= shift.predictions[0][0] <= 0.406
    assert -1000 < shift.lambdas[0][0] <= -atanh(0.94) / (0.1 * NORM2)
    assert shift.evaluations[0] <= 16


def test_where_lambda_meets_its_limit() -> None:
    shift = explained(lambda v: 0.5 + 1e-4 * v, 0.0, "default")
    assert shift.stop_reasons[0] == ("limit", "limit")
    assert (shift.lambdas[0][0], shift.lambdas[0][-1]) == (-1000, 1000)
    assert shift.evaluations == [2]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_prediction_without_a_gradient_is_flat(preset: str) -> None:
    shift = explained(lambda v: 0.5 + 0 * v, 0.0, preset)
    assert set(shift.stop_reasons[0]) <= {"flat", None} and shift.stop_reasons[0].left == "flat"
    assert shift.lambdas == [[0.0]] and shift.evaluations == [0]
    assert map_problem(shift.max_map()[0]) and not shift.interval_map().any()


def test_a_hard_step_is_bracketed_within_the_budget() -> None:
    shift = explained(lambda v: torch.sigmoid(12 * (v + 1)) * 0.8 + 0.1 + 0.01 * v, 0.0, "default")
    assert shift.stop_reasons[0].left == "reached"
    assert shift.predictions[0][0] == pytest.approx(shift.predictions[0][8] - 0.3, abs=0.03)
    assert shift.evaluations[0] <= 16


def walked(p0: float, unit: float, low: float) -> float:
    """First lambda of 0, -1, ..., -10, -20, ... at which the logistic model is under `low`, from the formula."""
    steps = (logit(p0) - logit(low)) / (unit * p0 * (1 - p0) * NORM2)
    return -float(int(steps) + 1) if steps < 10 else -10.0 * (int(steps / 10) + 1)


def test_released_code_walks_on_a_second_sigmoid() -> None:
    p0 = 0.9
    unit = sigmoid(p0) * (1 - sigmoid(p0))
    bound = walked(p0, unit, logit(sigmoid(p0) - 0.15))  # -240
    shift = logistic(logit(p0), "released-code")
    assert shift.stop_reasons[0] == ("reached", None)
    assert shift.lambdas[0] == pytest.approx([bound * (10 - i) / 10 for i in range(10)])  # never 0
    assert shift.lambda_unit[0] == pytest.approx(unit, rel=1e-4)
    assert shift.evaluations[0] == 9 + int(-bound / 10)
    change = 1024 * unit * p0 * (1 - p0) * WEIGHT.abs()
    assert torch.allclose(shift.max_map()[0], -bound * change, rtol=1e-3)
    assert torch.equal(shift.max_map(), shift.mean_map())
    assert torch.allclose(shift.minmax_map()[0], -0.9 * bound * change, rtol=1e-3)
    assert torch.allclose(shift.interval_map()[0], -0.1 * bound * change, rtol=1e-3)


def test_paper_2021_walks_both_ways_on_the_probability() -> None:
    p0 = 0.7
    left = walked(p0, 1, p0 - 0.5)  # -20
    slope = p0 * (1 - p0) * NORM2
    right = float(int((logit(p0 + 0.05) - logit(p0)) / slope) + 1)  # 2
    shift = logistic(logit(p0), "paper-2021")
    assert (left, right) == (-20, 2)
    assert shift.stop_reasons[0] == ("reached", "reached")
    assert shift.lambdas[0] == pytest.approx([left + i * (right - left) / 10 for i in range(11)])  # 0 is not among them
    assert shift.evaluations == [11 + 2]


def test_walks_stop_where_the_score_turns_and_at_the_limit() -> None:
    turning = explained(lambda v: 0.5 + 0.2 * v.sin(), 0.0, "paper-2021")
    # v = 0.175 lambda; lowest at lambda -8.98: at -9 it is lower than at -8, at -10 higher
    assert turning.stop_reasons[0] == ("turned", "reached")
    assert turning.lambdas[0][0] == -10
    for preset, evaluations in (("paper-2021", 218), ("released-code", 109)):
        flat = explained(lambda v: 0.5 + 1e-4 * v, 0.0, preset)
        assert set(flat.stop_reasons[0]) - {None} == {"limit"} and flat.lambdas[0][0] == -1000
        assert flat.evaluations == [evaluations]


def test_short_walks_have_the_frames_of_arange() -> None:
    search = LambdaSearch.preset("paper-2021")
    assert search.lambdas(-1.0, 1.0) == pytest.approx([-1 + 0.2 * i for i in range(15)])
    released = LambdaSearch.preset("released-code")
    for bound in [*range(1, 10), *range(10, 1001, 10)]:
        lambdas = released.lambdas(-float(bound), 0.0)
        assert len(lambdas) == 10 and lambdas[-1] == pytest.approx(-bound / 10)


@pytest.mark.parametrize("lookahead", [1, 4, 50])
def test_looking_ahead_changes_nothing(lookahead: int) -> None:
    search = LambdaSearch.preset("released-code")
    (bound,) = run_searches(
        search.sides(0.9, 0.01, lookahead), lambda asked: [sigmoid(2 + 0.01 * value) for _, value in asked]
    )
    assert bound.evaluations == 9 + int(-bound.value / 10) and bound.reason == "reached"


def test_unknown_preset() -> None:
    with pytest.raises(KeyError, match="there are default, paper-2021, released-code"):
        LambdaSearch.preset("fast")


class Autoencoder(nn.Module):
    """A small seeded convolutional autoencoder with batch-norm."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 8, 4, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 2, 2))
        self.up = nn.Sequential(nn.ConvTranspose2d(16, 8, 2, 2), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.last = nn.ConvTranspose2d(8, 1, 4, 4)

    def encode(self, x: Tensor) -> Tensor:
        return self.down(x / 1024)

    def decode(self, z: Tensor, size: tuple[int, int]) -> Tensor:
        return self.last(self.up(z), output_size=size) * 1024


@pytest.fixture(scope="module")
def autoencoder() -> Autoencoder:
    """Trained for a moment, so that its pictures keep something for the classifier to see."""
    torch.manual_seed(0)
    model, x = Autoencoder(), radiographs(16, seed=2)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        ((model.decode(model.encode(x), (32, 32)) - x) / 1024).square().mean().backward()
        optimizer.step()
    return model.eval()


@pytest.mark.parametrize("preset", PRESETS)
def test_a_batch_gives_what_single_images_give(densenet: nn.Module, autoencoder: Autoencoder, preset: str) -> None:
    x, targets, search = radiographs(5), torch.tensor([3, 0, 4, 0, 1]), LambdaSearch.preset(preset)
    batch = latent_shift(densenet, autoencoder, x, targets, search, batch_size=7)
    for n in range(5):
        single = latent_shift(densenet, autoencoder, x[n : n + 1], targets[n : n + 1], search)
        assert single.stop_reasons[0] == batch.stop_reasons[n] and single.evaluations[0] == batch.evaluations[n]
        assert single.lambdas[0] == pytest.approx(batch.lambdas[n], rel=1e-4)
        assert single.predictions[0] == pytest.approx(batch.predictions[n], abs=1e-5)
        for name in ("max_map", "mean_map", "minmax_map", "interval_map"):
            assert relative(getattr(batch, name)()[n : n + 1], getattr(single, name)()) < 1e-4
    assert all(map_problem(m) is None for m in batch.max_map())
    assert json.loads(json.dumps(batch.record(2)))["lambdas"] == batch.lambdas[2]


def test_recorded_predictions_are_those_of_the_models(densenet: nn.Module, autoencoder: Autoencoder) -> None:
    x, targets = radiographs(3), torch.tensor([1, 0, 3])
    shift = latent_shift(densenet, autoencoder, x, targets)
    with torch.no_grad():
        for n, target in enumerate(targets.tolist()):
            assert shift.prediction_input[n] == pytest.approx(densenet(x[n : n + 1])[0, target].item(), abs=1e-5)
            f = densenet(shift.frames[n][:, None])[:, target]
            assert shift.predictions[n] == pytest.approx(f.tolist(), abs=1e-5)
        reconstruction = autoencoder.decode(autoencoder.encode(x), (32, 32))
        assert torch.allclose(shift.reconstruction, reconstruction[:, 0], atol=1e-2)
    gap = (shift.prediction_input - shift.prediction_reconstruction).abs()
    assert shift.differs() == (gap > 0.2).tolist()


def test_models_are_left_as_they_were_found(densenet: nn.Module, autoencoder: Autoencoder) -> None:
    models = copy.deepcopy(densenet).train(), copy.deepcopy(autoencoder).train()
    before = [state(model) for model in models]
    x, targets = radiographs(2), torch.tensor([0, 1])
    with torch.inference_mode():
        maps = latent_shift(*models, x.clone(), targets).max_map()
    assert [state(model) for model in models] == before
    assert relative(maps, latent_shift(densenet, autoencoder, x, targets).max_map()) < 1e-4
    with pytest.raises(RuntimeError):
        latent_shift(*models, x, torch.tensor([0, 5]))
    assert [state(model) for model in models] == before


def test_one_bad_image_is_reported_and_the_others_are_not_disturbed(
    densenet: nn.Module, autoencoder: Autoencoder
) -> None:
    x, targets = radiographs(3), torch.tensor([0, 1, 2])
    good = latent_shift(densenet, autoencoder, x, targets).max_map()
    x[1, 0, 3, 3] = torch.nan
    shift = latent_shift(densenet, autoencoder, x, targets)
    assert [map_problem(m) is None for m in shift.max_map()] == [True, False, True]
    assert relative(shift.max_map()[[0, 2]], good[[0, 2]]) < 1e-4
    assert shift.stop_reasons[1].left == "flat"
