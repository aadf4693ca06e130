"""Answers, results and truth before a study is closed: shown to whoever says why, and each look is recorded."""

from __future__ import annotations

import getpass
import time
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from readerstudy.accounts.access import signed_in
from readerstudy.accounts.models import User
from readerstudy.cases.models import Case
from readerstudy.cases.truths import Hidden, hidden_asked
from readerstudy.studies.models import Example, Look, Study

SECONDS = 3600  # then the reason is asked for again
ASK = "The study is not closed: say first, on its results page, why you look. The look is recorded."


def connect() -> None:
    """Hide truth that open studies use from pages of lower apps."""
    hidden_asked.connect(_hidden_truth, dispatch_uid="studies.looking")


def record_look(study: Study, what: str, user: User | None, why: str) -> None:
    """Who (None: at the command line) saw what and why, before the study is closed. ValidationError without why."""
    if study.state != Study.State.CLOSED:
        if not why.strip() or len(why) > 300:
            raise ValidationError(
                f"The study is {study.state}, not closed: say why you look (at most 300 characters); it is recorded."
            )
        Look.objects.create(study=study, user=user, account="" if user else _account(), what=what, why=why)


def start_looking(request: HttpRequest, study: Study, why: str) -> None:
    """Let this person's session see answers, results and truth for an hour. The pages that show them record it."""
    request.session.setdefault("looking", {})[str(study.pk)] = {"why": why, "until": time.time() + SECONDS, "seen": []}
    request.session.modified = True


def reason(request: HttpRequest, study: Study) -> str | None:
    """Why this person may see results now: "" for a closed study, the reason given, or None."""
    if study.state == Study.State.CLOSED:
        return ""
    given = _reasons(request).get(study.pk)
    return given["why"] if given else None


def needed_reason(request: HttpRequest, study: Study) -> str:
    """The same, refused with a sentence (403) where there is none."""
    why = reason(request, study)
    if why is None:
        raise PermissionDenied(ASK)
    return why


def record_page(request: HttpRequest, study: Study, user: User, what: str) -> None:
    """Record that a page of the study was looked at: once for each reason given, however often it is opened."""
    given = _reasons(request).get(study.pk)
    if given and what not in given["seen"]:
        record_look(study, what, user, given["why"])
        given["seen"].append(what)
        request.session.modified = True


def record_all(request: HttpRequest, studies: QuerySet[Study], user: User, what: str) -> None:
    """The same for a page of several studies: of those for which this person gave a reason."""
    new = [pk for pk, given in _reasons(request).items() if what not in given["seen"]]
    for study in studies.filter(pk__in=new) if new else ():
        record_page(request, study, user, what)


def shown_studies(request: HttpRequest) -> QuerySet[Study]:
    """The studies whose answers this person may see now."""
    return Study.objects.filter(Q(state=Study.State.CLOSED) | Q(pk__in=_reasons(request)))


def hidden_answers(request: HttpRequest) -> list[tuple[str, str]]:
    """Title and results page of each study, not closed, for which no reason is given."""
    studies = Study.objects.exclude(pk__in=shown_studies(request)).exclude(state=Study.State.DRAFT).order_by("pk")
    return _pages(studies, "results")


def _reasons(request: HttpRequest) -> dict[int, dict[str, Any]]:
    """The reasons in force, by study."""
    now = time.time()
    return {int(pk): entry for pk, entry in request.session.get("looking", {}).items() if entry["until"] > now}


def _hidden_truth(request: HttpRequest, cases: QuerySet[Case], **_: Any) -> Hidden:
    """Cases of open studies for which no reason is given, and where to give it. The others are looked at: recorded."""
    shown_in = Example.objects.filter(study__state=Study.State.OPEN, prediction__case__in=cases)
    record_all(request, Study.objects.filter(pk__in=shown_in.values("study")), signed_in(request), "truth of cases")
    hidden = shown_in.exclude(study__in=_reasons(request))
    studies = Study.objects.filter(pk__in=hidden.values("study")).order_by("pk")
    return Hidden(hidden.values("prediction__case"), lambda: _pages(studies, "study_examples"))


def _pages(studies: QuerySet[Study], name: str) -> list[tuple[str, str]]:
    return [(study.title, reverse(name, args=[study.slug])) for study in studies]


def _account() -> str:
    """Who is at the command line, as the operating system says."""
    try:
        return getpass.getuser()[:80]
    except (OSError, KeyError):  # a container's user may have no name
        return ""
