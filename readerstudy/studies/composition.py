"""What a study is composed of: its scored examples, counted by pathology and truth."""

from collections import Counter
from dataclasses import dataclass

from readerstudy.cases.models import Truth
from readerstudy.studies.models import Study


def truths_of(study: Study) -> dict[tuple[int, str], bool]:
    """(case id, pathology) -> label, for the cases of the study's examples."""
    rows = Truth.objects.filter(case__predictions__examples__study=study).distinct()
    return {(row.case_id, row.pathology): row.label for row in rows}


@dataclass(frozen=True)
class CompositionRow:
    """Scored examples of one pathology: true positives, false positives, and those without a truth."""

    pathology: str
    tp: int
    fp: int
    unknown: int

    @property
    def total(self) -> int:
        return self.tp + self.fp + self.unknown


def composition(study: Study) -> list[CompositionRow]:
    """Pathology x truth of the scored examples, in alphabetical order. Two queries."""
    truths = truths_of(study)
    counts = Counter(
        (pathology, truths.get((case, pathology)))
        for case, pathology in study.examples.filter(practice=False).values_list(
            "prediction__case_id", "prediction__pathology"
        )
    )
    return [
        CompositionRow(name, counts[name, True], counts[name, False], counts[name, None])
        for name in sorted({pathology for pathology, _ in counts})
    ]
