"""What was allocated, for researchers: methods counted over pathology x truth, and every assignment as rows."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from readerstudy.reading.models import Assignment, Sequence
from readerstudy.studies.composition import truths_of
from readerstudy.studies.models import Method, Study

CSV_COLUMNS = (
    "study", "scheme", "order", "study_seed", "reader", "rotation", "withdrawn",
    "example", "practice", "sequence", "read", "position", "method",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """Examples of one stratum shown with one method in one read: least and most over readers, and their sum."""

    least: int
    most: int
    total: int


@dataclass(frozen=True)
class Stratum:
    """`truth`: "TP", "FP", or "" without a truth. cells[read number - 1][method position - 1]."""

    pathology: str
    truth: str
    examples: int
    cells: list[list[Cell]]


def method_table(study: Study, methods: list[Method]) -> list[Stratum]:
    """Pathology x truth x read x method over readers who have not withdrawn; empty before allocation. Four queries."""
    truths = truths_of(study)
    names = {True: "TP", False: "FP", None: ""}
    strata = {
        pk: (pathology, names[truths.get((case, pathology))])
        for pk, case, pathology in study.examples.filter(practice=False).values_list(
            "pk", "prediction__case_id", "prediction__pathology"
        )
    }
    shown = Assignment.objects.filter(
        read__reader__study=study, read__reader__withdrawn_at=None, example__practice=False
    ).values_list("read__reader_id", "read__number", "method_id", "example_id")
    counts: Counter[tuple[Any, ...]] = Counter()
    readers: set[int] = set()
    for reader, read, method, example in shown.order_by():
        counts[reader, read, method, strata[example]] += 1
        readers.add(reader)
    if not readers:
        return []
    sizes = Counter(strata.values())
    return [
        Stratum(
            *stratum,
            sizes[stratum],
            [
                [_cell([counts[reader, read, method.pk, stratum] for reader in readers]) for method in methods]
                for read in range(1, len(methods) + 1)
            ],
        )
        for stratum in sorted(sizes, key=lambda item: (item[0], item[1] != "TP", item[1]))
    ]


def _cell(values: list[int]) -> Cell:
    return Cell(min(values), max(values), sum(values))


def csv_rows(study: Study) -> Iterator[list[Any]]:
    """Every assignment, practice included, in reading order: rows of CSV_COLUMNS. No truth."""
    sequences = {
        (reader, example): ">".join(methods)
        for reader, example, methods in Sequence.objects.filter(reader__study=study).values_list(
            "reader_id", "example_id", "methods"
        )
    }
    rows = Assignment.objects.filter(read__reader__study=study).order_by("read__reader_id", "read__number", "position")
    for row in rows.values(
        "read__reader_id",
        "read__reader__code",
        "read__reader__rotation",
        "read__reader__withdrawn_at",
        "read__number",
        "position",
        "example_id",
        "example__number",
        "example__practice",
        "method__key",
    ).iterator():
        practice = row["example__practice"]
        yield [
            study.slug,
            study.allocation,
            study.order,
            study.seed,
            row["read__reader__code"],
            row["read__reader__rotation"],
            int(row["read__reader__withdrawn_at"] is not None),
            f"P{row['example__number']}" if practice else row["example__number"],
            int(practice),
            sequences.get((row["read__reader_id"], row["example_id"]), ""),
            row["read__number"],
            row["position"],
            row["method__key"],
        ]
