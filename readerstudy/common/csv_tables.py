"""Tables that people send: one decoder for every CSV the product reads (manifests, reads). Bytes in, rows out.

What spreadsheet programs write is read as it was meant: UTF-8 or UTF-16, comma, semicolon or tab, a `sep=` line,
decimal commas, blank rows, empty cells at the right. What is no CSV at all is named for what it is.
"""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections.abc import Iterator

from explain.images.facts import SAYS_NOTHING

MAX_BYTES = 64 * 2**20
MAX_ROWS = 1_000_000
SAVE_AS = "Save it again as “CSV UTF-8”"
SEPARATORS = ",;\t"
# What people and programs write into a cell that has no value.
NOTHING = frozenset(SAYS_NOTHING | {".", "–", "—", "n.a.", "n.a", "<na>"})
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # OLE compound file: .xls
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d{1,3})?", re.IGNORECASE | re.ASCII)
_SHORTENED = re.compile(r"[+-]?\d([.,]\d+)?E[+-]\d+|[+-]?\d[.,]\d+E\d+", re.IGNORECASE | re.ASCII)


class TableError(ValueError):
    """A file that cannot be read as a table. text: what is wrong, remedy: what to do; sentences without a full stop."""

    def __init__(self, text: str, remedy: str) -> None:
        self.text, self.remedy = text, remedy
        super().__init__(f"{text}. {remedy}.")


def read_rows(content: bytes, noun: str) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells) of each row that is not blank; the first is the header. Cells are as written.

    Rows count as in a spreadsheet, which shows no `sep=` line. noun: what to call the file, "the manifest".
    Raises TableError, also between rows.
    """
    text = decoded(content, noun)
    hint = re.match(r'[ \t]*"?sep=(.)"?[,;\t ]*(\r\n|\r|\n|$)', text, re.IGNORECASE)
    separator = hint[1] if hint else _separator(text)
    text = text[hint.end() :] if hint else text
    number = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), 1):
            if number > MAX_ROWS:
                raise TableError(f"{noun} has more than {MAX_ROWS} rows", "Split it into several")
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error:
        raise TableError(
            f"{noun} cannot be split into cells after row {number}",
            "Look for a quotation mark that is opened and not closed",
        ) from None


def without_empty_end(cells: list[str], at_least: int = 0) -> list[str]:
    """Spreadsheets write empty cells to the right of a table that was once wider."""
    while len(cells) > at_least and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def is_nothing(cell: str) -> bool:
    """Whether the cell is blank, or a word for a value that is not there, such as N/A."""
    return cell.strip().lower() in NOTHING


def number(text: str) -> float | None:
    """A finite number with a decimal point or comma: "0.83", "0,83", "1e-3". None for everything else."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    value = float(text.strip().replace(",", "."))
    return value if math.isfinite(value) else None


def whole_number(text: str) -> int | None:
    """4, " 4", "4.0" and "4,0" are 4; anything else, and more than nine digits, is None."""
    found = re.fullmatch(r"\s*([+-]?\d{1,9})([.,]0+)?\s*", text, re.ASCII)
    return int(found[1]) if found else None


def is_shortened(text: str) -> bool:
    """Whether a spreadsheet has turned a long number into 1.20E+12: different ones then look the same."""
    return bool(_SHORTENED.fullmatch(text.strip()))


def decoded(content: bytes, noun: str) -> str:
    """The text of a table's file. Raises TableError."""
    if len(content) > MAX_BYTES:
        raise TableError(f"{noun} is over {MAX_BYTES // 2**20} MiB", "Split it into several")
    if not content.strip(b" \t\r\n\0"):
        raise TableError(f"{noun} is empty", "Save it again")
    if other := what_else(content):
        raise TableError(f"{noun} is {other}, not a CSV", "Open it and save it as “CSV UTF-8”")
    encoding, called = _encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TableError(f"{noun} is not encoded as {called} (line {line})", SAVE_AS) from None
    text = text.lstrip("\ufeff")
    if "\0" in text:
        raise TableError(f"{noun} is not a text file", SAVE_AS)
    if not text.strip():
        raise TableError(f"{noun} is empty", "Save it again")
    return text


def what_else(content: bytes) -> str:
    """What a file is that people give in place of a CSV: "an Excel workbook"; "" when it looks like text."""
    if content.startswith(_OLD_OFFICE):
        return "an Excel workbook"
    if content.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return workbook(archive) or "a ZIP"
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            return "a ZIP"
    start = content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<table", b"<?xml")):
        return "a web page or XML"
    return "a PDF" if start.startswith(b"%pdf-") else ""


def workbook(archive: zipfile.ZipFile) -> str:
    """Whose workbook a ZIP really is: "an Excel workbook", ...; "" for any other ZIP."""
    names = set(archive.namelist())
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return "an Excel workbook"
    if "mimetype" in names and "content.xml" in names:
        return "an OpenDocument workbook"
    return "a Numbers workbook" if "Index/Document.iwa" in names else ""


def _encoding(content: bytes) -> tuple[str, str]:
    """Codec and name. Two bytes a character without a mark show by their zeros."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", "UTF-16"
    start = content[:400]
    if len(start) > 3 and start[1::2].count(0) > 0.8 * len(start[1::2]) and 0 not in start[::2]:
        return "utf-16-le", "UTF-16"
    if len(start) > 3 and start[::2].count(0) > 0.8 * len(start[::2]) and 0 not in start[1::2]:
        return "utf-16-be", "UTF-16"
    return "utf-8-sig", "UTF-8"


def _separator(text: str) -> str:
    """The one that ends the first name of the header: the names after it may have others inside."""
    for line in re.split(r"[\r\n]+", text):
        if line.strip(SEPARATORS + ' "'):
            found = re.match(r"""\s*("[^"]*"|[^",;\t]*)[ ]*([,;\t])""", line)
            return found[2] if found else ","
    return ","
