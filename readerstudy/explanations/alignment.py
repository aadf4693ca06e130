"""Counterfactual alignment of stored explanations: which other outputs of the classifier moved with the explained one.

It comes from what Latent Shift keeps of every frame and needs no truth. For researchers: no page of readers uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from explain.methods.alignment import alignment, changes
from explain.render.alignment_chart import alignment_chart
from readerstudy.explanations.models import Explanation
from readerstudy.statistics.wording import number


@dataclass(frozen=True)
class AlignedOutput:
    """finding: the output's name. correlation: -1..1 over the frames, NaN where it or the explained one is constant.
    change: of its probability, from the unshifted picture to the most faded one.
    """

    finding: str
    correlation: float
    change: float


@dataclass(frozen=True)
class Alignment:
    """Of one example. outputs: all that the classifier names, the explained one included, in its order."""

    target: str
    outputs: tuple[AlignedOutput, ...]

    @property
    def others(self) -> list[AlignedOutput]:
        return [output for output in self.outputs if output.finding != self.target]

    @property
    def in_words(self) -> str:
        """The chart's text alternative."""
        said = (
            f"{one.finding} {number(one.correlation)} (change {number(one.change, 3, signed=True)})"
            for one in self.others
            if isfinite(one.correlation)
        )
        return f"Correlation with {self.target}: {', '.join(said) or 'of no other output'}"

    def chart(self) -> bytes:
        """SVG."""
        columns = zip(*((one.finding, one.correlation, one.change) for one in self.outputs), strict=True)
        names, correlations, moved = columns
        return alignment_chart(names, correlations, moved, self.target)


def alignment_of(explanations: Iterable[Explanation]) -> Alignment | None:
    """By the first explanation of an example that has what it takes: kinds of one shift all keep the same."""
    return next(filter(None, (_read(row.record) for row in explanations)), None)


def lacks_outputs(explanations: Iterable[Explanation]) -> bool:
    """Whether a version before the outputs were kept walked along a shift here, and none of this version did."""
    rows = list(explanations)
    return alignment_of(rows) is None and any(row.record.get("lambdas") and not row.generator for row in rows)


def _read(record: Mapping[str, Any]) -> Alignment | None:
    """None for a record that holds no outputs; a kind of another package may keep something else under the name."""
    try:
        outputs, target, lambdas = record["outputs"], record["target"], record["lambdas"]
        correlations, moved = alignment(outputs, target), changes(outputs, lambdas)
        names = record.get("output_names") or [f"output {column}" for column in range(len(correlations))]
        found = zip(map(str, names), correlations.tolist(), moved.tolist(), strict=True)
        return Alignment(str(names[target]), tuple(AlignedOutput(*one) for one in found if one[0]))
    except (KeyError, IndexError, TypeError, ValueError):
        return None
