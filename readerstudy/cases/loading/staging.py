"""Uploads between their dry run and their confirmation: a folder each under MEDIA_ROOT/staging, gone after a day.

What an administrator uploads may identify patients, so it is kept only until it is loaded, discarded or expired, and
the report shown of it holds no names. A refused upload is removed at once, but for its report. An expired one is as
good as gone at once: every use asks (`_live`); `clean_up` removes its files on a timer.

A folder holds content/ (files under our own names), thumbs/, state.json, and a marker: `ready` to be loaded, or
`loading`, touched as the load goes on, so that one whose process was killed can be loaded again.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from readerstudy.accounts.models import User
from readerstudy.cases.loading.checking import warn_of_what_is_here
from readerstudy.cases.loading.load import Loaded, check_name, load_batch, same_batch
from readerstudy.cases.loading.problems import BatchRefused, refuse
from readerstudy.cases.loading.sources import WORKBOOKS
from readerstudy.cases.loading.staged import MANIFEST, TOKEN, Gone, Staged, folder_of
from readerstudy.cases.loading.upload_check import check_apart
from readerstudy.common.storage import staging_root

LIFETIME_SECONDS = 24 * 3600
# A load touches its marker with every case; one this old belongs to a process that is gone.
DEAD_AFTER_SECONDS = 900


class Upload(Protocol):
    """What Django's uploaded files offer here."""

    name: str | None

    def chunks(self) -> Iterable[bytes]: ...


@dataclass(frozen=True)
class Waiting:
    """An upload as the page of batches lists it. since: seconds since 1970."""

    token: str
    batch: str
    since: float
    state: str

    @property
    def received(self) -> datetime:
        return datetime.fromtimestamp(self.since, UTC)


def stage(
    file: Upload, images: list[Any], *, batch: str, keep_source_ids: bool = False, simulated: bool = False
) -> Staged:
    """Keep an uploaded ZIP, or CSV with its images, and check it. Raises BatchRefused for what is no batch at all;
    problems of rows are in the result. Whatever fails leaves no file."""
    remove_expired()
    check_name(batch)
    staged = Staged(
        secrets.token_hex(16), batch, file.name or "upload", keep_source_ids, simulated, created=time.time()
    )
    (staged.folder / "content").mkdir(parents=True)
    try:
        _keep(staged, file, images)
        _check(staged)
        staged.save()
        if not staged.problems:
            (staged.folder / "ready").touch()
    except BaseException:
        remove(staged.token)
        raise
    return staged


def find(token: str) -> Staged:
    """Raises Gone."""
    return Staged.read(_live(token))


def listed() -> list[Waiting]:
    """Every upload on the disk, newest first, those included whose check never ended."""
    found = []
    for folder in staging_root().glob("*/"):
        if not TOKEN.fullmatch(folder.name) or _expired(folder):
            continue
        try:
            staged = Staged.read(folder)
            found.append(Waiting(folder.name, staged.batch, _since(folder), _state(folder, staged)))
        except Gone:
            found.append(Waiting(folder.name, "", _since(folder), "being checked, or its check was interrupted"))
    return sorted(found, key=lambda waiting: waiting.since, reverse=True)


def confirm(token: str, user: User) -> Loaded:
    """Load a staged upload. Raises Gone, or BatchRefused when it cannot be loaded now; then it may be tried again."""
    staged = find(token)
    marker = _claim(staged.folder)
    table = None if staged.keep_source_ids else staged.folder / "linking.csv"
    try:
        with staged.source() as source:
            loaded = load_batch(
                source,
                staged.batch,
                keep_source_ids=staged.keep_source_ids,
                simulated=staged.simulated,
                linking_table=table,
                user=user,
                progress=lambda doing, done, total: os.utime(marker),
            )
    except BaseException:
        marker.rename(staged.folder / "ready")
        raise
    staged.loaded, staged.cases = True, []
    staged.save()
    _remove_content(staged)
    if table is None or not loaded.created:
        remove(token)
    return loaded


def _claim(folder: Path) -> Path:
    """Take the upload for loading: two clicks load once. Returns the marker. Raises BatchRefused."""
    ready, loading = folder / "ready", folder / "loading"
    try:
        touched = loading.stat()
        if touched.st_mtime < time.time() - DEAD_AFTER_SECONDS:
            # The process that loaded it is gone; what it wrote is removed by the next load. One click takes it over.
            (folder / f"taken-over-{touched.st_mtime_ns}").touch(exist_ok=False)
            loading.rename(ready)
    except (FileNotFoundError, FileExistsError):
        pass
    try:
        ready.rename(loading)
    except FileNotFoundError:
        raise refuse("this upload is being loaded or was refused", "Look at the list of batches") from None
    os.utime(loading)
    return loading


def take_linking_table(token: str) -> bytes:
    """The linking table, once. Raises Gone."""
    try:
        content = (_live(token) / "linking.csv").read_bytes()
    except OSError:
        raise Gone from None
    remove(token)
    return content


def thumbnail(token: str, number: int) -> bytes:
    """Raises Gone."""
    try:
        return (_live(token) / "thumbs" / f"{number}.png").read_bytes()
    except OSError:
        raise Gone from None


def remove(token: str) -> None:
    shutil.rmtree(folder_of(token), ignore_errors=True)


def remove_expired() -> int:
    """Remove the files of uploads that are over a day old; returns how many uploads."""
    folders = [folder for folder in staging_root().glob("*/") if TOKEN.fullmatch(folder.name) and _expired(folder)]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return len(folders)


def _live(token: str) -> Path:
    """The folder of an upload that may still be used. Raises Gone."""
    folder = folder_of(token)
    if not folder.is_dir() or _expired(folder):
        raise Gone
    return folder


def _since(folder: Path) -> float:
    try:
        return Staged.read(folder).created or folder.stat().st_mtime
    except Gone:
        return folder.stat().st_mtime


def _expired(folder: Path) -> bool:
    try:
        return _since(folder) < time.time() - LIFETIME_SECONDS
    except FileNotFoundError:
        return True


def _state(folder: Path, staged: Staged) -> str:
    if staged.loaded:
        return "loaded; its linking table was not taken"
    if staged.problems:
        return "refused"
    return "being loaded" if (folder / "loading").exists() else "waits to be loaded"


def _keep(staged: Staged, file: Upload, images: list[Any]) -> None:
    content = staged.folder / "content"
    received = content / "upload.zip"
    _write(received, file)
    if not zipfile.is_zipfile(received):
        if not staged.public_name.lower().endswith(".csv"):
            if staged.public_name.lower().endswith(WORKBOOKS):
                raise refuse("the upload is a workbook, not a CSV", "Open it and save it as “CSV UTF-8”")
            raise refuse("the upload is neither a ZIP nor a CSV", "Choose a .zip, or a manifest .csv and its images")
        received.rename(content / MANIFEST)
    elif images:
        raise refuse("images were chosen beside a ZIP", "Put them into the ZIP, or choose a manifest .csv instead")
    for number, image in enumerate(images):
        name = unicodedata.normalize("NFC", Path(str(image.name)).name)
        if name in staged.names or name == MANIFEST:
            raise refuse("two images have the same name", "Rename one, or upload a ZIP with folders")
        staged.names[name] = f"{number}.upload"  # a name from outside could be one that Python imports
        _write(content / staged.names[name], image)


def _write(target: Path, file: Upload) -> None:
    with target.open("wb") as out:
        for chunk in file.chunks():
            out.write(chunk)


def _check(staged: Staged) -> None:
    try:
        checked, staged.cases = check_apart(staged)
        staged.known = same_batch(staged.batch, checked) is not None
    except BatchRefused as error:
        staged.problems = [asdict(problem) for problem in error.problems]
        staged.cases = []
        _remove_content(staged)
        return
    warn_of_what_is_here(checked, staged.batch)
    staged.report = checked.report.summary()


def _remove_content(staged: Staged) -> None:
    for name in ("content", "thumbs"):
        shutil.rmtree(staged.folder / name, ignore_errors=True)
    (staged.folder / "ready").unlink(missing_ok=True)
