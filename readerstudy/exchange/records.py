"""Exclusions in force and looks before closing: as plain data for the provenance, as sentences for the report.

Nobody is named: exports and reports leave the house, the database keeps who did it.
"""

from __future__ import annotations

from typing import Any

from readerstudy.reading.models import Exclusion
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


def exclusion_sentences(study: Study) -> list[str]:
    return [f"{_named(record)}: {record['why']} ({record['at'][:10]})" for record in exclusion_records(study)]


def look_sentences(study: Study) -> list[str]:
    return [
        f"{look['at'][:16].replace('T', ' ')} UTC, {look['what']}: {look['why'] or 'no reason given'}"
        for look in look_records(study)
    ]


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
