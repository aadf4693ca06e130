"""Checking and loading uploads, as jobs: those that are too large to do while a browser waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from readerstudy.accounts.access import administrator
from readerstudy.accounts.models import User
from readerstudy.cases.loading import staging
from readerstudy.cases.loading.expiry import about
from readerstudy.cases.loading.problems import BatchRefused, folded
from readerstudy.cases.loading.staged import Gone, Staged
from readerstudy.cases.loading.upload_check import TooSlow
from readerstudy.common.counting import counted
from readerstudy.common.full_disk import SAID, is_full
from readerstudy.jobs.models import Job
from readerstudy.jobs.queueing import ask
from readerstudy.jobs.work import Work

CHECK, LOAD = "check_upload", "load_upload"
_NOT_HERE = (
    "The upload is not here: it was discarded, has expired, or lies on another host than this worker's, with a "
    "MEDIA_ROOT of its own (docs/deployment.md, Several web hosts)."
)


def may_see(request: HttpRequest, about: str) -> None:
    """Administrators, also on another web host than the one where the upload lies."""
    administrator(request)


def begin_check(staged: Staged, user: User) -> None:
    """Check an upload at once, or, where it is large or takes long, ask a worker to. ValidationError where another is
    at it, whose check holds."""
    if not staged.by_worker:
        try:
            staging.check(staged, seconds=settings.UPLOAD_AT_ONCE_SECONDS)
            return
        except TooSlow:
            staged.by_worker = True
            staged.save()
    ask_to_check(about(staged.token), user, {})


def ask_to_check(about: str, user: User, data: Mapping[str, Any]) -> Job:
    """Queue the check of an upload; ValidationError unless it needs one, and nobody is at it."""
    staged = staging.find(about.removeprefix("upload/"))
    if staged.loaded or staging.being_loaded(staged.token) or under_way([staged.token]):
        raise ValidationError("This upload is being checked or loaded, or was loaded.")
    if staged.checked and not staged.problems:
        raise ValidationError("This upload was checked and has no problems.")
    return ask(CHECK, about, f"Check the upload “{staged.batch}”", user, token=staged.token)


def check_upload(work: Work, token: str) -> str:
    """What a worker does."""
    staged = _staged(token)
    work.progress(0, 0, "Opening the upload")
    with _said(staged):
        staging.check(staged, lambda done, total: work.progress(done, total, "Checking images"))
    if staged.problems:
        return f"{counted(len(staged.problems), 'problem')}: nothing can be loaded yet."
    return f"No problems in {counted(staged.report['cases'], 'case')}."


def ask_to_load(about: str, user: User, data: Mapping[str, Any]) -> Job:
    """Queue the loading of an upload; ValidationError unless it was checked and can be loaded."""
    staged = staging.find(about.removeprefix("upload/"))
    if staged.loaded or staged.problems or not staged.checked or under_way([staged.token]):
        raise ValidationError("This upload cannot be loaded now: it has problems, or is being checked or loaded.")
    if not staged.by_worker:
        raise ValidationError("This upload is small: it is loaded on its page, at once.")
    return ask(LOAD, about, f"Load the upload “{staged.batch}”", user, token=staged.token)


def load_upload(work: Work, token: str) -> str:
    """What a worker does."""
    staged = _staged(token)
    if staged.loaded:  # by a process that was killed as it was about to say so
        return f"Loaded as batch {staged.batch}."
    work.progress(0, 0, "Opening the upload")
    with _said(staged):
        staging.renew(staged)
        loaded = staging.load(
            staged, work.user, lambda doing, done, total: work.progress(done, total, "Loading cases"), work.writing
        )
    return f"{counted(loaded.report.cases, 'case is', 'cases are')} loaded as batch {staged.batch}."


def under_way(tokens: list[str]) -> dict[str, Job]:
    """Token -> the job that checks or loads the upload, for those that have one. One query, none for no tokens."""
    if not tokens:
        return {}
    jobs = Job.objects.filter(kind__in=(CHECK, LOAD), about__in=map(about, tokens), state__in=Job.UNDER_WAY)
    return {job.about.removeprefix("upload/"): job for job in jobs}


@contextmanager
def _said(staged: Staged) -> Iterator[None]:
    """What may be expected to go wrong, in words for the job's page."""
    try:
        yield
    except BatchRefused as refused:
        raise ValidationError(folded(refused.problems)) from None
    except Exception as error:
        if is_full(error):
            raise ValidationError(SAID) from error
        if isinstance(error, Gone):
            raise ValidationError(str(error)) from error
        if not staged.folder.is_dir():
            raise ValidationError(_NOT_HERE) from error
        raise


def _staged(token: str) -> Staged:
    try:
        return staging.find(token)
    except Gone:
        raise ValidationError(_NOT_HERE) from None
