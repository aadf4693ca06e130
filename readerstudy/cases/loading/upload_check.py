"""The check of an upload, in a process of its own with a limit on memory and time.

What a file declares about its size is not believed, and a decoder that is led astray must not take the web server with
it. The process reads the upload as JSON on its standard input, and writes checked.json into the upload's folder.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from PIL import Image

from explain.images.radiograph import Radiograph
from explain.render.pictures import grey8
from readerstudy.cases.loading.checking import Checked, Report, check_source
from readerstudy.cases.loading.problems import BatchRefused, refuse
from readerstudy.cases.loading.records import CaseRecord
from readerstudy.cases.loading.staged import Staged
from readerstudy.common.full_disk import is_full

SHOWN_CASES = 100
THUMBNAIL = 96
RESULT = "checked.json"
NO_MEMORY, NO_SPACE = 3, 4  # exit statuses
# One thread: threads' own memory would count against the limit, and images are checked one after the other.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


def check_apart(staged: Staged) -> tuple[Checked, list[dict[str, Any]]]:
    """The dry run, and what the page shows of the first cases; thumbs/ is filled. Raises BatchRefused."""
    command = [sys.executable, "-m", "readerstudy", "check_upload"]
    same = {"MEDIA_ROOT": str(settings.MEDIA_ROOT), "UPLOAD_CHECK_MIB": str(settings.UPLOAD_CHECK_MIB)}
    environment = {**os.environ, **ONE_THREAD, **same}
    try:
        ended = subprocess.run(  # noqa: S603 - no user text
            command, cwd=settings.BASE_DIR, env=environment, input=json.dumps(asdict(staged)), text=True,
            timeout=settings.UPLOAD_CHECK_SECONDS, check=False, stdout=subprocess.DEVNULL,
        ).returncode  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _too_much(f"{settings.UPLOAD_CHECK_SECONDS} seconds") from None
    if ended == NO_SPACE:
        raise OSError(errno.ENOSPC, "while an upload was checked")
    if ended == NO_MEMORY or ended < 0:  # below 0: a decoder in C that found no memory, or the system's own limit
        raise _too_much(f"{settings.UPLOAD_CHECK_MIB} MiB of memory")
    if ended:
        raise RuntimeError(f"the check of an upload ended with status {ended}; its error is in the log above")
    found = json.loads((staged.folder / RESULT).read_text())
    (staged.folder / RESULT).unlink()
    if "problems" in found:
        raise BatchRefused.from_rows(found["problems"])
    cases = [CaseRecord(row=row, image="") for row in found["rows"]]
    otherwise = {(keeps, simulated): digest for keeps, simulated, digest in found["otherwise"]}
    checked = Checked(cases, found["pixels"], Report(**found["report"]), found["content_sha256"], otherwise)
    return checked, found["shown"]


def _too_much(limit: str) -> BatchRefused:
    return refuse(
        f"checking this upload took more than {limit}",
        "Look for an image that is far too large, upload it in smaller batches, or use the command load_cases",
    )


def check(staged: Staged) -> dict[str, Any]:
    """What checked.json holds: `problems`, or all that Checked has of the batch but its cases' own data."""
    thumbs = staged.folder / "thumbs"
    thumbs.mkdir()
    shown: list[CaseRecord] = []
    lines: list[dict[str, Any]] = []

    def show(case: CaseRecord, radiograph: Radiograph) -> None:
        if len(shown) < SHOWN_CASES:
            shown.append(case)
            (thumbs / f"{case.row}.png").write_bytes(small_png(radiograph))
            height, width = radiograph.pixels.shape
            lines.append({"row": case.row, "size": f"{width} × {height}", "bits": radiograph.bits})

    try:
        with staged.source() as source:
            checked = check_source(
                source, keep_source_ids=staged.keep_source_ids, simulated=staged.simulated, on_case=show
            )
    except BatchRefused as error:
        return {"problems": [asdict(problem) for problem in error.problems]}
    return {
        "rows": [case.row for case in checked.cases],
        "pixels": checked.pixels,
        "report": asdict(checked.report),
        "content_sha256": checked.content_sha256,
        "otherwise": [[*key, digest] for key, digest in checked.otherwise.items()],
        "shown": [line | _facts(case, staged.keep_source_ids) for line, case in zip(lines, shown, strict=True)],
    }


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
    """The process's own work."""
    limit = settings.UPLOAD_CHECK_MIB * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    _end_first()
    staged = Staged(**json.load(sys.stdin))
    part = staged.folder / f"{RESULT}.part"
    try:
        part.write_text(json.dumps(check(staged)))
    except MemoryError:
        sys.exit(NO_MEMORY)
    except OSError as error:
        if is_full(error):
            sys.exit(NO_SPACE)
        raise
    part.replace(staged.folder / RESULT)


def _end_first() -> None:
    """Whatever becomes of the server: this process ends by itself, and where memory runs out before any other."""
    seconds = settings.UPLOAD_CHECK_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    with suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text("1000")
