"""The page of a study's people: withdrawing readers, removing those who run it."""

import pytest

from readerstudy.reading.models import Response
from tests.builders import make_member, make_reader
from tests.worlds import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(client):
    world = make_world("one")
    client.force_login(world.people["researcher"])
    return world


def test_a_withdrawn_reader_is_shut_out_and_the_answers_stay(client, world):
    page = client.post("/studies/one/readers/R1/withdraw/", {"why": "no time"}, follow=True).content.decode()
    assert "R1 has withdrawn" in page
    assert Response.objects.filter(assignment__read__reader=world.reader).exists()
    client.force_login(world.people["reader"])
    assert client.get("/reading/one/").status_code == 403


def test_a_withdrawal_is_taken_back_and_both_stay_in_the_history(client, world):
    client.post("/studies/one/readers/R1/withdraw/", {"why": "no time"})
    client.post("/studies/one/readers/R1/withdraw/", {"action": "return"})
    world.reader.refresh_from_db()
    assert world.reader.withdrawn_at is None
    assert world.reader.history.filter(withdrawn_at__isnull=False).count() == 1


def test_who_comes_back_after_the_opening_gets_reads(client, world):
    late = make_reader(world.study, "R3")
    client.post("/studies/one/readers/R3/withdraw/", {"why": "no time"})
    client.post("/studies/one/readers/R3/withdraw/", {"action": "return"})
    assert late.reads.filter(number=1).exists()


def test_a_colleague_is_removed_and_shut_out(client, world):
    colleague = make_member(world.study, "cyd", "researcher")
    client.post(f"/studies/one/people/{colleague.memberships.get().pk}/remove/")
    client.force_login(colleague)
    assert client.get("/studies/one/people/").status_code == 404


def test_readers_and_oneself_cannot_be_removed_nor_administrators_by_researchers(client, world):
    boss = make_member(world.study, "boss", "administrator")
    before = world.study.memberships.count()
    for user in (world.people["researcher"], world.people["reader"], boss):
        client.post(f"/studies/one/people/{user.memberships.get().pk}/remove/")
    assert world.study.memberships.count() == before
