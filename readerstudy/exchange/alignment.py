"""The table `alignment`: which other findings of the classifier moved with the explained one. No truth, no answers."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

from readerstudy.exchange.dictionary import ALIGNMENT
from readerstudy.reading.models import Exclusion
from readerstudy.studies.alignments import aligned_examples
from readerstudy.studies.models import Study

_DIGITS = 4  # as many as are kept of the outputs


def alignment_rows(study: Study) -> Iterator[dict[str, Any]]:
    """One dict per scored example and other finding, keys as dictionary.ALIGNMENT."""
    left_out = Exclusion.objects.filter(study=study, lifted_at=None).exclude(example=None)
    excluded = set(left_out.values_list("example_id", flat=True))
    for aligned in aligned_examples(study):
        case = aligned.example.prediction.case
        for output in aligned.alignment.others if aligned.alignment else ():
            done = {
                "study": study.slug,
                "protocol_version": study.protocol_version,
                "example": str(aligned.example.number),
                "case": case.public_id,
                "patient_key": case.patient_key,
                "pathology": aligned.example.prediction.pathology,
                "excluded": int(aligned.example.pk in excluded),
                "finding": output.finding,
                "correlation": round(output.correlation, _DIGITS) if isfinite(output.correlation) else None,
                "change": round(output.change, _DIGITS) if isfinite(output.change) else None,
            }
            yield {column.name: done[column.name] for column in ALIGNMENT}
