"""Exports as streams of text: long and wide CSV, FDA iMRMC's input format; data dictionary; provenance."""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
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

_FLUSH = 500


class UnknownQuestion(NotFound):
    """The study has no question of this key."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """What can be downloaded of a study: its name in URLs and commands, the end of the file's name, how it is written.

    with_truth: it is given for a reason until the study is closed. write: study and a question's key -> chunks of text.
    """

    name: str
    file: str
    with_truth: bool
    write: Callable[[Study, str], Iterator[str]]
    content_type: str = "text/csv"


@dataclass(frozen=True, kw_only=True)
class Table(Download):
    """A table that is exported. A new one is an entry in TABLES: pages, API, command and dictionary follow.

    title, about: what the results page says; the command says the second. of_answers: how many of all answers it has
    is told. of_one_question: it has the scores of one question only. columns: what the dictionary says of it, and
    one_row: what a row of it is; none where it is no CSV.
    """

    title: str
    about: str
    columns: Callable[[Study], Sequence[Column]] | None = None
    one_row: str = ""
    of_answers: bool = True
    of_one_question: bool = False


def export(study: Study, format: str, question: str = "") -> Iterator[str]:
    """Text chunks of an export. `question` chooses the scores of iMRMC (default: the first question)."""
    return table_named(format).write(study, question)


def table_named(format: str) -> Table:
    """Raises ValidationError for a name that no table has."""
    for table in TABLES:
        if table.name == format:
            return table
    raise ValidationError(f"There is no export format “{format}”; there are {', '.join(FORMATS)}.")


def study_wide_columns(study: Study) -> list[Column]:
    return wide_columns(
        list(study.methods.order_by("position").values_list("key", flat=True)),
        list(study.questions.order_by("position").values_list("key", flat=True)),
    )


def described_tables(study: Study) -> list[tuple[Table, Sequence[Column]]]:
    """Each table that the dictionary describes, with its columns."""
    return [(table, table.columns(study)) for table in TABLES if table.columns]


def data_dictionary(study: Study) -> Iterator[str]:
    """The columns of the tables as CSV: table, column, type, meaning."""
    rows = [
        {"table": table.name, "column": column.name, "type": column.type, "meaning": column.meaning}
        for table, columns in described_tables(study)
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


def _provenance_of_long(study: Study) -> Iterator[str]:
    """Of the long table as it is now: its hash and rows are found by writing it once."""
    content = Hashed(export(study, "long"))
    for _ in content:
        pass
    yield json.dumps(provenance(study, "long", content.sha256, max(content.lines - 1, 0)), indent=1)


def _fixed(columns: Sequence[Column]) -> Callable[[Study], Sequence[Column]]:
    return lambda study: columns


def _csv_of(
    columns: Callable[[Study], Sequence[Column]], rows: Callable[[Study], Iterator[dict[str, Any]]]
) -> Callable[[Study, str], Iterator[str]]:
    return lambda study, question: csv_text([column.name for column in columns(study)], rows(study))


TABLES = (
    Table(
        name="long",
        file="long.csv",
        title="Long table",
        about="one row per response",
        with_truth=True,
        write=_csv_of(_fixed(LONG), long_rows),
        columns=_fixed(LONG),
        one_row="response",
    ),
    Table(
        name="wide",
        file="wide.csv",
        title="Wide table",
        about="one row per reader and example, methods side by side",
        with_truth=True,
        write=_csv_of(study_wide_columns, wide_rows),
        columns=study_wide_columns,
        one_row="reader and example",
    ),
    Table(
        name="imrmc",
        file="imrmc.imrmc",
        title="iMRMC input",
        about="for FDA's iMRMC, the scores of one question",
        with_truth=True,
        write=_imrmc,
        of_one_question=True,
        content_type="text/plain",
    ),
    Table(
        name="alignment",
        file="alignment.csv",
        title="Alignment",
        about="which other findings of the classifier move with the explained one, one row per example and finding",
        with_truth=False,
        write=_csv_of(_fixed(ALIGNMENT), alignment_rows),
        columns=_fixed(ALIGNMENT),
        one_row="example and other finding",
        of_answers=False,
    ),
    Table(
        name="measures",
        file="measures.csv",
        title="Measures",
        about="of the explanations, one row per example, kind and metric",
        with_truth=True,
        write=_csv_of(_fixed(MEASURES), measure_rows),
        columns=_fixed(MEASURES),
        one_row="example, kind and metric",
        of_answers=False,
    ),
)
FORMATS = tuple(table.name for table in TABLES)
_OF_THE_TABLES = (
    Download(
        name="dictionary",
        file="dictionary.csv",
        with_truth=False,
        write=lambda study, question: data_dictionary(study),
    ),
    Download(
        name="provenance",
        file="long.csv.provenance.json",
        with_truth=False,
        write=lambda study, question: _provenance_of_long(study),
        content_type="application/json",
    ),
)
DOWNLOADS: dict[str, Download] = {one.name: one for one in (*TABLES, *_OF_THE_TABLES)}
