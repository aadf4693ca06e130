"""Which method each example gets in each read, and in which order examples are read. Pure functions, seeded.

Crossover by Latin square: examples are split, within every pathology x truth stratum, into as many groups as there are
methods; row (group + rotation) of the square says the order of methods. Columns of a Latin square are permutations, so
every read shows every method equally often in every stratum; rotating by reader does the same over readers.

Sources: Williams (1949), designs balanced for carry-over; Cohen et al. (2021), section 4.6, for `published`.
"""

import random
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby

MAX_RUN = 4  # examples in a row with the same method
PATIENT_GAP = 10  # positions between two examples of one patient
_ATTEMPTS = 60


@dataclass(frozen=True)
class Item:
    """One example as the randomisation sees it. `truth` only forms strata for methods; it never shapes the order."""

    id: int
    number: int
    pathology: str
    truth: bool
    patient: Hashable


@dataclass(frozen=True)
class ReaderPlan:
    """`methods[id]` lists the method index per read; `orders[read]` lists ids in reading order.

    `patient_gap` is the smallest gap that was kept: PATIENT_GAP, or less where the examples do not allow it.
    """

    methods: dict[int, tuple[int, ...]]
    orders: tuple[tuple[int, ...], ...]
    patient_gap: int


def williams_rows(methods: int) -> list[tuple[int, ...]]:
    """Rows of a Williams design: a Latin square, two for an odd number of methods.

    >>> williams_rows(2)
    [(0, 1), (1, 0)]
    >>> len(williams_rows(3))
    6
    """
    first = [0]
    low, high = 1, methods - 1
    while len(first) < methods:
        first.append(low)
        low += 1
        if len(first) < methods:
            first.append(high)
            high -= 1
    rows = [tuple((value + shift) % methods for value in first) for shift in range(methods)]
    if methods % 2 and methods > 1:
        rows += [tuple(reversed(row)) for row in rows]
    return rows


def groups(items: Sequence[Item], methods: int, seed: int) -> dict[int, int]:
    """Split items into `methods` groups whose sizes differ by at most one in every stratum, pathology and overall.

    Within a stratum the split is a seeded shuffle. The count runs on from stratum to stratum, which keeps unions of
    neighbouring strata balanced too.
    """
    rng = random.Random(f"groups:{seed}")  # noqa: S311 - reproducible, not secret
    result: dict[int, int] = {}
    ordered = sorted(items, key=lambda item: (item.pathology, item.truth, item.number))
    for _, stratum in groupby(ordered, key=lambda item: (item.pathology, item.truth)):
        members = list(stratum)
        rng.shuffle(members)
        for item in members:
            result[item.id] = len(result) % methods
    return result


def plan_reader(
    items: Sequence[Item], methods: int, *, seed: int, rotation: int, reader: str, scheme: str, order: str
) -> ReaderPlan:
    """Draw one reader's sequences and orders.

    Parameters
    ----------
    items : the scored examples.
    methods : number of methods, 2 to 4; there are as many reads.
    seed : the study's seed. rotation : row offset in the square, 0 <= rotation < len(williams_rows(methods)).
    reader : the reader's code; with the seed it fixes the reader's orders.
    scheme : "random", or "published" (same groups and order for everyone, example numbers in blocks).
    order : "blocks" (pathology by pathology) or "mixed"; "published" always reads in blocks.

    Raises
    ------
    ValueError : when no order keeps runs of one method to MAX_RUN.
    """
    group = groups(items, methods, seed)
    rows = williams_rows(methods)
    if scheme == "published":
        table = {item.id: rows[group[item.id] % len(rows)] for item in items}
        ordered = tuple(item.id for item in _published_order(items, group))
        return ReaderPlan(table, (ordered,) * methods, 0)
    half = len(rows) // methods  # 1, or 2 squares for an odd number of methods
    square, shift = divmod(rotation % (methods * half), methods)
    table = {item.id: rows[square * methods + (group[item.id] + shift) % methods] for item in items}
    orders, gaps = [], []
    for read in range(methods):
        rng = random.Random(f"order:{seed}:{reader}:{read + 1}")  # noqa: S311
        shown = {item_id: row[read] for item_id, row in table.items()}
        ids, gap = draw_order(items, shown, rng, blocks=order == "blocks")
        orders.append(ids)
        gaps.append(gap)
    return ReaderPlan(table, tuple(orders), min(gaps, default=PATIENT_GAP))


def _published_order(items: Sequence[Item], group: dict[int, int]) -> list[Item]:
    first_number = {item.pathology: item.number for item in sorted(items, key=lambda item: -item.number)}
    return sorted(items, key=lambda item: (first_number[item.pathology], group[item.id], item.number))


def draw_order(
    items: Sequence[Item], method: dict[int, int], rng: random.Random, *, blocks: bool
) -> tuple[tuple[int, ...], int]:
    """A random order with at most MAX_RUN of a method in a row and patients PATIENT_GAP apart.

    Where a patient's examples cannot be so far apart (few examples, or both in a small last block), the largest gap
    found is kept and returned as the second value.
    """
    for gap in range(PATIENT_GAP, 0, -1):
        for _ in range(_ATTEMPTS):
            ids = _try_order(items, method, rng, blocks, gap)
            if ids is not None:
                return ids, gap
    raise ValueError(
        f"No order of {len(items)} examples keeps at most {MAX_RUN} in a row with the same method"
        + (" within pathology blocks; mix the pathologies, or" if blocks else ";")
        + " balance the number of examples per method."
    )


def _try_order(
    items: Sequence[Item], method: dict[int, int], rng: random.Random, blocks: bool, gap: int
) -> tuple[int, ...] | None:
    """One greedy pass: each step picks at random among what the constraints allow; None at a dead end."""
    if blocks:
        pathologies = sorted({item.pathology for item in items})
        rng.shuffle(pathologies)
        pools = [[item for item in items if item.pathology == name] for name in pathologies]
    else:
        pools = [list(items)]
    chosen: list[Item] = []
    last_seen: dict[Hashable, int] = {}
    for pool in pools:
        remaining = sorted(pool, key=lambda item: item.id)
        while remaining:
            allowed = [
                item
                for item in remaining
                if len(chosen) - last_seen.get(item.patient, -gap) >= gap and not _run_is_full(chosen, method, item)
            ]
            if not allowed:
                return None
            item = _pick(allowed, remaining, method, rng)
            remaining.remove(item)
            last_seen[item.patient] = len(chosen)
            chosen.append(item)
    return tuple(item.id for item in chosen)


def _run_is_full(chosen: list[Item], method: dict[int, int], item: Item) -> bool:
    tail = chosen[-MAX_RUN:]
    return len(tail) == MAX_RUN and all(method[before.id] == method[item.id] for before in tail)


def _pick(allowed: list[Item], remaining: list[Item], method: dict[int, int], rng: random.Random) -> Item:
    """At random, but patients with several examples come early and a method that piles up is not left to last."""
    patients = Counter(item.patient for item in remaining)
    several = [item for item in allowed if patients[item.patient] > 1]
    if several and rng.random() < 0.5:
        return rng.choice(several)
    left = Counter(method[item.id] for item in remaining)
    most, count = left.most_common(1)[0]
    if count > MAX_RUN * (len(remaining) - count):
        allowed = [item for item in allowed if method[item.id] == most] or allowed
    return rng.choice(allowed)
