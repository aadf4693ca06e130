"""Readers' pages are dark as the room is, from the invitation and the log-in to the last page."""

import pytest
from django.test import Client
from django.utils import timezone

from readerstudy.reading.models import Reader
from readerstudy.studies import invitations
from tests.worlds import make_world

pytestmark = pytest.mark.django_db


def themes(client: Client, *addresses: str) -> dict[str, str]:
    found = {}
    for address in addresses:
        page = client.get(address).content.decode()
        found[address] = "dark" if 'data-theme="dark"' in page else "light" if 'data-theme="light"' in page else page
    return found


def test_every_page_on_a_readers_way_is_dark():
    world = make_world("one")
    out = Client()
    way = ["/accounts/login/?next=/reading/one/", invitations.link_path(world.invitation)]
    assert set(themes(out, *way).values()) == {"dark"}
    reader = Client()
    reader.force_login(world.people["reader"])
    Reader.objects.update(consented_at=timezone.now(), instructions_read_at=timezone.now(), specialty="radiology")
    places = ["", "consent/", "profile/", "instructions/", "nothing/"]
    assert set(themes(reader, "/", *(f"/reading/one/{place}" for place in places)).values()) == {"dark"}


def test_pages_of_those_who_run_a_study_stay_light():
    world = make_world("one")
    client = Client()
    assert set(themes(client, "/accounts/login/", "/accounts/login/?next=/studies/one/", "/").values()) == {"light"}
    client.force_login(world.people["researcher"])
    assert set(themes(client, "/", "/studies/one/", "/studies/one/progress/").values()) == {"light"}
