"""Exclusions in force and looks before closing: as plain data for the provenance, as sentences for the report.

Nobody is named: exports and reports leave the house, the database keeps who did it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from readerstudy.common.counting import counted
from readerstudy.reading.models import Exclusion, ReadReopening, Response
from readerstudy.studies.models import Study


def exclusion_records(study: Study) -> list[dict[str, Any]]:
    """One dict per exclusion in force: example, reader, read, question, revision (None where it is wider), why, at."""
    rows = Exclusion.objects.filter(study=study, lifted_at=None).select_related(
        "example", "reader", "read__reader", "response__assignment__read__reader", "response__assignment__example",
        "response__question",
    )  # fmt: skip
    return [_record(row) for row in rows.order_by("at", "pk")]


def look_records(study: Study) -> list[dict[str, Any]]:
    return [
        {"what": look.what, "why": look.why, "at": look.at.isoformat()} for look in study.looks.order_by("at", "pk")
    ]


def reopening_records(study: Study) -> list[dict[str, Any]]:
    """One dict per reopening of the study or of a read, in order: what, reader, read, why, at, ended (before).

    For a read, `answers` names what was answered afterwards: example, question, revision.
    """
    rows: list[dict[str, Any]] = [
        {"what": "study", "why": row.why, "at": row.at.isoformat(), "ended": row.closed_at.isoformat()}
        for row in study.reopenings.order_by("at", "pk")
    ]
    reads = ReadReopening.objects.filter(read__reader__study=study).select_related("read__reader")
    for row in reads.order_by("at", "pk"):
        later = Response.objects.filter(assignment__read=row.read, received_at__gte=row.at)
        rows.append(
            {
                "what": "read",
                "reader": row.read.reader.code,
                "read": row.read.number,
                "why": row.why,
                "at": row.at.isoformat(),
                "ended": row.finished_at.isoformat(),
                "answers": [
                    {"example": str(number), "question": question, "revision": revision}
                    for number, question, revision in later.order_by("received_at", "pk").values_list(
                        "assignment__example__number", "question__key", "revision"
                    )
                ],
            }
        )
    return sorted(rows, key=lambda row: row["at"])


def reopening_sentences(study: Study) -> list[str]:
    return [_reopened(record) for record in reopening_records(study)]


def _reopened(record: dict[str, Any]) -> str:
    at, ended = record["at"][:10], record["ended"][:10]
    if record["what"] == "study":
        return f"The study was closed on {ended} and reopened on {at}: {record['why']}"
    answers = counted(len(record["answers"]), "answer")
    return (
        f"Read {record['read']} of {record['reader']} was finished on {ended} and reopened on {at} "
        f"({answers} afterwards): {record['why']}"
    )


def exclusion_sentences(study: Study, seen_at: datetime | None = None) -> list[str]:
    """seen_at: when results could first have been seen. An exclusion made later says so."""
    return [
        f"{_named(record)}: {record['why']} ({_minute(record['at'])}"
        f"{', made after results were first seen' if seen_at and record['at'] > seen_at.isoformat() else ''})"
        for record in exclusion_records(study)
    ]


def look_sentences(study: Study) -> list[str]:
    return [
        f"{_minute(look['at'])}, {look['what']}: {look['why'] or 'no reason given'}" for look in look_records(study)
    ]


def _minute(at: str) -> str:
    return f"{at[:16].replace('T', ' ')} UTC"


def _record(row: Exclusion) -> dict[str, Any]:
    record: dict[str, Any] = dict.fromkeys(("example", "reader", "read", "question", "revision"))
    read, example = row.read, row.example
    if row.response is not None:
        read, example = row.response.assignment.read, row.response.assignment.example
        record |= {"question": row.response.question.key, "revision": row.response.revision}
    if read is not None:
        record |= {"reader": read.reader.code, "read": read.number}
    if row.reader is not None:
        record["reader"] = row.reader.code
    if example is not None:
        record["example"] = f"P{example.number}" if example.practice else str(example.number)
    return record | {"why": row.why, "at": row.at.isoformat()}


def _named(record: dict[str, Any]) -> str:
    parts = []
    if record["reader"]:
        parts.append(f"reader {record['reader']}")
    if record["read"] is not None:
        parts.append("practice" if record["read"] == 0 else f"read {record['read']}")
    if record["example"]:
        parts.append(f"example {record['example']}")
    if record["question"]:
        parts.append(f"answer to {record['question']}, revision {record['revision']}")
    named = ", ".join(parts)
    return named[:1].upper() + named[1:]
