"""Exports as streams of text: long and wide CSV, FDA iMRMC's input format; data dictionary; provenance."""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from readerstudy.common.csv_cells import safe_cell
from readerstudy.common.refusals import NotFound
from readerstudy.common.version import software_with
from readerstudy.exchange.alignment import alignment_rows
from readerstudy.exchange.dictionary import ALIGNMENT, LONG, MEASURES, Column, wide_columns
from readerstudy.exchange.measures import measure_rows
from readerstudy.exchange.records import exclusion_records, look_records, reopening_records
from readerstudy.exchange.tables import completeness, long_rows, wide_rows
from readerstudy.studies.asking import not_asked
from readerstudy.studies.composition import truths_of
from readerstudy.studies.models import Study
from readerstudy.studies.protocol import published_protocol

FORMATS = ("long", "wide", "imrmc", "alignment", "measures")
WITH_TRUTH = ("long", "wide", "imrmc", "measures")  # given for a reason until the study is closed
# What can be downloaded: end of the file's name, and type.
TABLES = {
    "long": ("long.csv", "text/csv"),
    "wide": ("wide.csv", "text/csv"),
    "imrmc": ("imrmc.imrmc", "text/plain"),
    "alignment": ("alignment.csv", "text/csv"),
    "measures": ("measures.csv", "text/csv"),
    "dictionary": ("dictionary.csv", "text/csv"),
    "provenance": ("long.csv.provenance.json", "application/json"),
}
_FLUSH = 500


class UnknownQuestion(NotFound):
    """The study has no question of this key."""


def export(study: Study, format: str, question: str = "") -> Iterator[str]:
    """Text chunks of an export. `question` chooses the scores of iMRMC (default: the first question)."""
    if format == "long":
        return csv_text([column.name for column in LONG], long_rows(study))
    if format == "wide":
        return csv_text([column.name for column in study_wide_columns(study)], wide_rows(study))
    if format == "imrmc":
        return _imrmc(study, question)
    if format == "alignment":
        return csv_text([column.name for column in ALIGNMENT], alignment_rows(study))
    if format == "measures":
        return csv_text([column.name for column in MEASURES], measure_rows(study))
    raise ValidationError(f"There is no export format “{format}”; there are {', '.join(FORMATS)}.")


def study_wide_columns(study: Study) -> list[Column]:
    return wide_columns(
        list(study.methods.order_by("position").values_list("key", flat=True)),
        list(study.questions.order_by("position").values_list("key", flat=True)),
    )


def described_tables(study: Study) -> dict[str, list[Column]]:
    """The columns of each table that has a line of them in the dictionary."""
    return {
        "long": list(LONG),
        "wide": study_wide_columns(study),
        "alignment": list(ALIGNMENT),
        "measures": list(MEASURES),
    }


def data_dictionary(study: Study) -> Iterator[str]:
    """The columns of the tables as CSV: table, column, type, meaning."""
    rows = [
        {"table": table, "column": column.name, "type": column.type, "meaning": column.meaning}
        for table, columns in described_tables(study).items()
        for column in columns
    ]
    return csv_text(["table", "column", "type", "meaning"], iter(rows))


def provenance(study: Study, format: str, content_sha256: str, rows: int) -> dict[str, Any]:
    """What an export is of: study, protocol and its hash, completeness, software, time."""
    answered, expected = completeness(study)
    return {
        "exported_at": timezone.now().isoformat(timespec="seconds"),
        "study": study.slug,
        "state": study.state,
        "simulated": study.simulated,
        "protocol_version": study.protocol_version,
        "protocol_sha256": study.protocol_sha256,
        "protocol": published_protocol(study),
        "opened_at": study.opened_at.isoformat() if study.opened_at else None,
        "closed_at": study.closed_at.isoformat() if study.closed_at else None,
        "seed": study.seed,
        "format": format,
        "content_sha256": content_sha256,
        "rows": rows,
        "answers": answered,
        "answers_of_a_complete_study": expected,
        "not_asked": [{"method": method, "question": question} for method, question in not_asked(study)],
        "exclusions": exclusion_records(study),
        "looks": look_records(study),
        "reopenings": reopening_records(study),
        "software": software_with(("django", "numpy", "scipy", "pandas", "statsmodels")),
    }


class Hashed:
    """Passes text through and keeps its hash and number of lines, for the provenance written afterwards."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = chunks
        self._digest = hashlib.sha256()
        self.lines = 0

    def __iter__(self) -> Iterator[str]:
        for chunk in self._chunks:
            self._digest.update(chunk.encode())
            self.lines += chunk.count("\r\n")
            yield chunk

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def csv_text(columns: list[str], rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """RFC 4180: CRLF, quoted where needed, a header line; in chunks of some hundred lines."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for index, row in enumerate(rows):
        writer.writerow([safe_cell(row[column]) for column in columns])
        if index % _FLUSH == _FLUSH - 1:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def imrmc_question(study: Study, question: str = "") -> str:
    """The key of the one question whose scores iMRMC gets: the first unless named. Raises UnknownQuestion."""
    questions = list(study.questions.order_by("position").values_list("key", flat=True))
    chosen = question or (questions[0] if questions else "")
    if chosen not in questions:
        raise UnknownQuestion(f"The study has no question “{chosen}”; there are {', '.join(questions) or 'none'}.")
    return chosen


def _imrmc(study: Study, question: str) -> Iterator[str]:
    """iMRMC's input: a title, BEGIN DATA:, truth lines (reader and modality `truth`), then one line per score."""
    chosen = imrmc_question(study, question)

    def lines() -> Iterator[str]:
        yield f"{study.slug} version {study.protocol_version}, question {chosen}"
        yield "BEGIN DATA:"
        labels = truths_of(study)
        truth: set[str] = set()
        left_out = study.exclusions.filter(lifted_at=None).exclude(example=None).values("example")
        for example in study.examples.filter(practice=False).exclude(pk__in=left_out).select_related("prediction"):
            label = labels.get((example.prediction.case_id, example.prediction.pathology))
            if label is not None:
                truth.add(str(example.number))
                yield f"truth,{example.number},truth,{int(label)}"
        for row in long_rows(study):
            counts = row["is_current"] and not row["practice"] and not row["excluded"]
            if counts and row["question"] == chosen and row["example"] in truth:
                yield f"{row['reader']},{row['example']},{row['method']},{row['score']}"

    return (f"{line}\r\n" for line in lines())
