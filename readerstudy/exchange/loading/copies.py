"""Reads that are too much alike: one spreadsheet given twice, under another reader's name or retouched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations

from readerstudy.exchange.loading.shape import LoadedAnswer

# Readers who answer independently on a scale of five agree exactly on about half of the answers; so many agree on
# nearly all by chance only where hardly any answer differs from the usual one.
FEWEST, SHARE = 8, 0.95


def copied_reads(answers: Iterable[LoadedAnswer]) -> list[str]:
    """A sentence for each two reads that give the same answer nearly everywhere; revisions: the last one counts."""
    given: dict[tuple[str, int], dict[tuple[str, str], tuple[int, int]]] = defaultdict(dict)
    for answer in answers:
        of_read, asked = given[answer.reader, answer.read], (answer.example, answer.question)
        of_read[asked] = max(of_read.get(asked, (0, 0)), (answer.revision, answer.score))
    found = []
    for (first, ones), (second, others) in combinations(sorted(given.items()), 2):
        shared = ones.keys() & others.keys()
        same = sum(ones[asked][1] == others[asked][1] for asked in shared)
        if len(shared) >= FEWEST and same >= SHARE * len(shared):
            found.append(
                f"{_named(second)} gives the same answer as {_named(first)} to {same} of {len(shared)} questions. "
                "Was one file loaded as two reads?"
            )
    return found


def _named(read: tuple[str, int]) -> str:
    return f"{read[0]}'s read {read[1]}"
