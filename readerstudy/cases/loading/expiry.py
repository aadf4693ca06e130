"""How long an upload is kept: a day after files of it were last sent, or a worker was last at it, and as long as it
waits for one."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from django.db.models import Q
from django.utils import timezone

from readerstudy.cases.loading.staged import Elsewhere, Gone, Staged, folder_of
from readerstudy.cases.models import UploadVersion
from readerstudy.jobs.models import Job

LIFETIME_SECONDS = 24 * 3600


def live(token: str) -> Path:
    """The folder of an upload that may still be used. Raises Gone, and Elsewhere."""
    refuse_elsewhere(token)
    folder = folder_of(token)
    if not folder.is_dir() or expired(folder):
        raise Gone
    return folder


def refuse_elsewhere(token: str) -> None:
    """Raises Elsewhere for an upload that another web host has received, into a folder of its own."""
    if not folder_of(token).is_dir() and UploadVersion.objects.filter(token=token).exists():
        raise Elsewhere


def forget_expired() -> None:
    """Remove the versions of uploads that have expired and have no folder here: their host removes the files."""
    lately = timezone.now() - timedelta(seconds=LIFETIME_SECONDS)
    for row in UploadVersion.objects.filter(changed_at__lt=lately):
        if not folder_of(row.token).is_dir() and not _worker_is_at(row.token):
            UploadVersion.objects.filter(pk=row.pk, changed_at=row.changed_at).delete()  # unless saved meanwhile


def since(folder: Path) -> float:
    try:
        return Staged.read(folder).created or folder.stat().st_mtime
    except Gone:
        return folder.stat().st_mtime


def expired(folder: Path) -> bool:
    """A query for an upload that is old, else none."""
    try:
        old = since(folder) < time.time() - LIFETIME_SECONDS
    except FileNotFoundError:
        return True
    return old and not _worker_is_at(folder.name)


def about(token: str) -> str:
    """What jobs call the upload."""
    return f"upload/{token}"


def _worker_is_at(token: str) -> bool:
    """Whether work at the upload waits, runs, or has ended less than a day ago."""
    lately = timezone.now() - timedelta(seconds=LIFETIME_SECONDS)
    return Job.objects.filter(Q(state__in=Job.UNDER_WAY) | Q(finished_at__gte=lately), about=about(token)).exists()
