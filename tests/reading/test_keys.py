"""A reader's own keys: known actions, no conflicts, nothing reserved; kept, shown, and reset."""

import pytest
from django.test import Client

from readerstudy.reading.keys import SHORTCUTS, checked, table
from readerstudy.reading.models import Reader
from tests.builders import make_reader, make_reads, make_study, make_user, open_now

pytestmark = pytest.mark.django_db
PREFERENCES = "/api/reading/trial/preferences/"


@pytest.fixture
def me():
    reader = make_reader(open_now(make_study(examples=2)), user=make_user("reader"))
    make_reads(reader)
    Reader.objects.filter(pk=reader.pk).update(consented_at="2026-01-01T00:00Z", specialty="Radiology")
    return reader


@pytest.fixture
def client(me):
    client = Client()
    client.force_login(me.membership.user)
    return client


def put(client, **wish):
    return client.put(PREFERENCES, wish, content_type="application/json")


def keys_of(client):
    rows = client.get("/api/reading/trial/state/").json()["keys"]
    return {row["action"]: row["keys"] for row in rows}


def test_the_usual_keys_are_no_conflict_among_themselves():
    assert checked({row.action: list(row.keys) for row in SHORTCUTS}) == {}
    assert len({row.action for row in SHORTCUTS}) == len(SHORTCUTS)
    assert [row["action"] for row in table({})] == [row.action for row in SHORTCUTS]


def test_own_keys_are_kept_with_the_reader_and_reset(client, me):
    answered = put(client, keys={"overlay": ["ü", "Y"], "invert": ["o"], "loupe": []})
    assert answered.status_code == 200
    me.refresh_from_db()
    assert me.keys == {"overlay": ["ü", "y"], "invert": ["o"], "loupe": []}
    assert keys_of(client)["overlay"] == ["ü", "y"] and keys_of(client)["loupe"] == []
    assert answered.json()["keys"] == client.get("/api/reading/trial/state/").json()["keys"]
    assert me.single_key_shortcuts is True
    assert put(client, single_key_shortcuts=False).status_code == 200
    assert keys_of(client)["invert"] == ["o"], "one preference leaves the other alone"
    assert put(client, keys={}).status_code == 200
    me.refresh_from_db()
    assert me.keys == {} and me.single_key_shortcuts is False
    assert keys_of(client)["overlay"] == ["o"]


REFUSED = [
    ({"launch": ["y"]}, "There is no action “launch”"),
    ({"overlay": ["i"]}, "“i” would be of two actions: “overlay on or off” and “invert”"),
    ({"overlay": ["y"], "invert": ["Y"]}, "“y” would be of two actions"),
    ({"overlay": ["5"]}, "digits answer the questions"),
    ({"overlay": ["٥"]}, "digits answer the questions"),
    ({"overlay": [" "]}, "a key is one letter or sign"),
    ({"overlay": ["Enter"]}, "a key is one letter or sign"),
    ({"overlay": ["Backspace"]}, "a key is one letter or sign"),
    ({"overlay": ["\t"]}, "a key is one letter or sign"),
    ({"overlay": [""]}, "a key is one letter or sign"),
    ({"overlay": ["\ud800"]}, "a key is one letter or sign"),
    ({"overlay": ["y", "q", "ä", "ö"]}, "at most 3 keys"),
    ({"overlay": "y"}, "at most 3 keys"),
    ({"overlay": [7]}, "at most 3 keys"),
    (["overlay"], "Keys are an object"),
]


@pytest.mark.parametrize(("keys", "sentence"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_a_key_is_refused_in_words_and_changes_nothing(client, me, keys, sentence):
    before = {"loupe": ["ß"]}
    put(client, keys=before)
    answered = put(client, keys=keys)
    assert answered.status_code == 400
    assert sentence in answered.json()["detail"]
    assert Reader.objects.get().keys == before


def test_an_empty_wish_is_refused(client):
    assert put(client).status_code == 400
    assert client.put(PREFERENCES, {"keys": None}, content_type="application/json").status_code == 400


def test_keys_stored_under_another_release_are_no_trouble(client, me):
    me.keys = {"gone": ["y"], "overlay": ["i"]}
    me.save()
    found = keys_of(client)
    assert found["overlay"] == ["i"] and found["invert"] == [] and "gone" not in found


def test_the_profile_page_shows_changes_and_resets_them(client, me):
    page = client.get("/reading/trial/profile/").content.decode()
    assert "Overlay on or off" in page and 'name="key-overlay" value="o"' in page
    form = {f"key-{row['action']}": " ".join(row["keys"]) for row in table({})}
    clash = client.post("/reading/trial/profile/", {**form, "key-overlay": "i", "keys": "own"})
    assert "would be of two actions" in clash.content.decode()
    me.refresh_from_db()
    assert me.keys == {}
    kept = client.post("/reading/trial/profile/", {**form, "key-overlay": "y ü", "keys": "own"}, follow=True)
    assert "Your keys are kept." in kept.content.decode()
    me.refresh_from_db()
    assert me.keys == {"overlay": ["y", "ü"]} and me.specialty == "Radiology"
    client.post("/reading/trial/profile/", {"keys": "usual"})
    me.refresh_from_db()
    assert me.keys == {}
