"""Counterfactual alignment over the scored examples of a study, for its researchers' pages, tables and reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Prefetch, Q

from readerstudy.explanations.alignment import Alignment, alignment_of, lacks_outputs
from readerstudy.explanations.models import Explanation
from readerstudy.studies.models import Example, Study

_CHUNK = 200


@dataclass(frozen=True)
class AlignedExample:
    """alignment: None where nothing is known. earlier: because a version that did not keep it rendered the example."""

    example: Example
    alignment: Alignment | None
    earlier: bool


def aligned_examples(study: Study, number: int | None = None) -> Iterator[AlignedExample]:
    """Every scored example in order, or the one of that number; two queries for some hundred."""
    walks = Explanation.objects.filter(Q(record__has_key="lambdas") | Q(record__has_key="outputs"))
    examples = study.examples.filter(practice=False).order_by("number").select_related("prediction__case")
    chosen = examples if number is None else examples.filter(number=number)
    for example in chosen.prefetch_related(Prefetch("explanations", walks)).iterator(chunk_size=_CHUNK):
        rows = example.explanations.all()
        yield AlignedExample(example, alignment_of(rows), lacks_outputs(rows))
