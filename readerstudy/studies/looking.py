"""Answers, results and truth before a study is closed: shown to whoever says why, and each look is recorded.

Results of all cases together are of one study. Truth of a case, and whatever tells it (tables of answers with truth,
draws), is of every open study that shows the radiograph: the reason is recorded in each, and whoever reads in one is
refused (blinding.py).
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from readerstudy.accounts.access import signed_in
from readerstudy.accounts.models import User
from readerstudy.cases.models import Batch, Case
from readerstudy.cases.truths import Hidden, hidden_asked
from readerstudy.common.refusals import NotAllowed
from readerstudy.studies import blinding
from readerstudy.studies.models import Example, Look, Membership, Study
from readerstudy.studies.navigation import address

SECONDS = 3600  # then the reason is asked for again
ASK = "The study is not closed: say first, on its results page, why you look. The look is recorded."
ASK_TRUTH = (
    "An open study shows radiographs of this study, so their truth is shown for a reason only: say it first, on this "
    "study's page of examples. It is recorded in each study concerned."
)


def connect() -> None:
    """Hide truth that open studies use from pages of lower apps."""
    hidden_asked.connect(_hidden_truth, dispatch_uid="studies.looking")


def record_look(study: Study, what: str, user: User | None, why: str) -> None:
    """Who (None: at the command line) saw truth case by case, what and why, in each study that is not closed.

    ValidationError without why; NotAllowed for whoever reads in a study of the same radiographs.
    """
    if user is not None:
        refuse_readers(study, user)
        blinding.remember(user, blinding.cases_of(study))
    _record(asking_studies(study), what, user, why)


def record_draw(batch: Batch, threshold: float, user: User | None, why: str) -> None:
    """The same for a draw of examples, which tells about the truth of the batch. ValidationError in both cases."""
    cases = Case.objects.filter(batch=batch)
    if user is not None and blinding.reads_of(user, cases):
        raise ValidationError(f"{blinding.READS_THERE} Somebody else who runs this study can draw.")
    _record(list(blinding.open_studies_showing(cases)), "draw of examples", user, why)
    if user is not None:
        blinding.remember(user, cases.filter(predictions__probability__gt=threshold))


def record_measuring(cases: QuerySet[Case], user: User | None, why: str) -> None:
    """The same for measuring explanations against the truth of these cases."""
    if user is not None and blinding.reads_of(user, cases):
        raise ValidationError(f"{blinding.READS_THERE} Somebody else can have these explanations measured.")
    _record(list(blinding.open_studies_showing(cases)), "measures of explanations", user, why)


def asking_studies(study: Study) -> list[Study]:
    """Where a look at the truth of the study's cases is recorded: itself until closed, and others that are open."""
    own = [] if study.state == Study.State.CLOSED else [study]
    return [*own, *blinding.open_elsewhere(study).order_by("pk")]


def refuse_readers(study: Study, user: User) -> None:
    """NotAllowed for whoever reads in another study of the same radiographs that is not closed."""
    if blinding.reads_of(user, blinding.cases_of(study), but=study):
        raise NotAllowed(blinding.READS_THERE)


def start_looking(request: HttpRequest, study: Study, why: str) -> None:
    """Let this person's session see answers, results and truth for an hour. The pages that show them record it."""
    for each in {study, *blinding.open_elsewhere(study)}:
        given = {"why": why, "until": time.time() + SECONDS, "seen": []}
        request.session.setdefault("looking", {})[str(each.pk)] = given
    request.session.modified = True


def reason(request: HttpRequest, study: Study) -> str | None:
    """Why this person may see results now: "" for a closed study, the reason given, or None.

    NotAllowed as in `refuse_readers`.
    """
    refuse_readers(study, signed_in(request))
    if study.state == Study.State.CLOSED:
        return ""
    given = _reasons(request).get(study.pk)
    return given["why"] if given else None


def needed_reason(request: HttpRequest, study: Study) -> str:
    """The same, refused with a sentence (403) where there is none."""
    why = reason(request, study)
    if why is None:
        raise NotAllowed(ASK)
    return why


def truth_reason(request: HttpRequest, study: Study) -> str | None:
    """Why this person may see the truth of the study's cases now: "" where no study asks, the reasons, or None.

    A draft asks nothing for itself: nobody reads in it yet. NotAllowed as in `reason`.
    """
    refuse_readers(study, signed_in(request))
    asking = [each.pk for each in asking_studies(study) if not each.is_draft]
    given = _reasons(request)
    if any(pk not in given for pk in asking):
        return None
    return "; ".join(dict.fromkeys(given[pk]["why"] for pk in asking))[:300]


def needed_truth_reason(request: HttpRequest, study: Study) -> str:
    """The same with `needed_reason`: for tables of answers with truth."""
    why, truth = needed_reason(request, study), truth_reason(request, study)
    if truth is None:
        raise NotAllowed(ASK_TRUTH)
    return truth or why


def record_truth(request: HttpRequest, study: Study, user: User, what: str) -> None:
    """`record_page` in each study concerned, and who it was: a draft asks no reason, but what was seen stays known."""
    blinding.remember(user, blinding.cases_of(study))
    for each in asking_studies(study):
        record_page(request, each, user, what)


def record_page(request: HttpRequest, study: Study, user: User, what: str) -> None:
    """Record that a page of the study was looked at: once for each reason given, however often it is opened."""
    given = _reasons(request).get(study.pk)
    if given and what not in given["seen"]:
        _record([] if study.state == Study.State.CLOSED else [study], what, user, given["why"])
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
    return [(study.title, address("results", study.slug)) for study in studies]


def _reasons(request: HttpRequest) -> dict[int, dict[str, Any]]:
    """The reasons in force, by study."""
    now = time.time()
    return {int(pk): entry for pk, entry in request.session.get("looking", {}).items() if entry["until"] > now}


def _hidden_truth(request: HttpRequest, cases: QuerySet[Case], **_: Any) -> Hidden:
    """Cases of open studies for which no reason is given, and where to give it. The others are looked at: recorded."""
    user, concerned = signed_in(request), blinding.open_studies_showing(cases)
    record_all(request, concerned, user, "truth of cases")
    reads_in = user.memberships.filter(role=Membership.Role.READER).values("study")
    hidden = concerned.exclude(Q(pk__in=list(_reasons(request))) & ~Q(pk__in=reads_in)).order_by("pk")
    hidden_cases = Case.objects.filter(pk__in=Example.objects.filter(study__in=hidden).values("prediction__case"))
    return Hidden(blinding.same_radiographs(hidden_cases).values("pk"), lambda: _pages(hidden, "study_examples"))


def _record(studies: Sequence[Study], what: str, user: User | None, why: str) -> None:
    """One look in each study; ValidationError, and none is recorded, without why."""
    why = why.replace("\0", "")  # PostgreSQL stores none
    if studies and (not why.strip() or len(why) > 300):
        about = _about(studies)
        raise ValidationError(f"{about}: say why you look (at most 300 characters); it is recorded.")
    account = "" if user else _account()
    for study in studies:
        Look.objects.create(study=study, user=user, account=account, what=what, why=why)


def _about(studies: Sequence[Study]) -> str:
    """Studies are counted and not named: the person asking may not know of them."""
    if len(studies) == 1:
        return f"A study of these radiographs is {studies[0].state}, not closed"
    return f"{len(studies)} studies of these radiographs are not closed"


def _pages(studies: QuerySet[Study], name: str) -> list[tuple[str, str]]:
    return [(study.title, reverse(name, args=[study.slug])) for study in studies]


def _account() -> str:
    """Who is at the command line, as the operating system says."""
    try:
        return getpass.getuser()[:80]
    except (OSError, KeyError):  # a container's user may have no name
        return ""
