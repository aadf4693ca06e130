"""An archived study is out of the lists and can only be looked at; nothing is lost, and it can be brought back."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from readerstudy.studies.drafting import QUESTIONS, replace_questions
from readerstudy.studies.invitations import InvitationError, join
from readerstudy.studies.lifecycle import archive_study, open_study, reopen_study
from readerstudy.studies.models import Study
from readerstudy.studies.precomputing import refuse_unless_renderable
from tests.builders import make_study, make_user
from tests.worlds import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(client) -> World:
    world = make_world("one", "closed")
    client.force_login(world.people["researcher"])
    client.post("/studies/one/archive/")
    return world


def test_it_leaves_the_lists_of_those_who_run_it_and_of_those_who_read(world, client):
    page = client.get("/").content.decode()
    assert "/studies/one/" not in page and "Archived: 1" in page
    assert "/studies/one/" in client.get("/?archived").content.decode()
    client.force_login(world.people["reader"])
    assert "/reading/one/" not in client.get("/").content.decode()


def test_it_can_be_looked_at_and_exported_and_not_changed(world, client):
    assert "Bring back" in client.get("/studies/one/").content.decode()
    assert client.get("/studies/one/results/tables/long/").status_code == 200
    for page in ("exclusions/", "people/", "new-version/", "readers/R1/withdraw/"):
        answer = client.post(f"/studies/one/{page}", {"why": "a test"})
        assert answer.status_code == 403 and b"Bring it back first" in answer.content, page
    with pytest.raises(ValidationError, match="bring it back first"):
        reopen_study(world.study, "more readers", None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Study.objects.filter(pk=world.study.pk).update(state="open", closed_at=None)


def test_brought_back_it_is_as_it_was_and_its_history_says_so(world, client):
    client.post("/studies/one/archive/", {"action": "return"})
    study = Study.objects.get(slug="one")
    assert study.archived_at is None and study.protocol_sha256 == world.study.protocol_sha256
    assert [row.archived_at is not None for row in study.history.all()[:2]] == [False, True]
    assert "/studies/one/" in client.get("/").content.decode()


def test_an_open_study_is_not_archived_and_a_draft_is_left_alone_there(client):
    with pytest.raises(ValidationError, match="is open: only a draft or a closed study"):
        archive_study(make_world("two").study)
    draft = archive_study(make_study("draft"))
    reads = make_user("late")
    for change in (
        lambda: open_study(draft),
        lambda: replace_questions(draft, QUESTIONS),
        lambda: refuse_unless_renderable(draft),
        lambda: join(draft, reads, "reader"),
    ):
        with pytest.raises((ValidationError, InvitationError), match="is archived"):
            change()
