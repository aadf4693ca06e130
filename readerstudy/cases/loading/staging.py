"""Uploads between their dry run and their confirmation: a folder each under MEDIA_ROOT/staging, gone after a day.

What an administrator uploads may identify patients, so it is kept only until it is loaded, discarded or expired
(expiry), and the report shown of it holds no names. An upload with problems is kept as long, so that only what is
wrong need be sent again (mending). An expired one is as good as gone at once: every use asks (`live`); `clean_up`
removes its files on a timer.

A small upload is checked and loaded while the browser waits; its folder then has a marker, `ready` to be loaded, or
`loading`, touched as the load goes on, so that one whose process was killed can be loaded again. A larger one is
checked and loaded by a worker (cases/jobs.py), and the lease of the job says who has it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction

from readerstudy.accounts.models import User
from readerstudy.cases.loading.checking import Checked, Progress, warn_of_what_is_here
from readerstudy.cases.loading.expiry import expired, live
from readerstudy.cases.loading.load import Loaded, check_name, load_checked, same_batch
from readerstudy.cases.loading.problems import BatchRefused, refuse
from readerstudy.cases.loading.sources import WORKBOOKS
from readerstudy.cases.loading.staged import LINKS, MANIFEST, TOKEN, Gone, Staged, folder_of
from readerstudy.cases.loading.upload_check import CHECKED, Say, check_apart, checked_file, read_checked
from readerstudy.cases.models import Batch, UploadVersion
from readerstudy.common.storage import staging_root

GONE = ".gone"
# A load touches its marker with every case; one this old belongs to a process that is gone.
DEAD_AFTER_SECONDS = 900


class Upload(Protocol):
    """What Django's uploaded files offer here."""

    name: str | None

    def chunks(self) -> Iterable[bytes]: ...


def receive(
    file: Upload, images: list[Any], *, batch: str, keep_source_ids: bool = False, simulated: bool = False
) -> Staged:
    """Keep an uploaded ZIP, or CSV with its images. Raises BatchRefused for what is no batch at all; whatever fails
    leaves no file."""
    remove_expired()
    check_name(batch)
    staged = Staged(
        secrets.token_hex(16), batch, file.name or "upload", keep_source_ids, simulated, created=time.time()
    )
    staged.content.mkdir(parents=True)
    try:
        _keep(staged, file, images)
        choose_who_checks(staged)
        staged.save()
    except BaseException:
        remove(staged.token)
        raise
    return staged


def check(staged: Staged, say: Say = lambda done, total: None, seconds: float | None = None) -> None:
    """Check what was sent; what an earlier check has decoded is not decoded again. A check that begins takes the
    upload: one that began before can save nothing any more. Raises TooSlow, Gone, Overtaken, and what `say` raises."""
    if staged.loaded:
        raise Gone
    staged.created = time.time()
    staged.save()
    (staged.folder / "ready").unlink(missing_ok=True)
    before, mine = checked_file(staged), replace(staged, check=staged.version)
    try:
        with staged.unless_overtaken():
            _check(staged, mine, say, seconds)
    except BaseException:
        checked_file(mine).unlink(missing_ok=True)
        raise
    before.unlink(missing_ok=True)


def _check(staged: Staged, mine: Staged, say: Say, seconds: float | None) -> None:
    """mine: the upload with the number of this check."""
    report: dict[str, Any] = {}
    cases: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    known, count = False, 0
    try:
        checked, cases = check_apart(mine, say, seconds)
        count = len(checked.cases)
        known = same_batch(staged.batch, checked) is not None
        warn_of_what_is_here(checked, staged.batch)
        report = checked.report.summary()
    except BatchRefused as error:
        problems, cases = [asdict(problem) for problem in error.problems], []
    say(count, count)  # whoever has lost the upload meanwhile writes nothing
    staged.report, staged.cases, staged.problems, staged.known = report, cases, problems, known
    staged.check = mine.check
    ready, part = staged.folder / "ready", staged.folder / "ready.part"
    part.touch()  # before the save: where the disk is full, nothing has changed
    try:
        with transaction.atomic():
            staged.save()
            if not problems and not staged.by_worker and not (staged.folder / "loading").exists():
                part.replace(ready)
    finally:
        part.unlink(missing_ok=True)


def renew(staged: Staged) -> None:
    """It does not expire for another day: a worker begins with it."""
    staged.created = time.time()
    staged.save()


def being_loaded(token: str) -> bool:
    """Whether a web process loads the upload now."""
    try:
        return (folder_of(token) / "loading").stat().st_mtime >= time.time() - DEAD_AFTER_SECONDS
    except FileNotFoundError:
        return False


def find(token: str) -> Staged:
    """Raises Gone."""
    return Staged.read(live(token))


def confirm(token: str, user: User) -> Loaded:
    """Load a staged upload at once. Raises Gone, or BatchRefused when it cannot be loaded."""
    staged = find(token)
    marker = _claim(staged.folder)
    try:
        loaded = load(staged, user, progress=lambda doing, done, total: os.utime(marker))
    except BaseException as error:
        with suppress(FileNotFoundError):
            if staged.problems:
                marker.unlink()
            else:
                marker.rename(staged.folder / "ready")
        if isinstance(error, FileNotFoundError) and not staged.folder.is_dir():
            raise Gone from None
        raise
    if staged.has_links:
        marker.unlink(missing_ok=True)
    else:
        remove(token)
    return loaded


def load(
    staged: Staged,
    user: User | None,
    progress: Progress = lambda doing, done, total: None,
    writing: Callable[[], AbstractContextManager[None]] = transaction.atomic,
) -> Loaded:
    """Load a checked upload; done again after its process was killed, it loads nothing twice and loses no linking
    table. What identifies is removed. Raises BatchRefused; the upload then has these problems, to be mended."""
    checked = read_checked(staged)
    if checked is None:  # of an older version
        check(staged)
        if staged.problems:
            raise BatchRefused.from_rows(staged.problems)
        checked = read_checked(staged)
        assert checked
    loaded = _loaded_before(staged, checked) if staged.has_links else None
    try:
        if loaded is None:
            with staged.source() as source:
                loaded = load_checked(
                    source,
                    checked,
                    staged.kept,
                    staged.batch,
                    keep_source_ids=staged.keep_source_ids,
                    simulated=staged.simulated,
                    linking_table=None if staged.keep_source_ids else staged.links,
                    user=user,
                    progress=progress,
                    writing=writing,
                )
    except BatchRefused as error:  # the batch's name may have been taken since the check
        with writing():
            staged.report, staged.cases, staged.problems = {}, [], [asdict(problem) for problem in error.problems]
            staged.save()
        raise
    staged.loaded, staged.cases, staged.names, staged.created = True, [], {}, time.time()
    staged.save()
    _remove_content(staged)
    return loaded


def _loaded_before(staged: Staged, checked: Checked) -> Loaded | None:
    """What a load has stored whose process was killed before it could say so: its linking table is here. A table of
    cases that are not stored is removed."""
    case = staged.links.read_text(encoding="utf-8").rstrip().rpartition(",")[2]
    batch = Batch.objects.filter(name=staged.batch, cases__public_id=case).first()
    if batch is None:
        staged.links.unlink()
        return None
    return Loaded(batch, True, checked.report)


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
        content = (live(token) / LINKS).read_bytes()
    except OSError:
        raise Gone from None
    remove(token)
    return content


def thumbnail(token: str, row: int) -> bytes:
    """Raises Gone."""
    staged = find(token)
    name = next((case.get("thumb", row) for case in staged.cases if case["row"] == row), "")
    try:
        return (staged.folder / "thumbs" / f"{name}.png").read_bytes()
    except OSError:
        raise Gone from None


def remove(token: str) -> None:
    """At once for every use: who still writes into the folder finds it gone."""
    folder = folder_of(token)
    gone = folder.with_suffix(GONE)
    with suppress(OSError):
        folder.rename(gone)
    UploadVersion.objects.filter(token=token).delete()
    shutil.rmtree(gone, ignore_errors=True)


def remove_expired() -> int:
    """Remove the files of uploads that are over a day old; returns how many uploads."""
    for half in staging_root().glob(f"*{GONE}"):
        shutil.rmtree(half, ignore_errors=True)
    folders = [folder for folder in staging_root().glob("*/") if TOKEN.fullmatch(folder.name) and expired(folder)]
    for folder in folders:
        remove(folder.name)
    return len(folders)


def _keep(staged: Staged, file: Upload, images: list[Any]) -> None:
    content = staged.content
    received = content / "upload.zip"
    write(received, file)
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
        write(content / staged.names[name], image)


def write(target: Path, file: Upload) -> None:
    with target.open("wb") as out:
        for chunk in file.chunks():
            out.write(chunk)


def choose_who_checks(staged: Staged) -> None:
    """A worker, or the web server while the browser waits."""
    size = sum(path.stat().st_size for path in staged.content.iterdir())
    staged.by_worker = size > settings.UPLOAD_AT_ONCE_MIB * 2**20


def _remove_content(staged: Staged) -> None:
    for name in ("content", "kept", "thumbs"):
        shutil.rmtree(staged.folder / name, ignore_errors=True)
    for path in (staged.folder / "ready", *staged.folder.glob(f"*{CHECKED}*")):
        path.unlink(missing_ok=True)
