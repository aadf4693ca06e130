"""Answers and truth before a study is closed: shown to whoever says why, and each look is recorded."""

from __future__ import annotations

import time

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from readerstudy.accounts.models import User
from readerstudy.analysis.export import record_look
from readerstudy.studies.models import Study

SECONDS = 3600  # then the reason is asked for again
ASK = "The study is not closed: say first, on its results page, why you look. The look is recorded."


def start_looking(request: HttpRequest, study: Study, user: User, why: str) -> None:
    """Record the look and let this person's session see results for an hour."""
    record_look(study, "results page", user, why)
    request.session[_key(study)] = {"why": why, "until": time.time() + SECONDS}


def reason(request: HttpRequest, study: Study) -> str | None:
    """Why this person may see results now: "" for a closed study, the reason given, or None."""
    if study.state == Study.State.CLOSED:
        return ""
    given = request.session.get(_key(study))
    return given["why"] if given and given["until"] > time.time() else None


def needed_reason(request: HttpRequest, study: Study) -> str:
    """The same, refused with a sentence (403) where there is none."""
    why = reason(request, study)
    if why is None:
        raise PermissionDenied(ASK)
    return why


def _key(study: Study) -> str:
    return f"looking-{study.pk}"
