"""What several people do in the same moment happens once, or to one of them (SQLite takes writers one by one)."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.reading.models import Assignment, Read, Reader, Response
from readerstudy.studies import invitations
from readerstudy.studies.lifecycle import new_version, open_study
from readerstudy.studies.models import Study
from tests.builders import make_member, make_reader, make_study, make_user
from tests.studies.test_invitations import PASSWORD, invited
from tests.studies.test_lifecycle import complete

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: SQLite has one writer at a time"),
]
BASE = "/api/reading/trial/"


def together(*actions: Callable[[], Any]) -> list[Any]:
    """What each returns, or the ValidationError it raises; all start at once, each with a connection of its own."""
    barrier, results = threading.Barrier(len(actions)), [None] * len(actions)

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = actions[index]()
        except ValidationError as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_opening_editing_and_joining_at_once():
    study = complete(make_study(examples=4))
    ann = make_member(study, "ann", "researcher")
    links = [invitations.link_path(invited(study, f"new{number}@example.org")) for number in (1, 2)]
    design = {"title": "Late", "instructions": "i", "consent": "c", "washout_days": 0, "allocation": "random"}
    design |= {"order": "mixed", "seed": 9, "drag_direction": "standard"}
    editor = Client()
    editor.force_login(ann)
    results = together(
        lambda: open_study(study, ann),
        lambda: open_study(study, ann),
        lambda: editor.post("/studies/trial/design/", design).status_code,
        *[lambda link=link: Client().post(link, PASSWORD).status_code for link in (links[0], links[0], links[1])],
    )
    assert sorted(isinstance(result, ValidationError) for result in results[:2]) == [False, True]
    assert sorted(results[3:5]) == [302, 410] and results[5] == 302, "one link makes one account"
    study.refresh_from_db()
    assert study.state == "open"
    assert (study.title == "Late") == (results[2] == 302), "an edit is saved before the opening, or refused"
    assert sorted(study.readers.values_list("code", flat=True)) == ["R1", "R2"]
    assert sorted(study.readers.values_list("rotation", flat=True)) == [0, 1]
    assert (User.objects.count(), Read.objects.count(), Assignment.objects.count()) == (3, 4, 16)
    versions = together(lambda: new_version(study), lambda: new_version(study))
    assert sorted(isinstance(version, Study) for version in versions) == [False, True]


def test_answering_and_finishing_at_once():
    study = complete(make_study(examples=2))
    reader = make_reader(study, user=make_user("reader"))
    open_study(study)
    now = timezone.now()
    Reader.objects.update(consented_at=now, instructions_read_at=now, specialty="radiology")
    reader.reads.filter(number=1).update(opened_at=now)

    def send(method: str, path: str, body: dict[str, Any]) -> int:
        client = Client()
        client.force_login(reader.membership.user)
        return getattr(client, method)(BASE + path, body, content_type="application/json").status_code

    def answer(visit: str, question: str, score: int, answer_id: uuid.UUID | None = None) -> int:
        path = f"responses/{answer_id or uuid.uuid4()}/"
        return send("put", path, {"visit": visit, "question": question, "score": score})

    client, visits = Client(), []
    client.force_login(reader.membership.user)
    for position in (1, 2):
        token = client.get(f"{BASE}assignments/{position}/").json()["visit_token"]
        body = {"id": str(uuid.uuid4()), "position": position, "visit_token": token}
        assert set(together(*[lambda body=body: send("post", "visits/", body)] * 3)) <= {200, 201}
        visits.append(body["id"])
    same = uuid.uuid4()
    together(*[lambda: answer(visits[0], "confidence", 3, same)] * 3)
    assert Response.objects.count() == 1
    together(*[lambda score=score: answer(visits[0], "confidence", score) for score in (1, 2, 4, 5)])
    assert list(Response.objects.values_list("revision", flat=True)) == [1, 2, 3, 4, 5]
    for visit, question in ((visits[0], "feature"), (visits[1], "confidence"), (visits[1], "feature")):
        answer(visit, question, 2)
    finish, *late = together(
        lambda: send("post", "finish/", {}),
        *[lambda score=score: answer(visits[0], "feature", score) for score in (1, 3, 4)],
    )
    assert finish == 200 and set(late) <= {201, 409}
    finished = reader.reads.get(number=1).finished_at
    assert not Response.objects.filter(received_at__gt=finished).exists()
