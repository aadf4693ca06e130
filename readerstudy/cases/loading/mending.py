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

from readerstudy.cases.loading.laid_over import place_of
from readerstudy.cases.loading.load import check_name
from readerstudy.cases.loading.problems import BatchRefused, Problems, refuse
from readerstudy.cases.loading.records import rows_of
from readerstudy.cases.loading.sources import WORKBOOKS, Files, FileSource, open_zip
from readerstudy.cases.loading.staged import MANIFEST, Staged
from readerstudy.cases.loading.staging import choose_who_checks, find, write

_CALL_IT = "Call it as the manifest does, or correct the manifest and send it too"


def mend(token: str, files: list[Any], batch: str) -> Staged:
    """Lay files over those of an upload that has problems, and call the batch `batch`; it is checked by the caller.

    files: a manifest .csv, images and masks, or a ZIP of these. A name without folders stands for the only file of the
    upload that is called so. Raises Gone, and BatchRefused where a file has no place; whatever fails leaves the upload
    as it was.
    """
    staged = find(token)
    check_name(batch)
    if not staged.may_be_mended:
        raise refuse("this upload has no problems to mend, or nothing of it is kept", "Upload the batch again")
    before, names = set(staged.content.iterdir()), dict(staged.names)
    try:
        with staged.files() as known:
            received = [one for number, file in enumerate(files, 1) for one in _received(staged, number, file)]
            staged.names = _with_manifest(known, names, received)
        with staged.files() as known:
            staged.names |= _placed(known, staged.public_name, received)
        staged.batch, staged.created, staged.problems = batch, time.time(), []
        choose_who_checks(staged)
        staged.save()
    except BaseException:
        for path in set(staged.content.iterdir()) - before:
            path.unlink()
        raise
    used = {name.partition("/")[0] for name in staged.names.values()}
    for path in staged.content.iterdir():  # what was replaced
        if path.suffix in (".upload", ".zip") and path.name not in used and path.name != "upload.zip":
            path.unlink()
    return staged


@dataclass(frozen=True)
class _Sent:
    """A file that was sent, alone or in a ZIP. number: of what was sent; lies: where it is kept (LaidOver)."""

    number: int
    name: str
    lies: str


def _received(staged: Staged, number: int, file: Any) -> Iterator[_Sent]:
    """Keeps a file; several where it is a ZIP."""
    name = Path(str(file.name)).name
    if name.lower().endswith(WORKBOOKS):
        raise refuse("a file is a workbook, not a CSV", "Open it and save it as “CSV UTF-8”")
    mark = secrets.token_hex(8)
    path = staged.content / f"{mark}.upload"
    write(path, file)
    if not zipfile.is_zipfile(path):
        yield _Sent(number, name, path.name)
        return
    path = path.rename(staged.content / f"{mark}.zip")
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


def _placed(known: Files, public_name: str, received: list[_Sent]) -> dict[str, str]:
    """Name in the upload -> where what was sent for it lies."""
    if not received:
        return {}
    source = FileSource(known, public_name)
    places = set(_inside(known.names(), source.base)) | _named(source)
    by_last = defaultdict(list)
    for known_place in places:
        by_last[PurePosixPath(known_place).name].append(known_place)
    found = {}
    for sent in received:
        place = place_of(sent.name, places, by_last)
        if place is None:
            why = "stands for several files of the upload, which differ by their folders only"
            raise refuse(f"file {sent.number} of those sent {why}", "Send a ZIP with the folders")
        if not place and "/" not in sent.lies:  # a ZIP may hold more than is needed
            raise refuse(f"file {sent.number} of those sent has a name that the upload does not know", _CALL_IT)
        if place:
            found[str(PurePosixPath(normalize("NFC", source.base), place))] = sent.lies
    if not found:
        raise refuse("no file of the ZIP has a name that the upload knows", _CALL_IT)
    return found


def _named(source: FileSource) -> set[str]:
    """The files that the manifest names; none where it cannot be read."""
    try:
        cases = source.cases(Problems())
    except BatchRefused:
        return set()
    found = {case.image for case in cases}
    for finding in rows_of(cases):
        found |= {finding.mask, finding.confounder, *finding.files.values()} - {""}
    return {normalize("NFC", str(PurePosixPath(name))) for name in found}


def _inside(names: Iterable[str], base: str) -> Iterator[str]:
    """The names below the manifest's folder, as the manifest would write them."""
    above = "" if base == "." else f"{base}/"
    for name in names:
        if name.startswith(above):
            yield normalize("NFC", name.removeprefix(above))
