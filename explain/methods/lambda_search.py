"""How far to shift: the lambdas at which Latent Shift draws its frames. Plain numbers here, no images.

A search is a generator: it yields the lambdas it wants next and is sent the predictions there, so that the searches of
all examples of a batch can be evaluated together. Lambda is in units of the gradient g: z_lambda = z + lambda g.

Reference: Cohen et al., "Gifsplanation via Latent Shift", MIDL 2021, eq. 1-2, section 4.2.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from math import exp, log
from typing import Literal, Self

import numpy as np

StopReason = Literal["reached", "turned", "limit", "flat"]
Score = Literal["probability", "sigmoid(probability)"]


@dataclass(frozen=True)
class Bound:
    """Where one side's search ended. evaluations: predictions it needed."""

    value: float
    reason: StopReason
    evaluations: int


Search = Generator[list[float], list[float], Bound]


@dataclass(frozen=True)
class LambdaSearch:
    """The rules of a search; take one by `LambdaSearch.preset(name)`.

    default: brackets and refines lambda so that the probability, from its value at lambda 0, falls by 0.30 on the left
        and rises by 0.05 on the right; 8 equal steps on the left, 2 on the right, lambda 0 always among the frames.
    paper-2021: the walk of the time of the paper, 0, -1, ..., -10, -20, ... and its mirror image.
    released-code: the walk with which the published pictures were made, on a second sigmoid of the probability; no
        right side, no frame at lambda 0, and a max map that is the change from lambda 0 to the first frame.

    score: what the walk watches and whose gradient is lambda's unit. fall, rise: change of the score wanted on the left
    and on the right (None: no right side). limit: largest |lambda|. tolerance: accepted error of the change (default).
    """

    name: str
    score: Score
    fall: float
    rise: float | None
    limit: float = 1000.0
    evaluations_per_side: int = 8
    tolerance: float = 0.005

    @classmethod
    def preset(cls, name: str) -> Self:
        """The preset of that name; KeyError in words if there is none."""
        presets = {
            "default": cls("default", "probability", 0.30, 0.05),
            "paper-2021": cls("paper-2021", "probability", 0.5, 0.05),
            "released-code": cls("released-code", "sigmoid(probability)", 0.15, None),
        }
        if name not in presets:
            raise KeyError(f"no lambda search is called {name!r}; there are {', '.join(presets)}")
        return presets[name]

    def of(self, probability: float) -> float:
        """The score of a probability."""
        return probability if self.score == "probability" else _sigmoid(probability)

    def unit(self, probability: float) -> float:
        """d score / d probability: the length of this search's direction over that of the probability's gradient."""
        score = self.of(probability)
        return 1.0 if self.score == "probability" else score * (1 - score)

    def sides(self, start: float, slope: float, lookahead: int = 1) -> list[Search]:
        """The searches of one example: left, where the prediction falls, and right, if these rules have that side.

        start: probability at lambda 0. slope: d probability / d lambda there. lookahead: how many lambdas a walk asks
        for at once.
        """
        if not 0 < slope < float("inf"):
            return [_flat() for _ in range(1 if self.rise is None else 2)]
        if self.name == "default":
            fall = start - max(start - self.fall, 0.02)  # a probability cannot fall below 0: 0.02 is as good as gone
            left = self._bracket(-1, start, fall, slope)
        else:
            left = self._walk(-1, start, lambda fallen: fallen > self.fall, lookahead)
        if self.rise is None:
            return [left]
        rise = self.rise
        if self.name == "default":
            rise = rise if start <= 1 - rise else (1 - start) / 2  # no head-room for all of it: go half the way
            return [left, self._bracket(+1, start, rise, slope)]
        return [left, self._walk(+1, start, lambda risen: risen >= rise, lookahead)]

    def lambdas(self, left: float, right: float) -> list[float]:
        """The frames' lambdas, ascending, between the two bounds (left <= 0 <= right)."""
        if self.name == "released-code":
            return np.arange(left, 0, abs(left) / 10).tolist() if left < 0 else [0.0]
        if left == right:
            return [0.0]
        if self.name == "paper-2021":
            return np.arange(left, right + 1, (right - left) / 10).tolist()
        steps = 10 if right == 0 else 8 if left < 0 else 0
        below = [left * (steps - i) / steps for i in range(steps)]
        return [*below, 0.0, *(right * (i + 1) / (10 - steps) for i in range(10 - steps))]

    def _walk(self, sign: int, start: float, far_enough: Callable[[float], bool], lookahead: int) -> Search:
        """1, 2, ..., 10, 20, 30, ... until the score turns, has changed enough, or lambda is at the limit.

        lookahead: most lambdas to ask for at once: 1 at first, as many walks end there, then twice as many each time.
        Those beyond the end are not looked at and not counted.
        """
        first = previous = self.of(start)
        path = [*range(1, 10), *range(10, int(self.limit) + 1, 10)]
        done, asked = 0, 1
        while done < len(path):
            ahead = [float(sign * step) for step in path[done : done + asked]]
            for count, (value, probability) in enumerate(zip(ahead, (yield ahead)), start=done + 1):
                score = self.of(probability)
                if sign * (score - previous) < 0:
                    return Bound(value, "turned", count)
                if far_enough(sign * (score - first)):
                    return Bound(value, "reached", count)
                previous = score
            done, asked = done + asked, min(2 * asked, lookahead)
        return Bound(ahead[-1], "limit", len(path))

    def _bracket(self, sign: int, start: float, goal: float, slope: float) -> Search:
        """Find |lambda| where the probability has moved by `goal`, within `tolerance`.

        The probability is taken for a sigmoid of something linear in lambda: that gives the first guess, and in its
        logit interpolation and extrapolation are straight lines.
        """
        if goal < _NOISE:
            return Bound(0.0, "reached", 0)
        tolerance = min(self.tolerance, goal / 10)
        origin, wanted = _logit(start), _logit(start + sign * goal)
        near, far, turned = (0.0, 0.0), (self.limit, 0.0), False  # (|lambda|, progress) short of the goal and past it
        bracketed, same_side = False, 0
        seen = [near]

        def height(progress: float) -> float:
            """Progress on the logit's scale, 0 at the start and 1 at the goal."""
            return (_logit(start + sign * progress) - origin) / (wanted - origin)

        at = min(abs(wanted - origin) * max(start * (1 - start), 1e-6) / slope, self.limit)
        for count in range(1, self.evaluations_per_side + 1):
            (probability,) = yield [sign * at]
            progress = sign * (probability - start)
            seen.append((at, progress))
            if abs(progress - goal) <= tolerance:
                return Bound(sign * at, "reached", count)
            if progress > goal:
                same_side = max(same_side, 0) + 1
                far, bracketed, turned = (at, progress), True, False
            elif progress < near[1] - _NOISE and (turned or not bracketed):
                far, bracketed, turned = (at, progress), True, True
            else:
                same_side = min(same_side, 0) - 1
                near = (at, progress)
            if not bracketed:
                if at >= self.limit:
                    break
                at = min(at * min(max(1.05 / max(height(progress), 1e-6), 1.5), 4.0), self.limit)
            elif turned:
                at = near[0] + (far[0] - near[0]) * (0.38 if near[0] else 0.25)
            else:
                low, high = height(near[1]), height(far[1])
                share = 0.5 if abs(same_side) > 2 else min(max((1 - low) / (high - low), 0.05), 0.95)
                at = near[0] + (far[0] - near[0]) * share
        if bracketed and not turned:
            return Bound(sign * far[0], "reached", count)
        best = max(progress for _, progress in seen)
        value = min(at for at, progress in seen if progress >= 0.95 * best)  # no further than it helps
        return Bound(sign * value, "turned" if turned else "limit", count)


def run_searches(searches: list[Search], evaluate: Callable[[list[tuple[int, float]]], list[float]]) -> list[Bound]:
    """Run searches side by side to their bounds.

    evaluate: (index of the search, lambda) pairs -> the predictions there; called once for each round, with what all
    unfinished searches ask for.
    """
    bounds: dict[int, Bound] = {}
    asked: dict[int, list[float]] = {}

    def resume(index: int, answer: list[float] | None) -> None:
        asked.pop(index, None)
        try:
            asked[index] = next(searches[index]) if answer is None else searches[index].send(answer)
        except StopIteration as end:
            bounds[index] = end.value

    for index in range(len(searches)):
        resume(index, None)
    while asked:
        found = iter(evaluate([(index, value) for index, values in asked.items() for value in values]))
        for index, answer in [(index, [next(found) for _ in values]) for index, values in asked.items()]:
            resume(index, answer)
    return [bounds[index] for index in range(len(searches))]


def _flat() -> Search:
    """A search with nowhere to go: the prediction has no gradient."""
    yield from ()
    return Bound(0.0, "flat", 0)


_NOISE = 1e-3  # a fall of the probability by less is rounding or saturation, not a turn


def _sigmoid(value: float) -> float:
    return 1 / (1 + exp(-min(max(value, -50.0), 50.0)))


def _logit(probability: float) -> float:
    clamped = min(max(probability, 1e-6), 1 - 1e-6)
    return log(clamped / (1 - clamped))
