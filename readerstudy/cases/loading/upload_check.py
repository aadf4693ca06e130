"""The check of an upload, in a process of its own with a limit on memory, and on time for each image.

What a file declares about its size is not believed, and a decoder that is led astray must not take the web server or a
worker with it. The process reads the upload as JSON on its standard input, says on its standard output how far it is,
and keeps in the upload's folder what it found (3.checked.json, by the check's number) and what the images decode to.
"""

from __future__ import annotations

import errno
import json
import math
import os
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from django.conf import settings
from PIL import Image

from explain.images.radiograph import Radiograph
from explain.render.pictures import grey8
from readerstudy.cases.loading.checking import Checked, check_source
from readerstudy.cases.loading.keeping import Picture
from readerstudy.cases.loading.problems import BatchRefused, Problem, refuse
from readerstudy.cases.loading.records import CaseRecord
from readerstudy.cases.loading.sources import FileSource
from readerstudy.cases.loading.staged import Staged
from readerstudy.common.full_disk import is_full
from readerstudy.jobs.work import end_with

SHOWN_CASES = 100
THUMBNAIL = 96
RESULT, CHECKED = "check.json", "checked.json"
NO_MEMORY, NO_SPACE = 3, 4  # exit statuses
# One thread: threads' own memory would count against the limit, and images are checked one after the other.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
Say = Callable[[int, int], None]  # done, of how many


class TooSlow(Exception):
    """The check took longer than its caller waits. What it has decoded is kept."""


def check_apart(
    staged: Staged, say: Say = lambda done, total: None, seconds: float | None = None
) -> tuple[Checked, list[dict[str, Any]]]:
    """The dry run, and what the page shows of the first cases; kept/ and thumbs/ are filled. seconds: in all, None for
    no limit; what `say` raises ends the check too. Raises BatchRefused, and TooSlow."""
    command = [sys.executable, "-m", "readerstudy", "check_upload"]
    same = {"MEDIA_ROOT": str(settings.MEDIA_ROOT), "UPLOAD_CHECK_MIB": str(settings.UPLOAD_CHECK_MIB)}
    same["UPLOAD_CHECK_SECONDS"] = str(settings.UPLOAD_CHECK_SECONDS)
    process = subprocess.Popen(  # noqa: S603 - no user text
        command, cwd=settings.BASE_DIR, env={**os.environ, **ONE_THREAD, **same}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    row, result = 0, staged.folder / f"{secrets.token_hex(8)}.{RESULT}"  # another check may run beside it
    try:
        assert process.stdin
        with suppress(BrokenPipeError), process.stdin as start:
            json.dump({"parent": os.getpid(), "staged": asdict(staged), "result": result.name}, start)
        for line in _lines(process, seconds):
            row = line[0]
            say(*line[1:])
        return _found(staged, process.wait(), row, result)
    except _Stuck as stuck:
        raise _too_much(stuck.row, f"{settings.UPLOAD_CHECK_SECONDS} seconds") from None
    finally:
        process.kill()
        process.wait()
        for path in (result, _part(result)):
            path.unlink(missing_ok=True)


def _part(result: Path) -> Path:
    return result.with_name(f"{result.name}.part")


class _Stuck(Exception):
    def __init__(self, row: int) -> None:
        self.row = row


def _lines(process: subprocess.Popen[str], seconds: float | None) -> Iterator[tuple[int, int, int]]:
    """Row in hand, images done, of how many: as the process says it. Raises TooSlow after so many seconds in all, and
    _Stuck where one image takes longer than any may."""
    said: SimpleQueue[str] = SimpleQueue()

    def listen() -> None:
        assert process.stdout
        with process.stdout as lines:
            for line in lines:
                said.put(line)
        said.put("")

    threading.Thread(target=listen, daemon=True).start()
    end = math.inf if seconds is None else time.monotonic() + seconds
    row = 0
    while True:
        wait = min(settings.UPLOAD_CHECK_SECONDS, end - time.monotonic())
        try:
            line = said.get(timeout=max(0, wait))
        except Empty:
            raise TooSlow if time.monotonic() >= end else _Stuck(row) from None
        if not line:
            return
        row, done, total = json.loads(line)
        yield row, done, total


def _found(staged: Staged, ended: int, row: int, result: Path) -> tuple[Checked, list[dict[str, Any]]]:
    """What the process left in `result`. ended: its status; row: where it was."""
    if ended == NO_SPACE:
        raise OSError(errno.ENOSPC, "while an upload was checked")
    if ended == -signal.SIGXCPU:
        raise _too_much(row, f"{settings.UPLOAD_CHECK_SECONDS} seconds")
    if ended == NO_MEMORY or ended < 0:  # below 0: a decoder in C that found no memory, or the system's own limit
        raise _too_much(row, f"{settings.UPLOAD_CHECK_MIB} MiB of memory")
    if ended:
        raise RuntimeError(f"the check of an upload ended with status {ended}; its error is in the log above")
    found = json.loads(result.read_text())
    if "problems" in found:
        raise BatchRefused.from_rows(found["problems"])
    checked = read_checked(staged)
    assert checked
    return checked, found["shown"]


def checked_file(staged: Staged) -> Path:
    return staged.folder / (f"{staged.check}.{CHECKED}" if staged.check else CHECKED)  # older versions had one name


def read_checked(staged: Staged) -> Checked | None:
    """What the check of this number found; None where there is none that this version can read."""
    try:
        return Checked.from_json(checked_file(staged).read_text())
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _too_much(row: int, limit: str) -> BatchRefused:
    if not row:
        return refuse(f"checking this upload took more than {limit}", "Send a smaller manifest, or several batches")
    remedy = "If it is one radiograph, send it smaller, or use the command load_cases; else leave it out"
    return BatchRefused([Problem(row, "image", "", f"checking it took more than {limit}", remedy)])


def check(staged: Staged, say: Callable[[int, int, int], None] = lambda row, done, total: None) -> dict[str, Any]:
    """`problems`, or `shown`: what the page shows of the first cases; `checked_file` then has the rest. A ZIP that
    cannot be opened, so that nothing can be laid over it, is removed."""
    thumbs = staged.folder / "thumbs"
    thumbs.mkdir(exist_ok=True)
    shown: list[CaseRecord] = []
    lines: list[dict[str, Any]] = []
    at = [0, 0, 0]

    def begin(case: CaseRecord) -> None:
        at[0] = case.row
        say(*at)

    def go_on(doing: str, done: int, total: int) -> None:
        at[1:] = done, total
        say(*at)

    def show(case: CaseRecord, picture: Picture) -> None:
        if len(shown) < SHOWN_CASES:
            shown.append(case)
            height, width = picture.shape
            lines.append({"row": case.row, "size": f"{width} × {height}", "bits": picture.bits, "thumb": picture.key})
            small = thumbs / f"{picture.key}.png"
            if not small.exists():
                small.write_bytes(small_png(picture.radiograph()))

    opened = False
    try:
        with staged.files() as files:
            opened = True
            source = FileSource(files, staged.public_name)
            checked = check_source(
                source,
                keep_source_ids=staged.keep_source_ids,
                simulated=staged.simulated,
                kept=staged.kept,
                progress=go_on,
                before_case=begin,
                on_case=show,
            )
    except BatchRefused as error:
        if not opened:
            shutil.rmtree(staged.content)
        return {"problems": [asdict(problem) for problem in error.problems]}
    checked_file(staged).write_text(checked.as_json())
    return {"shown": [line | _facts(case, staged.keep_source_ids) for line, case in zip(lines, shown, strict=True)]}


def _facts(case: CaseRecord, keep_source_ids: bool) -> dict[str, Any]:
    age = "" if case.age is None else "90+" if case.age >= 90 else str(case.age)
    findings = []
    for finding in case.findings:
        truth = {True: "present", False: "absent", None: "no truth"}[finding.label]
        extra = [f"p = {finding.prediction:.2f}"] if finding.prediction is not None else []
        extra += ["mask"] if finding.mask else []
        extra += ["confounder"] if finding.confounder else []
        extra += [column.partition(":")[2] for column in finding.files]
        findings.append(f"{finding.pathology}: {', '.join([truth, *extra])}")
    return {
        "image": case.image if keep_source_ids else "",
        "facts": ", ".join(filter(None, (case.view, case.sex, age, "practice" if case.practice else ""))),
        "patient": bool(case.patient),
        "findings": findings,
    }


def small_png(radiograph: Radiograph) -> bytes:
    """A thumbnail as first shown, longest side THUMBNAIL pixels."""
    picture = Image.fromarray(grey8(radiograph))
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def check_within_limits() -> None:
    """The process's own work. It ends with the process that started it."""
    limit = settings.UPLOAD_CHECK_MIB * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with suppress(OSError):  # Linux only: where memory runs out, this process ends before any other
        Path("/proc/self/oom_score_adj").write_text("1000")
    start = json.load(sys.stdin)
    end_with(start["parent"], lambda: os._exit(1))
    staged = Staged(**start["staged"])
    result = staged.folder / start["result"]
    try:
        _part(result).write_text(json.dumps(check(staged, _say)))
        _part(result).replace(result)
    except MemoryError:
        sys.exit(NO_MEMORY)
    except OSError as error:
        if is_full(error):
            sys.exit(NO_SPACE)
        raise


def _say(row: int, done: int, total: int) -> None:
    """To the process that waits; the next image may take so many seconds of the processor, whoever waits."""
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + settings.UPLOAD_CHECK_SECONDS), hard))
    sys.stdout.write(f"[{row}, {done}, {total}]\n")
    sys.stdout.flush()
