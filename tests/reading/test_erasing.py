"""A reader's personal data are erased everywhere, histories included; answers stay under the code."""

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import models

from readerstudy.accounts.erasing import erase_account
from readerstudy.accounts.models import Erasure, User
from readerstudy.reading.erasing import erase
from readerstudy.reading.models import Reader, Response
from readerstudy.reading.withdrawing import reinstate, withdraw
from readerstudy.studies.models import Membership
from tests.builders import make_member, make_user
from tests.worlds import World, make_world

pytestmark = pytest.mark.django_db
PERSON = ("one-reader", "Ann Examplewoman", "Examplewoman", "paediatric neuroradiology", "she is ill")


@pytest.fixture
def world() -> World:
    """A reader with a name, a profile, a withdrawal, an invitation, and a line in the administration's log."""
    world = make_world("one")
    user, root = world.people["reader"], world.people["administrator"]
    user.first_name, user.last_name = "Ann", "Examplewoman"
    user.save()
    world.reader.specialty, world.reader.years_experience = "paediatric neuroradiology", 31
    world.reader.save()
    withdraw(world.reader, "she is ill")
    world.invitation.email = user.email.upper()
    world.invitation.save()
    LogEntry.objects.create(
        user=root, content_type=ContentType.objects.get_for_model(Membership), object_id=str(world.membership.pk),
        object_repr=str(world.membership), action_flag=CHANGE, change_message=f"of {user.email}",
    )  # fmt: skip
    return world


def everything_stored() -> str:
    """Every text of every table, histories too."""
    texts = []
    for model in apps.get_models():
        names = [field.name for field in model._meta.concrete_fields if not isinstance(field, models.ForeignKey)]
        texts += [f"{model.__name__}: {row}" for row in model._base_manager.values_list(*names)]
    return "\n".join(texts)


def test_nothing_stored_tells_who_it_was_and_the_answers_stay(world, client):
    assert all(word in everything_stored() for word in PERSON[2:])
    answers = list(Response.objects.order_by("pk").values())
    client.force_login(world.people["administrator"])
    page = client.get("/studies/one/readers/R1/erase/").content.decode()
    assert "Kept under the code R1" in page and "leaves 0 other studies" in page
    client.post("/studies/one/readers/R1/erase/", {"why": "asked by letter of 2 May"})
    left = everything_stored().lower()
    assert [word for word in PERSON if word.lower() in left] == []
    erasure = Erasure.objects.get()
    assert (erasure.by, erasure.why) == (world.people["administrator"], "asked by letter of 2 May")
    reader = Reader.objects.get(code="R1", study=world.study)
    assert (reader.specialty, reader.years_experience, reader.consented_at) == ("", None, world.reader.consented_at)
    assert list(Response.objects.order_by("pk").values()) == answers
    user = reader.membership.user
    assert not user.is_active and not user.has_usable_password() and user.email == f"erased-{user.pk}@erased.invalid"
    assert "erased already" in client.get("/studies/one/readers/R1/erase/").content.decode()


def test_who_was_logged_in_is_out_and_cannot_come_back(world, client):
    world.invitation.delete()
    client.force_login(world.people["reader"])
    erase(world.reader, "asked", None)
    assert client.get("/api/reading/one/state/").status_code == 401
    with pytest.raises(ValidationError, match="nobody can read in this place again"):
        reinstate(world.reader)


def test_a_closed_study_counts_its_readers_as_before_and_a_profile_can_be_kept():
    world = make_world("two", "closed")
    world.reader.specialty = "radiology"
    world.reader.save()
    erase(world.reader, "asked", None, keeps_profile=True)
    reader = Reader.objects.get(pk=world.reader.pk)
    assert (reader.specialty, reader.withdrawn_at) == ("radiology", None)


def test_an_empty_address_is_found_in_no_other_entry_of_the_log():
    user = make_user("nobody-else")
    User.objects.filter(pk=user.pk).update(email="")
    of = {"user": user, "content_type": ContentType.objects.get_for_model(User), "action_flag": CHANGE}
    kept = LogEntry.objects.create(object_repr="Batch ward", change_message="Changed.", **of)
    told = LogEntry.objects.create(object_repr="Nobody-Else", change_message="", **of)
    erase_account(user, "asked", None)
    assert LogEntry.objects.filter(pk=kept.pk, object_repr="Batch ward", change_message="Changed.").exists()
    assert LogEntry.objects.get(pk=told.pk).object_repr == f"erased-{user.pk}"


def test_a_studys_administrator_closes_no_account(world, client):
    client.force_login(make_member(world.study, "one-head", "administrator"))
    assert client.post("/studies/one/readers/R1/erase/", {"why": "asked"}).status_code == 403
    assert "Erase personal data" not in client.get("/studies/one/people/").content.decode()
    assert not Erasure.objects.exists()
    client.force_login(world.people["administrator"])
    assert "Erase personal data" in client.get("/studies/one/people/").content.decode()


def test_an_administrator_is_not_erased_and_a_reason_is_needed(world):
    with pytest.raises(ValidationError, match="take its staff rights away first"):
        erase_account(world.people["administrator"], "asked", None)
    with pytest.raises(ValidationError, match="Say why"):
        erase(world.reader, " ", None)
    assert "Examplewoman" in everything_stored()
