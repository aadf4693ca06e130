"""Method B, Latent Shift: redraw a radiograph with less and with more of what the classifier predicts.

    z = E(x);  g = d f(D(z)) / d z;  z_lambda = z + lambda g;  x'_lambda = D(z_lambda)

with f one output of the classifier and E, D an autoencoder. What is explained is x'_0 = D(E(x)), not x.

Reference: Cohen et al., "Gifsplanation via Latent Shift", MIDL 2021, eq. 1-2; maps: appendix B.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from explain.methods.batch import checked, chosen
from explain.methods.contract import Request, Result, Results, stills
from explain.methods.kinds import KINDS
from explain.methods.lambda_search import Bound, LambdaSearch, StopReason, run_searches
from explain.methods.modes import explaining

__all__ = ["LambdaSearch", "LatentShift", "StopReasons", "latent_shift"]


class StopReasons(NamedTuple):
    """Why each side's search ended; right is None where the search has no right side."""

    left: StopReason
    right: StopReason | None


@dataclass(frozen=True)
class LatentShift:
    """Frames of N examples and what was recorded on the way. Example n has F_n frames (11 by the default search).

    reconstruction: (N, H, W), x'_0. frames: N tensors (F_n, H, W), x'_lambda. lambdas, predictions: N lists of F_n
    numbers, ascending lambda and f(x'_lambda), the probability. outputs: N tensors (F_n, K), all outputs of the
    classifier at each frame. prediction_input, prediction_reconstruction: (N,), f(x) and f(x'_0).
    direction_norm: (N,), |g| of the probability. lambda_unit: (N,), |direction| / |g|: 1 but for released-code.
    evaluations: f(D(.)) evaluations each search needed, the frames' own not counted.
    Pixels are float32, about [-1024, 1024], on the device of x.
    """

    search: LambdaSearch
    reconstruction: Tensor
    frames: tuple[Tensor, ...]
    lambdas: list[list[float]]
    predictions: list[list[float]]
    outputs: tuple[Tensor, ...]
    prediction_input: Tensor
    prediction_reconstruction: Tensor
    direction_norm: Tensor
    lambda_unit: list[float]
    stop_reasons: list[StopReasons]
    evaluations: list[int]

    def max_map(self) -> Tensor:
        """(N, H, W): largest |x'_lambda - x'_0| over the frames; the map shown to readers.

        By released-code: |first frame - x'_0|, as the published pictures.
        """
        return self._reduce(lambda frames, start: (frames - start).abs().amax(0))

    def mean_map(self) -> Tensor:
        """(N, H, W): mean |x'_lambda - x'_0| over the frames. By released-code the same as `max_map`."""
        return self._reduce(lambda frames, start: (frames - start).abs().mean(0))

    def minmax_map(self) -> Tensor:
        """(N, H, W): |first frame - last frame|."""
        return torch.stack([(frames[0] - frames[-1]).abs() for frames in self.frames])

    def interval_map(self) -> Tensor:
        """(N, H, W): mean |difference of neighbouring frames|; zero where there is one frame."""
        return torch.stack([frames.diff(dim=0).abs().sum(0) / max(len(frames) - 1, 1) for frames in self.frames])

    def lowest(self) -> list[int]:
        """For each example the frame of the lowest prediction."""
        return [min(range(len(values)), key=values.__getitem__) for values in self.predictions]

    def adversary(self) -> Tensor:
        """(N, H, W): the frame of the lowest prediction, of which the classifier says the least of the finding."""
        return torch.stack([frames[place] for frames, place in zip(self.frames, self.lowest())])

    def differs(self) -> list[bool]:
        """Whether f(x) and f(x'_0) differ by more than 0.2: what is explained is then not what was predicted."""
        return ((self.prediction_input - self.prediction_reconstruction).abs() > 0.2).tolist()

    def record(self, example: int) -> dict[str, Any]:
        """What to keep beside one example's pictures, fit for JSON."""
        left, right = self.stop_reasons[example]
        return {
            "search": self.search.name,
            "lambda_unit": f"gradient of {self.search.score}",
            "lambda_unit_over_probability_gradient": self.lambda_unit[example],
            "direction_norm": self.direction_norm[example].item(),
            "lambda_bounds": [self.lambdas[example][0], self.lambdas[example][-1]],
            "lambdas": self.lambdas[example],
            "predictions": self.predictions[example],
            "outputs": [[round(value, 4) for value in row] for row in self.outputs[example].tolist()],
            "stop_reason_left": left,
            "stop_reason_right": right,
            "evaluations": self.evaluations[example],
            "prediction_input": self.prediction_input[example].item(),
            "prediction_reconstruction": self.prediction_reconstruction[example].item(),
            "reconstruction_differs": self.differs()[example],
        }

    def _reduce(self, reduction: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        only_first = self.search.name == "released-code"
        pairs = zip(self.frames, self.reconstruction)
        return torch.stack([reduction(frames[:1] if only_first else frames, start) for frames, start in pairs])


def latent_shift(
    classifier: nn.Module,
    autoencoder: nn.Module,
    x: Tensor,
    targets: Tensor,
    search: LambdaSearch | None = None,
    batch_size: int = 8,
) -> LatentShift:
    """Explain one output for each radiograph by shifting its latent code along the gradient.

    classifier: (N, 1, H, W) -> (N, K) probabilities. autoencoder: `encode(x)` and `decode(z, (H, W))`.
    x: float32 (N, 1, H, W) in [-1024, 1024]. targets: int64 (N,). search: by default `LambdaSearch.preset("default")`.
    batch_size: images per pass of the models. Each example has its own search; their evaluations share passes. An
    example without a gradient is given one frame, x'_0, and stop reason `flat` on both sides.
    """
    x, targets = checked(x, targets)
    search = search or LambdaSearch.preset("default")
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
    with explaining(x.device, classifier, autoencoder), torch.no_grad():
        shifter = _Shifter(classifier, autoencoder, x, targets, batch_size)
        starts = shifter.start.tolist()
        norms = shifter.norm.tolist()
        units = [search.unit(start) for start in starts]
        shifter.scale_directions(units)
        bounds = _bounds(shifter, search, starts, [norm * norm * unit for norm, unit in zip(norms, units)])
        lambdas = [search.lambdas(left.value, right.value if right else 0.0) for left, right in bounds]
        frames, outputs = shifter.frames(lambdas)
        columns = targets.tolist()
        return LatentShift(
            search=search,
            reconstruction=shifter.reconstruction[:, 0],
            frames=frames,
            lambdas=lambdas,
            predictions=[found[:, column].tolist() for found, column in zip(outputs, columns)],
            outputs=outputs,
            prediction_input=shifter.predict(x, targets),
            prediction_reconstruction=shifter.start,
            direction_norm=shifter.norm,
            lambda_unit=units,
            stop_reasons=[StopReasons(left.reason, right.reason if right else None) for left, right in bounds],
            evaluations=[left.evaluations + (right.evaluations if right else 0) for left, right in bounds],
        )


def compute(request: Request) -> Results:
    """The kinds of the max map: the map, or with the frames. Parameter: search."""
    shift = shift_of(request)
    records = records_of(request, shift)
    return {
        name: [
            Result(map_, frames if KINDS[name].shows == "animation" else None, record)
            for map_, frames, record in zip(shift.max_map(), shift.frames, records)
        ]
        for name in request.kinds
    }


def compute_mean(request: Request) -> Results:
    """The kind of `LatentShift.mean_map`. Parameter: search."""
    shift = shift_of(request)
    return stills(request, shift.mean_map(), records_of(request, shift))


def compute_minmax(request: Request) -> Results:
    """The kind of `LatentShift.minmax_map`. Parameter: search."""
    shift = shift_of(request)
    return stills(request, shift.minmax_map(), records_of(request, shift))


def compute_interval(request: Request) -> Results:
    """The kind of `LatentShift.interval_map`. Parameter: search."""
    shift = shift_of(request)
    return stills(request, shift.interval_map(), records_of(request, shift))


def records_of(request: Request, shift: LatentShift) -> list[dict[str, Any]]:
    """What to keep of each example of the batch. With the names of the outputs, where the classifier says them."""
    names = getattr(request.classifier, "pathologies", None) or getattr(request.classifier, "targets", None)
    named = {"output_names": [str(name) for name in names]} if names else {}
    targets = request.targets.tolist()
    return [shift.record(n) | {"target": target} | named for n, target in enumerate(targets)]


def shift_of(request: Request) -> LatentShift:
    """The shift of this batch; any other kind of its group may start from it too."""
    search = LambdaSearch.preset(str(request.parameters["search"]))
    return request.once(
        ("latent shift", search),
        lambda: latent_shift(
            request.classifier, request.autoencoder, request.x, request.targets, search, request.batch_size
        ),
    )


def _bounds(
    shifter: "_Shifter", search: LambdaSearch, starts: list[float], slopes: list[float]
) -> list[tuple[Bound, Bound | None]]:
    """The left and right bound of each example, right None where the rules have no right side."""
    sides = 1 if search.rise is None else 2
    lookahead = max(1, shifter.batch_size // (sides * len(starts)))
    searches = [side for start, slope in zip(starts, slopes) for side in search.sides(start, slope, lookahead)]

    def evaluate(asked: list[tuple[int, float]]) -> list[float]:
        return shifter.predictions_at([(index // sides, value) for index, value in asked])

    ends = run_searches(searches, evaluate)
    return [(ends[n], ends[n + 1] if sides == 2 else None) for n in range(0, len(ends), sides)]


class _Shifter:
    """The latent codes and directions of a batch, and the pictures and predictions anywhere along them."""

    def __init__(self, classifier: nn.Module, autoencoder: Any, x: Tensor, targets: Tensor, batch_size: int) -> None:
        self.classifier, self.autoencoder = classifier, autoencoder
        self.targets, self.size, self.batch_size = targets, tuple(x.shape[-2:]), batch_size
        self.z = torch.cat([autoencoder.encode(part) for part in x.split(batch_size)])
        parts = [self._direction(z, t) for z, t in zip(self.z.split(batch_size), targets.split(batch_size))]
        self.direction, self.outputs, self.reconstruction = (torch.cat(column) for column in zip(*parts))
        self.start = chosen(self.outputs, targets)
        self.norm = self.direction.flatten(1).norm(dim=1)

    def _direction(self, z: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """g = d f(D(z)) / d z, all outputs (B, K) at D(z), and D(z)."""
        with torch.enable_grad():
            z = z.detach().clone().requires_grad_()
            image = self.autoencoder.decode(z, self.size)
            outputs = self.classifier(image)
            (gradient,) = torch.autograd.grad(chosen(outputs, targets).sum(), z)
        return gradient, outputs.detach().float(), image.detach()

    def scale_directions(self, units: list[float]) -> None:
        shape = (-1, *[1] * (self.z.ndim - 1))
        self.direction = self.direction * torch.tensor(units, device=self.z.device).reshape(shape)

    def predict(self, images: Tensor, targets: Tensor) -> Tensor:
        """f_target of images, (N,)."""
        pairs = zip(images.split(self.batch_size), targets.split(self.batch_size))
        return torch.cat([chosen(self.classifier(part), columns).float() for part, columns in pairs])

    def at(self, wanted: list[tuple[int, float]]) -> list[tuple[Tensor, Tensor]]:
        """x'_lambda (M, H, W) and all outputs for it (M, K) for (example, lambda) pairs, in passes of `batch_size`."""
        passes = []
        for first in range(0, len(wanted), self.batch_size):
            examples, lambdas = zip(*wanted[first : first + self.batch_size])
            which = torch.tensor(examples, device=self.z.device)
            shift = torch.tensor(lambdas, device=self.z.device).reshape(-1, *[1] * (self.z.ndim - 1))
            images = self.autoencoder.decode(self.z[which] + shift * self.direction[which], self.size)
            passes.append((images[:, 0], self.classifier(images).float()))
        return passes

    def predictions_at(self, wanted: list[tuple[int, float]]) -> list[float]:
        """f of x'_lambda for (example, lambda) pairs."""
        columns = self.targets[[example for example, _ in wanted]]
        return chosen(torch.cat([outputs for _, outputs in self.at(wanted)]), columns).tolist()

    def frames(self, lambdas: list[list[float]]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Each example's frames (F_n, H, W) and outputs (F_n, K). At lambda 0 the frame is the reconstruction."""
        wanted = [(n, value) for n, values in enumerate(lambdas) for value in values if value != 0]
        passes = self.at(wanted)
        images = iter([image for part, _ in passes for image in part])
        outputs = iter([row for _, part in passes for row in part])
        return (
            tuple(
                torch.stack([next(images) if value != 0 else self.reconstruction[n, 0] for value in values])
                for n, values in enumerate(lambdas)
            ),
            tuple(
                torch.stack([next(outputs) if value != 0 else self.outputs[n] for value in values])
                for n, values in enumerate(lambdas)
            ),
        )
