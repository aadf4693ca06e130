"""Who must not see which truth, over all studies: the one rule, asked by every page, draw, join and command.

Truth belongs to a radiograph, and one radiograph may be in several studies: as the same case, or loaded again in
another batch (same pixels). Whoever reads in a study that is not closed must not see the truth of its radiographs
anywhere; other people see it for a reason that is recorded in every open study that shows the radiograph.
Another radiograph of the same patient does not count: a label is of one radiograph.
"""

from collections.abc import Collection, Iterable

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet, Subquery

from readerstudy.accounts.models import User
from readerstudy.cases.models import Case
from readerstudy.studies.models import Example, Look, Membership, Study
from readerstudy.studies.seen import SeenTruth

Role = Membership.Role

READS_THERE = (
    "You read in a study of the same radiographs that is not closed, so their truth is not shown to you here. "
    "It will be when that study is closed."
)
HAS_SEEN = (
    "has run a study of the same radiographs, or looked at their truth, and could know it: such a person cannot read. "
    "Choose another reader."
)
READS_ELSEWHERE = (
    "reads in a study of the same radiographs that is not closed, and must not see their truth. Give this role to "
    "somebody else, or wait until that study is closed."
)
PRACTISED = (
    "is told, as feedback in the practice of another study, the truth of radiographs that one of the studies scores. "
    "Choose another reader, or other practice examples."
)


def same_radiographs(cases: QuerySet[Case]) -> QuerySet[Case]:
    """These cases, and those of any batch with the same pixels."""
    pixels = cases.exclude(pixel_sha256="").order_by().values("pixel_sha256")
    return Case.objects.filter(Q(pk__in=cases.order_by().values("pk")) | Q(pixel_sha256__in=pixels))


def cases_of(study: Study, **examples: bool) -> QuerySet[Case]:
    """The cases of a study's examples; practice=True or False narrows them."""
    return Case.objects.filter(pk__in=study.examples.filter(**examples).order_by().values("prediction__case"))


def studies_showing(cases: QuerySet[Case], **examples: bool) -> QuerySet[Study]:
    """Studies with an example of these radiographs."""
    found = Example.objects.filter(prediction__case__in=same_radiographs(cases), **examples)
    return Study.objects.filter(pk__in=found.order_by().values("study"))


def open_studies_showing(cases: QuerySet[Case]) -> QuerySet[Study]:
    return studies_showing(cases).filter(state=Study.State.OPEN)


def open_elsewhere(study: Study) -> QuerySet[Study]:
    """The other studies, now open, that show radiographs of this one."""
    return open_studies_showing(cases_of(study)).exclude(pk=study.pk)


def reads_of(user: User, cases: QuerySet[Case], but: Study | None = None) -> bool:
    """Whether the person reads these radiographs in a study that is not closed (other than `but`): drafts will open."""
    studies = studies_showing(cases).exclude(state=Study.State.CLOSED)
    return reads_in(user, studies.exclude(pk=but.pk) if but else studies)


def reads_in(user: User, studies: QuerySet[Study]) -> bool:
    return Membership.objects.filter(user=user, role=Role.READER, study__in=studies).exists()


def related(study: Study) -> set[int]:
    """Ids of the other studies that share a radiograph with this one, or are another version of it."""
    found = set(studies_showing(cases_of(study)).values_list("pk", flat=True)) | set(_versions(study))
    return found - {study.pk}


def role_conflict(study: Study, user: User, role: str) -> str | None:
    """Why this person must not have the role in the study: a sentence without its subject, or None."""
    return conflicts(study, {user.pk: role}).get(user.pk)


def conflicts(study: Study, roles: dict[int, str]) -> dict[int, str]:
    """The same for many people (user id -> role), with as many queries as for one: only those with a conflict."""
    readers = {user for user, role in roles.items() if role == Role.READER}
    runners = set(roles) - readers
    others = related(study)
    found = dict.fromkeys(_reading(others, runners), READS_ELSEWHERE)
    if readers and others:
        found |= dict.fromkeys(_practising(study, readers), PRACTISED)
    found |= dict.fromkeys(_have_seen({study.pk, *others}, readers), HAS_SEEN)
    found |= dict.fromkeys(_know(cases_of(study), readers), HAS_SEEN)
    return found


def remember(user: User, cases: QuerySet[Case]) -> None:
    """Keep who could see the truth of these cases: studies that show them now may be drawn again, or deleted."""
    known = SeenTruth.objects.filter(user=user).values("case")
    new = cases.exclude(pk__in=known).order_by().values_list("pk", flat=True).distinct()
    SeenTruth.objects.bulk_create((SeenTruth(user=user, case_id=pk) for pk in new), 1000, ignore_conflicts=True)


def member_conflicts(study: Study) -> list[str]:
    """One sentence for each member whose role does not go with their roles in other studies."""
    members = {member.user_id: member for member in study.memberships.select_related("user")}
    found = conflicts(study, {user: member.role for user, member in members.items()})
    return [f"{members[user].user.email} is {members[user].role} here and {why}" for user, why in found.items()]


def refuse_role(study: Study, user: User, role: str) -> None:
    """ValidationError where a role must not be given. The person reads it, and may be a reader: no title but theirs."""
    why = role_conflict(study, user, role)
    if why:
        raise ValidationError(f"{user.email} cannot be {role} of “{study.reader_title}”: this person {why}")


def _reading(studies: Iterable[int], users: Collection[int]) -> QuerySet[Membership, int]:
    """Those of `users` who read in one of the studies that is not closed. Who withdrew may come back, and counts."""
    return _readers(users).exclude(study__state=Study.State.CLOSED).filter(study__in=studies)


def _practising(study: Study, users: Collection[int]) -> set[int]:
    """Those who are told a truth in practice that another study, not closed, asks them for. Of both directions."""
    teaching = studies_showing(cases_of(study, practice=False), practice=True).exclude(pk=study.pk)
    asking = studies_showing(cases_of(study, practice=True), practice=False).exclude(pk=study.pk)
    return {*_readers(users).filter(study__in=teaching), *_reading(asking.values_list("pk", flat=True), users)}


def _have_seen(studies: Collection[int], users: Collection[int]) -> set[int]:
    """Those who had another role than reader in one of the studies, though removed since, or looked there."""
    ran = Membership.history.filter(study__in=studies, user__in=users).exclude(role=Role.READER)
    looked = Look.objects.filter(study__in=studies, user__in=users)
    return {*ran.values_list("user_id", flat=True), *looked.values_list("user_id", flat=True)}


def _know(cases: QuerySet[Case], users: Collection[int]) -> set[int]:
    """Those to whom a truth of these radiographs was shown, or who were administrators when they were loaded."""
    if not users:
        return set()
    shown = same_radiographs(cases)
    seen = SeenTruth.objects.filter(user__in=users, case__in=shown).values_list("user_id", flat=True)
    loaded = shown.order_by("batch__loaded_at").values("batch__loaded_at")[:1]
    could = User.objects.filter(pk__in=users, administrator_until__gt=Subquery(loaded))
    return {*seen, *could.values_list("pk", flat=True)}


def _readers(users: Collection[int]) -> QuerySet[Membership, int]:
    return Membership.objects.filter(user__in=users, role=Role.READER).order_by().values_list("user_id", flat=True)


def _versions(study: Study) -> list[int]:
    """Ids of all versions of the study."""
    rows = Study.objects.values_list("previous_version", "pk")
    links = {old: new for old, new in rows if old is not None}
    before = {new: old for old, new in links.items()}
    found = [study.pk]
    while found[0] in before:
        found.insert(0, before[found[0]])
    while found[-1] in links:
        found.append(links[found[-1]])
    return found
