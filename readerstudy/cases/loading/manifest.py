"""Read and check a manifest: one row per case and pathology (docs/manifest.md). Text only; no image is opened here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import TypeVar

from explain.images import facts
from readerstudy.cases.loading.extensions import column_problem
from readerstudy.cases.loading.problems import Problems, refuse
from readerstudy.cases.loading.records import OLDEST, UNNAMED_MODEL, CaseRecord, FindingRecord, rows_of
from readerstudy.common.counting import counted
from readerstudy.common.csv_tables import (
    NOTHING,
    TableError,
    is_nothing,
    is_shortened,
    number,
    read_rows,
    whole_number,
    without_empty_end,
)

T = TypeVar("T")
COLUMNS = (
    *("image", "pathology", "label", "patient", "view", "sex", "age"),
    *("dataset", "mask", "confounder", "prediction", "model", "practice"),
)
UNCERTAIN = NOTHING | {"uncertain", "-1"}
ABSENT, PRESENT = {"0"}, {"1"}
YES_NO = {"": None, "0": False, "no": False, "false": False, "1": True, "yes": True, "true": True}
ONE_MASK = (
    "Keep one row for each image and pathology, and write all its boxes into the column mask as x,y,w,h, "
    "separated by ; (several masks: draw them into one picture)"
)
_BOX_COLUMNS = {"x", "y", "w", "h", "width", "height", "bbox", "xmin", "ymin", "xmax", "ymax", "x1", "y1", "x2", "y2"}
_FLAGS = {"label", "practice"}
_MANY_NAMES = 10
_NAME_OR_ID = re.compile(  # Miller^Anna; Miller, Anna; 12345678 or MR123456; 1950-03-12 or 12.3.1950
    r".*\^.*|[^\W\d]+, [^\W\d]+|\D{0,3}\d{6,}|(19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](19|20)\d\d"
)
_SLIPPED = "Check that each column's values stand below its name; --keep-source-ids shows them, for public data only"
_MAY_BE_NOTHING = {"dataset", "mask", "confounder", "prediction", "model", "practice"}


def read_manifest(content: bytes, problems: Problems) -> list[CaseRecord]:
    """The cases of a manifest, in the order of their first rows. Adds to `problems` all that is wrong with single
    values; raises BatchRefused when the file as a whole cannot be read."""
    rows = _rows(content)
    header = without_empty_end([name.strip().lower() for name in next(rows, (1, []))[1]])
    _check_header(header, problems)
    cases: dict[str, CaseRecord] = {}
    for place, cells in rows:
        cells = without_empty_end(cells, len(header))
        if len(cells) != len(header):
            text = f"it has {counted(len(cells), 'cell')}, and the header {len(header)}"
            problems.add(place, "", "", text, "Check for missing or stray separators and quotes")
            continue
        values = {name: _value(name, cell) for name, cell in zip(header, cells, strict=True)}
        row = _Row(place, values, problems)
        image = row.image()
        if image:
            _merge(cases, image, row)
    if not cases and not problems.found:
        raise refuse("the manifest has a header and no rows", "Add a row for each case and pathology", "manifest")
    found = list(cases.values())
    if not problems.show_ids:
        _check_no_names(found, problems)
    _check_spelling(found, problems)
    return found


def _rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Rows with their numbers, blank ones left out."""
    try:
        yield from read_rows(content, "the manifest")
    except TableError as error:
        raise refuse(error.text, error.remedy, "manifest") from None


def _value(column: str, cell: str) -> str:
    """The cell without blanks around it; empty for N/A and its like in columns that may be empty. Flags are whole
    numbers however a program wrote them: "1.00" and "1,0" are 1."""
    if column in _MAY_BE_NOTHING and is_nothing(cell):
        return ""
    found = whole_number(cell) if column in _FLAGS else None
    return cell.strip() if found is None else str(found)


def _check_header(header: list[str], problems: Problems) -> None:
    for name in dict.fromkeys(header):
        why = "" if name in COLUMNS else column_problem(name)
        if why:
            remedy = f"Rename or remove it; there are {', '.join(COLUMNS)} and explanation:<kind>"
            remedy = ONE_MASK if name in _BOX_COLUMNS else remedy
            problems.add(1, name or "(a column without a name)", "", why, remedy)
        elif header.count(name) > 1:
            problems.add(1, name, "", "the column is there more than once", "Keep one of them")
    if "image" not in header:
        problems.add(1, "image", "", "the column is missing", "Add a column image with the path of each image")
    if problems.found:
        problems.refuse_if_any()


class _Row:
    """Checks the values of one row, one method per column."""

    def __init__(self, number: int, values: dict[str, str], problems: Problems) -> None:
        self.number, self.values, self.problems = number, values, problems

    def get(self, column: str) -> str:
        return self.values.get(column, "")

    def wrong(self, column: str, text: str, remedy: str) -> None:
        self.problems.add(self.number, column, self.get(column), text, remedy)

    def image(self) -> str:
        if not self.get("image"):
            self.wrong("image", "it is empty", "Write the path of the image, relative to the manifest")
        return self.get("image").replace("\\", "/")

    def short(self, column: str, limit: int) -> str:
        value = self.get(column)
        if len(value) > limit:
            self.wrong(column, f"it has more than {limit} characters", "Shorten it")
        if not value.isprintable():
            self.wrong(column, "it has line breaks or invisible characters", "Type it again")
        return value

    def patient(self) -> str:
        if is_shortened(self.get("patient")):
            text = "a spreadsheet has shortened it to a power of ten, in which different patients look the same"
            self.wrong("patient", text, "Make the column text, enter the ids again, and save it as CSV")
        return self.get("patient")

    def pathology(self) -> str:
        value = self.short("pathology", 80)
        if not value[:1].isalnum() or set(value) & set('<>"'):  # a formula in spreadsheets, or markup
            self.wrong("pathology", "it is no plain name", 'Begin it with a letter or digit, and leave out < > and "')
        return value

    def no_pathology(self, needing: str) -> None:
        if "pathology" in self.values:
            self.wrong("pathology", f"it is empty, and {needing} is not", "Name the pathology")
        elif not any((problem.row, problem.column) == (1, "pathology") for problem in self.problems.found):
            text = f"the column is missing, and {needing} needs it"
            self.problems.add(1, "pathology", "", text, "Add a column pathology that names it in each row")

    def label(self) -> bool | None:
        value = self.get("label").lower()
        if value in UNCERTAIN:
            return None
        if value not in ABSENT | PRESENT:
            self.wrong("label", "it is not 0 or 1", "Write 1 (present), 0 (absent), or leave it empty when uncertain")
        return value in PRESENT

    def number_in(self, column: str, low: float, high: float, remedy: str) -> float | None:
        value = self.get(column)
        if not value:
            return None
        found = number(value)
        if found is None or not low <= found <= high:
            text = "it is not a number" if found is None else f"it is not between {low:g} and {high:g}"
            self.wrong(column, text, remedy)
            return None
        return found

    def age(self) -> int | None:
        age = self.fact("age", facts.age_years, "Write whole years, or leave it empty")
        return None if age is None else min(age, OLDEST)

    def sex(self) -> str:
        return self.fact("sex", facts.sex, "Write F, M, O, or leave it empty") or ""

    def view(self) -> str:
        return self.fact("view", facts.view, f"Write one of {', '.join(sorted(facts.VIEWS))}") or ""

    def fact(self, column: str, read: Callable[[str], T], remedy: str) -> T | None:
        """A value by the parser that DICOM headers go through too."""
        try:
            return read(self.get(column))
        except ValueError as error:
            self.wrong(column, str(error), remedy)
            return None

    def practice(self) -> bool | None:
        if self.get("practice").lower() not in YES_NO:
            self.wrong("practice", "it is not 0 or 1", "Write 1 for a practice case, 0 otherwise")
        return YES_NO.get(self.get("practice").lower())

    def case(self, image: str) -> CaseRecord:
        return CaseRecord(
            row=self.number,
            image=image,
            patient=self.patient(),
            dataset=self.short("dataset", 80),
            view=self.view(),
            sex=self.sex(),
            age=self.age(),
            practice=self.practice(),
        )

    def finding(self) -> FindingRecord | None:
        files = {name: value for name, value in self.values.items() if ":" in name and value}
        needing = [name for name in ("label", "mask", "confounder", "prediction") if self.get(name)] + list(files)
        if not self.get("pathology"):
            if needing and (needing != ["label"] or self.label() is not None):
                self.no_pathology(needing[0])
            return None
        finding = FindingRecord(
            row=self.number,
            pathology=self.pathology(),
            label=self.label(),
            mask=self.get("mask").replace("\\", "/"),
            confounder=self.get("confounder").replace("\\", "/"),
            prediction=self.number_in("prediction", 0, 1, "Write a probability such as 0.83"),
            model=self.short("model", 120) or UNNAMED_MODEL,
            files={name: value.replace("\\", "/") for name, value in files.items()},
        )
        if finding.mask and not finding.label and self.get("label").lower() in UNCERTAIN | ABSENT:
            self.wrong("mask", "a mask needs the label 1", "Set the label to 1, or remove the mask")
        if finding.confounder and finding.label is None:
            self.wrong("confounder", "a confounder needs a label", "Set the label to 1 or 0, or remove the confounder")
        if files and not self.get("prediction"):
            name = next(iter(files))
            self.wrong(name, "an explanation needs the prediction it explains", "Fill the column prediction")
        return finding


def _merge(cases: dict[str, CaseRecord], image: str, row: _Row) -> None:
    """Add a row to its case. Values of the case itself may stand in any of its rows, but must not contradict."""
    stated, finding = row.case(image), row.finding()
    case = cases.setdefault(image, stated)
    for column in ("patient", "dataset", "view", "sex", "age", "practice"):
        old, new = getattr(case, column), getattr(stated, column)
        if old in ("", None):
            setattr(case, column, new)
        elif new not in ("", None) and new != old:
            row.wrong(column, f"it differs from row {case.row}, which has the same image", "Correct one of them")
    if finding is None:
        return
    before = next((other for other in case.findings if other.pathology == finding.pathology), None)
    if before:
        text = f"row {before.row} has the same image and pathology"
        remedy = "Keep one row for each image and pathology"
        if before.mask and finding.mask and before.mask != finding.mask:
            text, remedy = f"row {before.row} has another box or mask of the same image and pathology", ONE_MASK
        row.wrong("pathology", text, remedy)
    else:
        case.findings.append(finding)


def _check_no_names(cases: list[CaseRecord], problems: Problems) -> None:
    """In these columns few values come again and again. Others are names, ids or dates, from a column that has slipped
    by one; they would stand in reports, exports and logs."""
    findings = [(finding.row, finding) for finding in rows_of(cases)]
    columns: dict[str, list[tuple[int, str]]] = {
        "pathology": [(row, finding.pathology) for row, finding in findings],
        "model": [(row, finding.model) for row, finding in findings],
        "dataset": [(case.row, case.dataset) for case in cases if case.dataset],
    }
    for column, values in columns.items():
        different = len({value for _, value in values})
        if different >= _MANY_NAMES and 2 * different > len(values):
            text = f"it has {different} different values in {len(values)} rows: names, ids or dates?"
            problems.add(1, column, "", text, _SLIPPED)
            continue
        for row, value in values:
            if _NAME_OR_ID.fullmatch(value):
                problems.add(row, column, "", "it looks like a name, an id or a date", _SLIPPED)


def _check_spelling(cases: list[CaseRecord], problems: Problems) -> None:
    """“effusion” or “Pleural_Effusion” beside “Effusion” and “Pleural Effusion” would silently be two pathologies."""
    first: dict[str, FindingRecord] = {}
    for finding in rows_of(cases):
        name = re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", finding.pathology)).casefold()
        known = first.setdefault(name, finding)
        if known.pathology != finding.pathology:
            text = f"row {known.row} writes it otherwise"
            problems.add(finding.row, "pathology", finding.pathology, text, "Write it the same way everywhere")
