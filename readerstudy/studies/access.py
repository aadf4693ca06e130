"""The one way in for researchers. First line of every view of theirs: `study = researcher_study(request, slug)`.

Every further object is looked up from that study (`get_object_or_404(study.methods, pk=pk)`), so that nothing of
another study can be reached. Readers' way in is readerstudy.reading.access.
"""

from django.db.models import QuerySet

from readerstudy.accounts.access import AnyRequest, administrator, signed_in
from readerstudy.accounts.models import User
from readerstudy.common.refusals import NotAllowed, NotFound
from readerstudy.studies.models import Membership, Study

__all__ = [
    "administered_study",
    "administrates",
    "administrator",
    "may_create_study",
    "researcher_study",
    "run_by",
    "signed_in",
]

RUNS = (Membership.Role.RESEARCHER, Membership.Role.ADMINISTRATOR)


def researcher_study(request: AnyRequest, slug: str, state: str | None = None, changes_archived: bool = False) -> Study:
    """The study, for its researchers and administrators and for site administrators; 404 for anybody else.

    404 and not 403, so that nobody learns which studies exist. Whoever reads in a study never gets in here, staff or
    not. With `state` ("draft", "open", "closed") a study in another state is refused with a sentence (403), and so is
    whatever would change an archived study, unless `changes_archived`.
    """
    user = signed_in(request)
    study = Study.objects.filter(slug=slug).first()
    membership = Membership.objects.filter(study=study, user=user).first() if study else None
    allowed = membership.role in RUNS if membership else user.is_administrator
    if study is None or not allowed:
        raise NotFound("There is no such study, or it is not open to your account.")
    if study.archived_at and not changes_archived and request.method not in ("GET", "HEAD", "OPTIONS"):
        raise NotAllowed(f"“{study.title}” is archived: it can only be looked at. Bring it back first.")
    if state is not None and study.state != state:
        raise NotAllowed(f"“{study.title}” is {study.state}; this can be done only while it is {state}.")
    return study


def administrates(user: User, study: Study) -> bool:
    """Whether this is an administrator of the study, or one of the site who has no other role in it."""
    own = Membership.objects.filter(study=study, user=user).first()
    return own.role == Membership.Role.ADMINISTRATOR if own else user.is_administrator


def administered_study(request: AnyRequest, slug: str) -> Study:
    """As researcher_study, for its administrators alone; NotAllowed for its researchers."""
    study = researcher_study(request, slug)
    if not administrates(signed_in(request), study):
        raise NotAllowed("Only an administrator may do this: ask one.")
    return study


def run_by(user: User) -> QuerySet[Study]:
    """The studies that `researcher_study` lets this person into."""
    memberships = Membership.objects.filter(user=user)
    if user.is_administrator:
        return Study.objects.exclude(pk__in=memberships.exclude(role__in=RUNS).values("study"))
    return Study.objects.filter(pk__in=memberships.filter(role__in=RUNS).values("study"))


def may_create_study(user: User) -> bool:
    """Administrators, and people who already run a study."""
    return user.is_administrator or Membership.objects.filter(user=user, role__in=RUNS).exists()
