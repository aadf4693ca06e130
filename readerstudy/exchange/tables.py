"""Rows of the long and wide tables, streamed from the database: memory does not grow with the study."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import F, OuterRef, Subquery

from readerstudy.cases.models import Truth
from readerstudy.exchange.dictionary import LONG, WIDE_FIXED, wide_columns
from readerstudy.reading.models import Assignment, Exclusion, Response, Sequence, Visit
from readerstudy.reading.recording import comments
from readerstudy.reading.viewing_time import LOOKING_MS
from readerstudy.studies.asking import NOT_ASKED, is_asked, not_asked
from readerstudy.studies.models import Study

_CHUNK = 5000
_FIELDS = {
    "assignment": F("assignment_id"),
    "question_id": F("question_id"),
    "response": F("pk"),
    "reader_id": F("assignment__read__reader_id"),
    "read_id": F("assignment__read_id"),
    "example_id": F("assignment__example_id"),
    "case_id": F("assignment__example__prediction__case_id"),
    "reader": F("assignment__read__reader__code"),
    "read": F("assignment__read__number"),
    "position": F("assignment__position"),
    "number": F("assignment__example__number"),
    "is_practice": F("assignment__example__practice"),
    "case": F("assignment__example__prediction__case__public_id"),
    "patient_key": F("assignment__example__prediction__case__patient_key"),
    "dataset": F("assignment__example__prediction__case__dataset"),
    "pathology": F("assignment__example__prediction__pathology"),
    "model": F("assignment__example__prediction__model"),
    "prediction": F("assignment__example__prediction__probability"),
    "method": F("assignment__method__key"),
    "question": F("question__key"),
    "score": F("score"),
    "revision": F("revision"),
    "opened_at": F("visit__opened_at"),
    "answered_at": F("answered_at"),
    "received_at": F("received_at"),
    "answered_ms": F("elapsed_ms"),
    "answered_visible_ms": F("visible_ms"),
    "visible_ms": F("visit__visible_ms"),
    "idle_ms": F("visit__idle_ms"),
    "looking_ms": Subquery(
        Visit.objects.filter(assignment=OuterRef("assignment"))
        .order_by()
        .values("assignment")
        .annotate(looking=LOOKING_MS)
        .values("looking")
    ),
    "images_ready_ms": F("visit__images_ready_ms"),
    "first_input_ms": F("visit__first_input_ms"),
    "animation_loops": F("visit__animation_loops"),
    "comment": Subquery(comments(Visit.objects.filter(assignment=OuterRef("assignment")))[:1]),
    "source": F("source"),
}


def long_rows(study: Study) -> Iterator[dict[str, Any]]:
    """One dict per response, keys as dictionary.LONG, sorted by reader, read, position, question, revision."""
    lookups = _Lookups(study)
    names = [f"x_{name}" for name in _FIELDS]
    rows = (
        Response.objects.filter(assignment__read__reader__study=study)
        .annotate(**{f"x_{name}": expression for name, expression in _FIELDS.items()})
        .order_by(
            "assignment__read__reader_id",
            "assignment__read__number",
            "assignment__position",
            "question__position",
            "revision",
        )
        .values_list(*names)
        .iterator(chunk_size=_CHUNK)
    )
    held: dict[str, Any] | None = None
    for values in rows:
        row = dict(zip(_FIELDS, values, strict=True))
        if held is not None:
            yield lookups.finish(held, is_current=_key(held) != _key(row))
        held = row
    if held is not None:
        yield lookups.finish(held, is_current=True)


def wide_rows(study: Study) -> Iterator[dict[str, Any]]:
    """One dict per reader and scored example with the current scores of every method side by side."""
    methods = list(study.methods.order_by("position").values_list("key", flat=True))
    questions = list(study.questions.order_by("position").values_list("key", flat=True))
    columns = [column.name for column in wide_columns(methods, questions)]
    empty = dict.fromkeys(columns) | {f"{question}_{method}": NOT_ASKED for method, question in not_asked(study)}
    current = (row for row in long_rows(study) if row["is_current"] == 1 and row["practice"] == 0)
    for _, of_reader in groupby(current, key=itemgetter("reader")):
        by_example: dict[str, dict[str, Any]] = {}
        for row in of_reader:
            fixed = {column.name: row[column.name] for column in WIDE_FIXED}
            wide = by_example.setdefault(row["example"], empty | fixed)
            wide["excluded"] = max(wide["excluded"], row["excluded"])
            wide[f"read_{row['method']}"] = row["read"]
            wide[f"position_{row['method']}"] = row["position"]
            wide[f"{row['question']}_{row['method']}"] = row["score"]
        yield from sorted(by_example.values(), key=lambda wide: int(wide["example"]))


def completeness(study: Study, question: str = "") -> tuple[int, int]:
    """(current answers of scored examples, answers to all that is asked of them); of one question by its key."""
    questions = study.questions.filter(key=question) if question else study.questions.all()
    shown = Counter(
        Assignment.objects.filter(read__reader__study=study, read__number__gt=0).values_list("method_id", flat=True)
    )
    asked = [(method, one) for method in study.methods.all() for one in questions if is_asked(one, method)]
    expected = sum(shown[method.pk] for method, _ in asked)
    answered = (
        Response.objects.filter(question__in=questions, assignment__read__number__gt=0)
        .values("assignment", "question")
        .distinct()
        .count()
    )
    return answered, expected


def _key(row: dict[str, Any]) -> tuple[int, int]:
    return row["assignment"], row["question_id"]


class _Lookups:
    """What is read once per study rather than joined to every response."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.truth = {
            (row.case_id, row.pathology): "TP" if row.label else "FP"
            for row in Truth.objects.filter(case__predictions__examples__study=study).distinct()
        }
        self.sequences = {
            (row.reader_id, row.example_id): ">".join(row.methods)
            for row in Sequence.objects.filter(reader__study=study).iterator(chunk_size=_CHUNK)
        }
        self.reconstruction = {
            example: record.get("prediction_reconstruction")
            for example, record in study.examples.filter(
                explanations__record__has_key="prediction_reconstruction"
            ).values_list("pk", "explanations__record")
        }
        self.excluded: dict[str, set[int]] = {"example": set(), "reader": set(), "read": set(), "response": set()}
        for exclusion in Exclusion.objects.filter(study=study, lifted_at=None):
            for name, ids in self.excluded.items():
                if pk := getattr(exclusion, f"{name}_id"):
                    ids.add(pk)

    def finish(self, row: dict[str, Any], is_current: bool) -> dict[str, Any]:
        done = {
            **row,
            "study": self.study.slug,
            "protocol_version": self.study.protocol_version,
            "simulated": int(self.study.simulated),
            "sequence": self.sequences.get((row["reader_id"], row["example_id"]), ""),
            "example": f"P{row['number']}" if row["is_practice"] else str(row["number"]),
            "truth": self.truth.get((row["case_id"], row["pathology"]), ""),
            "practice": int(row["is_practice"]),
            "excluded": int(
                row["example_id"] in self.excluded["example"]
                or row["reader_id"] in self.excluded["reader"]
                or row["read_id"] in self.excluded["read"]
                or row["response"] in self.excluded["response"]
            ),
            "prediction_reconstruction": self.reconstruction.get(row["example_id"]),
            "is_current": int(is_current),
            "comment": row["comment"] or "",
            "opened_at": _iso(row["opened_at"]),
            "answered_at": _iso(row["answered_at"]),
            "received_at": _iso(row["received_at"]),
        }
        return {column.name: done[column.name] for column in LONG}


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
