"""Matching true and false positives on probability, so that the probability does not tell which is which.

Pure functions over probabilities; the draw (selection.py) says which candidates there are.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar


class Matchable(Protocol):
    @property
    def probability(self) -> float: ...

    @property
    def patient(self) -> str: ...


T = TypeVar("T", bound=Matchable)


def matched_pairs(true: Sequence[T], false: Sequence[T], caliper: float, most: int) -> list[tuple[T, T]]:
    """As many pairs as there can be, `most` at the most, of a true and a false one at most `caliper` apart.

    Augmenting paths (Kuhn's algorithm) in the order of `true`; a partner that is free before one that would have to be
    given up, or many alike would be handed on from one to the next; nearer ones first. Both of different patients.
    """
    ordered = sorted(false, key=lambda one: one.probability)
    at = [one.probability for one in ordered]
    partner: dict[int, int] = {}  # index in `ordered` -> index in `true`

    def near(index: int) -> list[int]:
        p = true[index].probability
        window = range(bisect_left(at, p - caliper - 1e-9), bisect_right(at, p + caliper + 1e-9))
        return sorted((i for i in window if ordered[i].patient != true[index].patient), key=lambda i: abs(at[i] - p))

    def place(index: int, tried: set[int]) -> bool:
        open_to_it = [i for i in near(index) if i not in tried]
        tried.update(open_to_it)
        free = next((i for i in open_to_it if i not in partner), None)
        if free is None:
            free = next((i for i in open_to_it if place(partner[i], tried)), None)
        if free is None:
            return False
        partner[free] = index
        return True

    for index in range(len(true)):
        if len(partner) == most:
            break
        place(index, set())
    return [(true[index], ordered[i]) for i, index in sorted(partner.items())]


def matched_draw(
    true: Sequence[T],
    false: Sequence[T],
    caliper: float,
    sizes: tuple[int, int],
    rng: random.Random,
    fresh: Callable[[T], bool],
) -> tuple[list[T], list[T]]:
    """(true, false) ones, `sizes` of each where there are as many: pairs first, then whatever lies nearest.

    `fresh` says whether a candidate may still be taken, and notes that it is.
    """
    shuffled = rng.sample(list(true), len(true)), rng.sample(list(false), len(false))
    taken: tuple[list[T], list[T]] = ([], [])
    for pair in matched_pairs(*shuffled, caliper, min(sizes)):
        for side, one in enumerate(pair):
            if fresh(one):
                taken[side].append(one)
    for side, pool in enumerate(shuffled):
        others = [one.probability for one in taken[1 - side] or shuffled[1 - side]]
        for one in sorted(pool, key=lambda one: distance(one.probability, others)):
            if len(taken[side]) < sizes[side] and one not in taken[side] and fresh(one):
                taken[side].append(one)
    return taken


def distance(probability: float, others: Sequence[float]) -> float:
    """To the nearest of `others`; infinite where there are none."""
    return min((abs(probability - other) for other in others), default=float("inf"))


def unmatched(true: Sequence[float], false: Sequence[float], caliper: float) -> int:
    """How many probabilities have none of the other side within the caliper."""
    sides = ((true, false), (false, true))
    return sum(distance(one, others) > caliper + 1e-9 for own, others in sides for one in own)
