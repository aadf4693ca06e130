"""Readers who are programs: seeded answers with reader, example, truth and method effects, and plausible times.

Used for the finished demo study and for benchmarks. Studies they read in are marked simulated everywhere.
"""

from datetime import datetime, timedelta

import numpy as np

from readerstudy.cases.models import Truth
from readerstudy.reading.models import Assignment, Read, Reader, Response, Visit
from readerstudy.studies.asking import is_asked
from readerstudy.studies.models import Question

# Mean score by (question, truth, method order 0 or 1), about the published study's means.
_MEANS = {
    ("confidence", True): (4.0, 4.2),
    ("confidence", False): (3.3, 3.1),
    ("feature", True): (3.0, 3.6),
    ("feature", False): (2.5, 2.8),
}
_READER_SD, _EXAMPLE_SD, _NOISE_SD = 0.35, 0.5, 0.7


def read_by_program(reader: Reader, read: Read, started: datetime, seed: int, limit: int | None = None) -> datetime:
    """Answer the read's assignments (the first `limit`) from `started` on; returns when the last answer was given.

    The read is opened, and finished when every assignment is answered.
    """
    study = reader.study
    questions = list(study.questions.all())
    methods = {method.pk: min(index, 1) for index, method in enumerate(study.methods.order_by("position"))}
    truth = {
        (row.case_id, row.pathology): row.label
        for row in Truth.objects.filter(case__predictions__examples__study=study).distinct()
    }
    bias = np.random.default_rng([seed, reader.pk]).normal(0, _READER_SD)
    rng = np.random.default_rng([seed, reader.pk, read.number])
    assignments = list(read.assignments.select_related("example__prediction", "method").order_by("position"))
    now = started
    visits, responses = [], []
    for assignment in assignments[:limit]:
        prediction = assignment.example.prediction
        order = methods[assignment.method_id]
        hard = np.random.default_rng([seed, assignment.example_id]).normal(0, _EXAMPLE_SD, len(questions))
        seconds = float(rng.lognormal(3.0 - 0.004 * assignment.position, 0.35))
        visit = _visit(assignment, now, seconds, rng, animated=order > 0)
        visits.append(visit)
        now += timedelta(seconds=seconds)
        for index, question in enumerate(questions):
            if not is_asked(question, assignment.method):
                continue
            label = truth[prediction.case_id, prediction.pathology]
            means = _MEANS.get((question.key, label), (3.0, 3.2))
            value = means[order] + bias + hard[index] + rng.normal(0, _NOISE_SD)
            elapsed = int(seconds * 950 * (index + 1) / len(questions))
            responses.append(_response(visit, question, value, now, elapsed))
    Visit.objects.bulk_create(visits)
    Response.objects.bulk_create(responses)
    read.opened_at = started
    read.finished_at = now if limit is None or limit >= len(assignments) else None
    read.save(update_fields=["opened_at", "finished_at"])
    return now


def _visit(
    assignment: Assignment, opened_at: datetime, seconds: float, rng: np.random.Generator, *, animated: bool
) -> Visit:
    return Visit(
        assignment=assignment,
        opened_at=opened_at,
        last_received_at=opened_at + timedelta(seconds=seconds),
        client_opened_at=opened_at,
        images_ready_ms=int(rng.integers(60, 200)),
        first_input_ms=int(seconds * 600),
        answered_ms=int(seconds * 950),
        visible_ms=int(seconds * 1000),
        animation_loops=int(rng.integers(0, 5)) if animated else 0,
    )


def _response(visit: Visit, question: Question, value: float, at: datetime, elapsed_ms: int) -> Response:
    return Response(
        assignment=visit.assignment,
        question=question,
        visit=visit,
        score=int(np.clip(round(value), question.minimum, question.maximum)),
        minimum=question.minimum,
        maximum=question.maximum,
        source=Response.Source.SIMULATED,
        answered_at=at,
        received_at=at,
        elapsed_ms=elapsed_ms,
        visible_ms=elapsed_ms,
    )
