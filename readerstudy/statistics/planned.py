"""Choices of the analysis plan that a study may do without: decisions, comparisons of methods, subgroups.

What may not live here: anything that computes; `plan` reads and checks them with the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

SUBGROUPS = ("pathology", "specialty", "years")


@dataclass(frozen=True)
class TrustThreshold:
    """An answer to `question` of `at_least` or more trusts the prediction."""

    question: str
    at_least: float


@dataclass(frozen=True)
class PlannedPair:
    """A comparison of two methods (keys) that the plan names: `new` against `reference`."""

    new: str
    reference: str
    primary: bool = False


@dataclass(frozen=True)
class Subgroup:
    """by: "pathology" (of examples), "specialty" or "years" of experience (of readers), cut at `split` years."""

    by: str
    split: float | None = None


def planned_pairs(pairs: Sequence[PlannedPair], control: str | None, methods: Sequence[str]) -> tuple[PlannedPair, ...]:
    """The comparisons the plan names: its pairs, and every further method of the study against the control."""
    if control is None or control not in methods:
        return tuple(pairs)
    named = {frozenset((pair.new, pair.reference)) for pair in pairs}
    against = (PlannedPair(name, control) for name in methods if name != control)
    return (*pairs, *(pair for pair in against if frozenset((pair.new, pair.reference)) not in named))


def tested_pairs(
    pairs: Sequence[PlannedPair], control: str | None, methods: Sequence[str]
) -> frozenset[frozenset[str]]:
    """The pairs of methods that a plan tests: those it names, or all of them where it names none."""
    named = planned_pairs(pairs, control, methods)
    of_all = [(pair.new, pair.reference) for pair in named] or combinations(methods, 2)
    return frozenset(frozenset(pair) for pair in of_all)


def problems(
    thresholds: Sequence[TrustThreshold],
    pairs: Sequence[PlannedPair],
    control: str | None,
    subgroups: Sequence[Subgroup],
) -> list[str]:
    """Everything wrong with these choices, one sentence each."""
    return [*_threshold_problems(thresholds), *_pair_problems(pairs, control), *_subgroup_problems(subgroups)]


def _threshold_problems(thresholds: Sequence[TrustThreshold]) -> list[str]:
    found = [
        f"The score from which an answer to {one.question!r} trusts the prediction must be a number, not "
        f"{one.at_least!r}."
        for one in thresholds
        if not _is_number(one.at_least)
    ]
    found += [
        "A threshold of trust must name a question." for one in thresholds if not isinstance(one.question, str)
    ]  # fmt: skip
    return found + [f"The plan names two thresholds of trust for {name!r}." for name in _twice(thresholds, "question")]


def _pair_problems(pairs: Sequence[PlannedPair], control: str | None) -> list[str]:
    found = []
    if control is not None and (not isinstance(control, str) or not control):
        found.append(f"The control must be the key of a method, or left out, not {control!r}.")
    sets = [frozenset((pair.new, pair.reference)) for pair in pairs]
    found += [f"The plan compares method {pair.new!r} with itself." for pair in pairs if pair.new == pair.reference]
    if len(set(sets)) < len(sets):
        found.append("The plan names a comparison of two methods twice.")
    if sum(pair.primary for pair in pairs) > 1:
        found.append("The plan calls more than one comparison primary; only one can be.")
    return found


def _subgroup_problems(subgroups: Sequence[Subgroup]) -> list[str]:
    found = []
    for one in subgroups:
        if one.by not in SUBGROUPS:
            found.append(f"Subgroups must be by one of {', '.join(SUBGROUPS)}, not {one.by!r}.")
        elif one.by == "years" and not (_is_number(one.split) and 0 < (one.split or 0) < 80):
            found.append(f"Subgroups by years of experience need the years to split at, above 0, not {one.split!r}.")
        elif one.by != "years" and one.split is not None:
            found.append(f"Subgroups by {one.by} are not split at a number; the plan says {one.split!r}.")
    return found + [f"The plan names subgroups by {name} twice." for name in _twice(subgroups, "by")]


def _twice(items: Sequence[object], name: str) -> list[str]:
    values = [str(getattr(item, name)) for item in items]
    return sorted({value for value in values if values.count(value) > 1})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
