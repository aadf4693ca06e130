"""Mending an upload that has problems: a corrected manifest, or images, are laid over what was sent before."""

from __future__ import annotations

import secrets
import time
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from explain.images.checks import ImageError
from readerstudy.cases.loading.laid_over import place_of
from readerstudy.cases.loading.load import check_name
from readerstudy.cases.loading.problems import BatchRefused, Problems, refuse
from readerstudy.cases.loading.records import rows_of
from readerstudy.cases.loading.sources import WORKBOOKS, Files, FileSource, open_zip
from readerstudy.cases.loading.staged import MANIFEST, Staged
from readerstudy.cases.loading.staging import choose_who_checks, find, write

MAX_MANIFEST = 4 * 2**20  # bytes: the web process reads it while the browser waits
_CALL_IT = "Call it as the manifest does, or correct the manifest and send it too"


def mend(token: str, files: list[Any], batch: str) -> Staged:
    """Lay files over those of an upload that has problems, and call the batch `batch`; it is checked by the caller.

    files: a manifest .csv, images and masks, or a ZIP of these. A name without folders stands for the only file of the
    upload that is called so, if that has a problem or is missing. Raises Gone, and BatchRefused where a file has no
    place; whatever fails leaves the upload as it was. Raises Overtaken where another mends or checks it meanwhile.
    """
    staged = find(token)
    check_name(batch)
    if not staged.may_be_mended:
        raise refuse("this upload has no problems to mend, or nothing of it is kept", "Upload the batch again")
    names, mark = dict(staged.names), secrets.token_hex(8)
    try:
        with staged.unless_overtaken():
            _lay_over(staged, files, batch, mark)
    except BaseException:
        for path in staged.content.glob(f"{mark}*"):
            path.unlink(missing_ok=True)
        raise
    # What was replaced, and what was sent and is not needed: no more, since another may be sending files just now.
    ours = {path.name for path in staged.content.glob(f"{mark}*")}
    for name in (_lying(names) | ours) - _lying(staged.names):
        (staged.content / name).unlink(missing_ok=True)
    return staged


def _lay_over(staged: Staged, files: list[Any], batch: str, mark: str) -> None:
    """mark: how the names begin of what is received."""
    names = dict(staged.names)
    with staged.files() as known:
        received = [one for number, file in enumerate(files, 1) for one in _received(staged, number, file, mark)]
        staged.names = _with_manifest(known, names, received)
        wrong = _wrong(known, staged) if received else set()
    with staged.files() as known:
        staged.names |= _placed(known, staged.public_name, received, wrong)
    staged.batch, staged.created, staged.problems = batch, time.time(), []
    choose_who_checks(staged)
    staged.save()


def _lying(names: dict[str, str]) -> set[str]:
    """The files in which these names lie (LaidOver)."""
    return {name.partition("/")[0] for name in names.values()}


@dataclass(frozen=True)
class _Sent:
    """A file that was sent, alone or in a ZIP. number: of what was sent; lies: where it is kept (LaidOver)."""

    number: int
    name: str
    lies: str


def _received(staged: Staged, number: int, file: Any, mark: str) -> Iterator[_Sent]:
    """Keeps a file; several where it is a ZIP."""
    name = Path(str(file.name)).name
    if name.lower().endswith(WORKBOOKS):
        raise refuse("a file is a workbook, not a CSV", "Open it and save it as “CSV UTF-8”")
    path = staged.content / f"{mark}-{number}.upload"
    write(path, file)
    if not zipfile.is_zipfile(path):
        yield _Sent(number, name, path.name)
        return
    path = path.rename(path.with_suffix(".zip"))
    with open_zip(path) as archive:
        for entry in archive.names():
            yield _Sent(number, entry, f"{path.name}/{entry}")


def _with_manifest(known: Files, names: dict[str, str], received: list[_Sent]) -> dict[str, str]:
    """The names with the manifest that was sent, which leaves `received`."""
    tables = [one for one in received if one.name.lower().endswith(".csv")]
    if not tables:
        return names
    if len(tables) > 1:
        raise refuse(f"{len(tables)} CSV files were sent", "Send one, the corrected manifest")
    received.remove(tables[0])
    return names | {_manifest_of(known): tables[0].lies}


def _manifest_of(known: Files) -> str:
    """What the manifest is called in the upload; where there is none, or several, it is manifest.csv at the top."""
    try:
        return FileSource(known, "").manifest or MANIFEST
    except BatchRefused:
        return MANIFEST


def _placed(known: Files, public_name: str, received: list[_Sent], wrong: set[str]) -> dict[str, str]:
    """Name in the upload -> where what was sent for it lies. wrong: the files that have problems; any other that is
    here is replaced by its whole name only."""
    if not received:
        return {}
    source = FileSource(known, public_name)
    here = set(_inside(known.names(), source.base))
    places = here | {name for _, _, name in _named(source)}
    by_last = defaultdict(list)
    for known_place in places:
        by_last[PurePosixPath(known_place).name].append(known_place)
    stand_for: dict[str, list[_Sent]] = defaultdict(list)
    for sent in received:
        place = place_of(sent.name, places, by_last)
        if place is None:
            why = "stands for several files of the upload, which differ by their folders only"
            raise refuse(f"file {sent.number} of those sent {why}", "Send a ZIP with the folders")
        good = place in here - wrong and not _is_whole(sent, place, source.base)
        if (good or not place) and "/" in sent.lies:  # a ZIP may hold more than is needed
            continue
        if good:
            why = "is called like a file of the upload without problems, but for its folders"
            raise refuse(f"file {sent.number} of those sent {why}", "To replace that one, send a ZIP with the folders")
        if not place:
            raise refuse(f"file {sent.number} of those sent has a name that the upload does not know", _CALL_IT)
        stand_for[place].append(sent)
    if not stand_for:
        raise refuse("no file of the ZIP has the name of a file that is missing or has problems", _CALL_IT)
    base = normalize("NFC", source.base)
    return {str(PurePosixPath(base, place)): _one(sent, place, base).lies for place, sent in stand_for.items()}


def _is_whole(sent: _Sent, place: str, base: str) -> bool:
    """Whether the file was sent under the whole name: as the manifest writes it, or with the manifest's folder."""
    return normalize("NFC", sent.name) in (place, normalize("NFC", str(PurePosixPath(base, place))))


def _one(several: list[_Sent], place: str, base: str) -> _Sent:
    """What was sent for a file: the one of its whole name, or else the only one. Raises BatchRefused."""
    left = [sent for sent in several if _is_whole(sent, place, base)] or several
    if len(left) == 1:
        return left[0]
    numbers = sorted({sent.number for sent in left})
    if len(numbers) == 1:
        text = f"several files in the ZIP that is file {numbers[0]} of those sent"
    else:
        text = f"files {', '.join(map(str, numbers[:-1]))} and {numbers[-1]} of those sent"
    raise refuse(f"{text} stand for the same file of the upload", "Send only the right one, under its whole name")


def _wrong(known: Files, staged: Staged) -> set[str]:
    """The files that have problems, as the manifest before the correction calls them."""
    places = {(problem["row"], problem["column"]) for problem in staged.problems}
    try:
        source = FileSource(known, staged.public_name)
    except BatchRefused:
        return set()
    return {name for row, column, name in _named(source) if (row, column) in places}


def _named(source: FileSource) -> list[tuple[int, str, str]]:
    """Row, column and name of the files that the manifest names; none where it cannot be read. Raises BatchRefused for
    one that is too large to be read here."""
    _refuse_large(source)
    try:
        cases = source.cases(Problems())
    except BatchRefused:
        return []
    found = [(case.row, "image", case.image) for case in cases]
    for finding in rows_of(cases):
        files = {"mask": finding.mask, "confounder": finding.confounder, **finding.files}
        found += [(finding.row, column, name) for column, name in files.items() if name]
    return [(row, column, normalize("NFC", str(PurePosixPath(name)))) for row, column, name in found]


def _refuse_large(source: FileSource) -> None:
    if not source.manifest:
        return
    try:
        with source.files.open(source.manifest) as file:
            large = len(file.read(MAX_MANIFEST + 1)) > MAX_MANIFEST
    except ImageError:  # it cannot be opened; the check says why
        return
    if large:
        text = f"the manifest is larger than {MAX_MANIFEST // 2**20} MiB, so that no single files can be sent beside it"
        raise refuse(text, "Upload a ZIP of everything anew, or use the command load_cases")


def _inside(names: Iterable[str], base: str) -> Iterator[str]:
    """The names below the manifest's folder, as the manifest would write them."""
    above = "" if base == "." else f"{base}/"
    for name in names:
        if name.startswith(above):
            yield normalize("NFC", name.removeprefix(above))
