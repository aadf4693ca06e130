"""Who may open what: every URL of ours x every role x (own study, other study) x (draft, open, closed).

A new URL needs one line in TABLE: its route as in the URLconf, and who is let in.

    "studies/<slug:slug>/people/": researchers(),
    "studies/<slug:slug>/people/revoke/<int:pk>/": researchers(method="post", pk=lambda world: world.invitation.pk),

Let in means any answer but 401, 403, 404, 405, a server error or a visit to the log-in page: that the view took the
request up, not that it was a good one (400 and 409 are fine). `states` says in which states of the study the row holds
(all but draft for readers); in the others everybody is refused. A row whose object (`pk`) belongs to a study is also
tried with the slug of one study and the object of the other: nobody is let in, unless the row says `own=False`
because its value (a position, a fresh id) names no object of a study.
"""

import logging
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import get_converters

from readerstudy.jobs.models import Job
from readerstudy.jobs.queueing import ask
from readerstudy.reading.mailing.wanted import link_path
from readerstudy.studies.invitations import token
from tests.worlds import World, last_part, make_world

ROLES = ("anonymous", "outsider", "reader", "other_reader", "researcher", "administrator")
STATES = ("draft", "open", "closed")
NOT_OURS = ("allauth.", "django.", "drf_spectacular.")


@dataclass(frozen=True)
class Row:
    """`who`: the roles let in to their own study; `elsewhere`: to a study they have no membership in."""

    who: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    states: tuple[str, ...] = STATES
    method: str = "get"
    own: bool = True
    data: Callable[[World], dict[str, Any]] = lambda world: {}
    objects: dict[str, Callable[[World], Any]] = field(default_factory=dict)

    def values(self, slug: str, objects: World) -> dict[str, Any]:
        return {"slug": slug} | {name: value(objects) for name, value in self.objects.items()}


def row(who: tuple[str, ...], elsewhere: tuple[str, ...], keywords: dict[str, Any]) -> Row:
    options = {key: keywords.pop(key) for key in ("states", "method", "data", "own") if key in keywords}
    return Row(who=who, elsewhere=elsewhere, objects=keywords, **options)


def anyone(**keywords: Any) -> Row:
    return row(ROLES, ROLES, keywords)


def logged_in(**keywords: Any) -> Row:
    return row(ROLES[1:], ROLES[1:], keywords)


def administrators(**keywords: Any) -> Row:
    return row(("administrator",), ("administrator",), keywords)


def researchers(**keywords: Any) -> Row:
    return row(("researcher", "administrator"), ("administrator",), keywords)


def study_makers(**keywords: Any) -> Row:
    return row(("researcher", "administrator"), ("researcher", "administrator"), keywords)


def readers(**keywords: Any) -> Row:
    return row(("reader", "other_reader"), (), {"states": ("open", "closed"), **keywords})


def own_reader(**keywords: Any) -> Row:
    """An object of the first reader (who alone has a practice read): the study's second reader is refused."""
    return row(("reader",), (), {"states": ("open", "closed"), **keywords})


def display(world: World) -> str:
    return last_part(world.case.display.name)


def job(world: World) -> int:
    about = f"study/{world.study.slug}"
    found = Job.objects.filter(kind="analyze", about=about).last()
    return (found or ask("analyze", about, "Analyse", None, study=world.study.slug)).pk


def own_membership(world: World) -> int:
    return world.study.memberships.get(role="researcher").pk


def first(world: World) -> int:
    return 1


def new_id(world: World) -> uuid.UUID:
    return uuid.uuid4()


def no_upload(world: World) -> str:
    return "0" * 32  # an upload that is gone answers 410


TABLE: dict[str, Row] = {
    # load balancers and monitors: one word, told to anybody
    "health/": anyone(),
    "ready/": anyone(),
    # accounts
    "accounts/": logged_in(),
    "accounts/email/": logged_in(),
    # cases
    "batches/": administrators(),
    "batches/staged/<str:token>/": administrators(token=no_upload),
    "batches/staged/<str:token>/discard/": administrators(method="post", token=no_upload),
    "batches/staged/<str:token>/mend/": administrators(method="post", token=no_upload),
    "batches/staged/<str:token>/linking/": administrators(method="post", token=no_upload),
    "batches/staged/<str:token>/thumbs/<int:number>.png": administrators(token=no_upload, number=first),
    "batches/<slug:batch>/": administrators(batch=lambda world: world.batch.name),
    "batches/<slug:batch>/remove/": administrators(method="post", batch=lambda world: world.batch.name),
    "batches/<slug:batch>/thumbs/<slug:public_id>.png": administrators(
        batch=lambda world: world.batch.name, public_id=lambda world: world.case.public_id
    ),
    "batches/<slug:batch>/files/<str:name>": administrators(batch=lambda world: world.batch.name, name=display),
    # jobs: whoever may see the page on which the job stands
    "jobs/start/<slug:kind>/<path:about>/": researchers(
        method="post", kind=lambda world: "analyze", about=lambda world: f"study/{world.study.slug}", own=False
    ),
    "jobs/<int:pk>/state/": researchers(pk=job),
    "jobs/<int:pk>/cancel/": researchers(method="post", pk=job),
    # studies
    "": anyone(),
    "studies/new/": study_makers(),
    "studies/<slug:slug>/": researchers(),
    "studies/<slug:slug>/design/": researchers(),
    "studies/<slug:slug>/methods/": researchers(),
    "studies/<slug:slug>/questions/": researchers(),
    "studies/<slug:slug>/plan/": researchers(),
    "studies/<slug:slug>/protocol.json": researchers(),
    "studies/<slug:slug>/examples/": researchers(),
    "studies/<slug:slug>/examples/truth/": researchers(method="post"),
    "studies/<slug:slug>/explanations/": researchers(),
    "studies/<slug:slug>/explanations/alignment/<int:number>.svg": researchers(number=first, own=False),
    "studies/<slug:slug>/open/": researchers(method="post"),
    "studies/<slug:slug>/close/": researchers(method="post"),
    "studies/<slug:slug>/reopen/": administrators(method="post"),
    "studies/<slug:slug>/archive/": researchers(method="post"),
    "studies/<slug:slug>/new-version/": researchers(method="post"),
    "studies/<slug:slug>/files/<str:name>": researchers(name=display),
    "studies/<slug:slug>/people/": researchers(),
    "studies/<slug:slug>/people/<int:pk>/remove/": researchers(method="post", pk=own_membership),
    "studies/<slug:slug>/readers/<slug:code>/withdraw/": researchers(method="post", code=lambda world: "R1", own=False),
    "studies/<slug:slug>/readers/<slug:code>/reads/<int:number>/reopen/": administrators(
        method="post", code=lambda world: "R1", number=first, own=False, states=("open", "closed")
    ),
    "studies/<slug:slug>/readers/<slug:code>/erase/": administrators(method="post", code=lambda world: "R1", own=False),
    "studies/<slug:slug>/people/<int:pk>/resend/": researchers(method="post", pk=lambda world: world.invitation.pk),
    "studies/<slug:slug>/people/<int:pk>/revoke/": researchers(method="post", pk=lambda world: world.invitation.pk),
    "accounts/token/": study_makers(),
    "invitations/<str:token>/": anyone(token=lambda world: token(world.invitation)),
    # reading
    "studies/<slug:slug>/preview/<int:number>/": researchers(number=first, own=False),
    "studies/<slug:slug>/preview/practice/<int:number>/": researchers(number=first, own=False),
    "studies/<slug:slug>/mails/": researchers(),
    "reading/<slug:slug>/mails/": readers(method="post"),
    "no-mail/<str:token>/": anyone(token=lambda world: link_path(world.reader).split("/")[-2]),
    "studies/<slug:slug>/progress/": researchers(),
    "studies/<slug:slug>/progress.csv": researchers(),
    "studies/<slug:slug>/allocation/": researchers(),
    "studies/<slug:slug>/allocation.csv": researchers(),
    "studies/<slug:slug>/exclusions/": researchers(),
    "studies/<slug:slug>/exclusions/<int:pk>/lift/": researchers(method="post", pk=lambda world: world.exclusion.pk),
    "reading/<slug:slug>/files/<str:name>": readers(name=display),
    "reading/<slug:slug>/": readers(),
    "reading/<slug:slug>/consent/": readers(),
    "reading/<slug:slug>/instructions/": readers(),
    "reading/<slug:slug>/practice/": readers(),
    "reading/<slug:slug>/profile/": readers(),
    "reading/<slug:slug>/read/": readers(),
    "reading/<slug:slug>/shortcuts/": readers(method="post"),
    "reading/<slug:slug>/start/": readers(method="post"),
    "api/session/": anyone(method="post"),
    "api/reading/<slug:slug>/start/": readers(method="post"),
    "api/reading/<slug:slug>/assignments/<int:position>/": readers(position=first, own=False),
    "api/reading/<slug:slug>/answers/": readers(),
    "api/reading/<slug:slug>/practice/answers/": own_reader(),
    "api/reading/<slug:slug>/finish/": readers(method="post"),
    "api/reading/<slug:slug>/responses/<uuid:response_id>/": readers(method="put", response_id=new_id, own=False),
    "api/reading/<slug:slug>/state/": readers(),
    "api/reading/<slug:slug>/visits/": readers(method="post"),
    "api/reading/<slug:slug>/visits/<uuid:visit_id>/": readers(method="put", visit_id=new_id, own=False),
    "api/reading/<slug:slug>/practice/assignments/<int:position>/": own_reader(position=first, own=False),
    "api/reading/<slug:slug>/practice/feedback/<int:position>/": own_reader(position=first, own=False),
    "api/reading/<slug:slug>/preferences/": readers(method="put"),
    "api/reading/<slug:slug>/practice/preferences/": readers(method="put"),
    "api/reading/<slug:slug>/practice/finish/": own_reader(method="post"),
    "api/reading/<slug:slug>/practice/responses/<uuid:response_id>/": readers(
        method="put", response_id=new_id, own=False
    ),
    "api/reading/<slug:slug>/practice/state/": own_reader(),
    "api/reading/<slug:slug>/practice/visits/": readers(method="post"),
    "api/reading/<slug:slug>/practice/visits/<uuid:visit_id>/": readers(method="put", visit_id=new_id, own=False),
    # analysis
    "power/": study_makers(),
    "studies/<slug:slug>/power/": researchers(),
    "studies/<slug:slug>/results/": researchers(),
    "studies/<slug:slug>/results/look/": researchers(method="post"),
    "studies/<slug:slug>/results/dictionary/": researchers(),
    "studies/<slug:slug>/results/guidelines/": researchers(),
    "studies/<slug:slug>/results/report/": researchers(states=("closed",)),  # before, only with a reason
    "studies/<slug:slug>/results/archive/": researchers(states=("closed",)),
    "studies/<slug:slug>/results/figures/<str:name>": researchers(
        name=lambda world: "forest.svg", states=("closed",), own=False
    ),
    "studies/<slug:slug>/results/tables/<slug:table>/": researchers(
        table=lambda world: "long", states=("closed",), own=False
    ),
    "api/studies/<slug:slug>/reads/": researchers(),
}


def our_routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from our_routes(pattern.url_patterns, route)
        elif not (getattr(pattern.callback, "__module__", None) or "").startswith(NOT_OURS):
            yield route


def fill(route: str, values: dict[str, Any]) -> str:
    """The address of a path() route: <converter:name> becomes the value."""
    for name, value in values.items():
        for converter in ("", *(f"{kind}:" for kind in get_converters())):
            route = route.replace(f"<{converter}{name}>", str(value))
    assert "<" not in route, f"{route}: give the row a value for what is still in brackets, e.g. pk=lambda world: ..."
    return f"/{route}"


def test_every_url_has_a_row():
    missing = sorted(set(our_routes(get_resolver().url_patterns)) - set(TABLE))
    assert not missing, f"Add a line for each of these to TABLE in tests/test_access.py: {missing}"


def test_every_row_has_a_url():
    left_over = sorted(set(TABLE) - set(our_routes(get_resolver().url_patterns)))
    assert not left_over, f"TABLE in tests/test_access.py names URLs that do not exist: {left_over}"


PICTURES = re.compile(r"(files/<str:name>|thumbs/.*\.png)$")


class Door:
    """Knocks at every URL as each of study one's people; each request is rolled back."""

    def __init__(self, people: dict[str, Any]) -> None:
        self.clients = {role: Client(raise_request_exception=False) for role in ROLES}
        for role in ROLES[1:]:
            self.clients[role].force_login(people[role])
        self.cookies = {role: client.cookies.copy() for role, client in self.clients.items()}
        self.policies: dict[str, set[str]] = {}  # of each route, what browsers were told of keeping

    def answer(self, role: str, route: str, row: Row, slug: str, objects: World) -> str:
        """ "in", or why not: "login", "401", "403", "404" ..."""
        client = self.clients[role]
        client.cookies = self.cookies[role].copy()
        with transaction.atomic():
            body = {"content_type": "application/json"} if route.startswith("api/") and row.method != "get" else {}
            response = getattr(client, row.method)(fill(route, row.values(slug, objects)), row.data(objects), **body)
            transaction.set_rollback(True)
        self.policies.setdefault(route, set()).add(response.headers["Cache-Control"])
        if response.status_code == 302 and response.headers["Location"].startswith("/accounts/login/"):
            return "login"
        if response.status_code in (401, 403, 404, 405, 409) or response.status_code >= 500:
            return str(response.status_code)
        return "in"


def expected(role: str, row: Row, let_in: tuple[str, ...], state: str) -> set[str]:
    if role in let_in:
        return {"in", "409"} if state in row.states else {"403", "404", "409"}
    return {"login", "401"} if role == "anonymous" else {"403", "404"}


@pytest.fixture
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.django_db
@pytest.mark.parametrize("state", STATES)
def test_every_url_lets_in_whom_its_row_says(state, quiet):
    one, two = make_world("one", state), make_world("two", state)
    door = Door(one.people)
    wrong = []
    for route, row in TABLE.items():
        ways = [("own study", "one", one, row.who), ("other study", "two", two, row.elsewhere)]
        if "<slug:slug>" in route and row.objects and row.own:
            ways += [("object of another study", "one", two, ()), ("own object, other study's slug", "two", one, ())]
        try:
            row.values("one", one)
        except AttributeError:
            if state != "draft":
                raise
            continue  # reads and answers exist only once a study has opened
        for way, slug, objects, let_in in ways:
            for role in ROLES:
                answer = door.answer(role, route, row, slug, objects)
                right = expected(role, row, let_in, state)
                if role == "outsider" and "<slug:slug>" in route and role not in let_in:
                    right = {"404"}  # 403 would tell that the study exists
                if answer not in right:
                    wrong.append(f"{role} at {row.method} {route} ({way}): {answer}, not {' or '.join(sorted(right))}")
    assert not wrong, f"In the state {state}:\n" + "\n".join(wrong)
    browsers_keep_pictures_only(door.policies)


def browsers_keep_pictures_only(policies: dict[str, set[str]]) -> None:
    """Their names tell nothing, and they are kept privately."""
    for route, told in policies.items():
        kept = {policy for policy in told if "no-store" not in policy}
        assert all(policy.startswith("private, max-age=") for policy in kept), route
        assert not kept or PICTURES.search(route), route
