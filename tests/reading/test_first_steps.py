"""Before the first read: consent first, for without it nothing about a person is stored."""

import pytest

from tests.builders import make_reader, make_study, make_user, open_now

pytestmark = pytest.mark.django_db
PROFILE = {"specialty": "radiology", "years_experience": 7, "ai_experience": "tried"}


def test_no_profile_is_taken_before_consent(client):
    study = make_study()
    reader = make_reader(study, user=make_user("ann"))
    open_now(study)
    client.force_login(reader.membership.user)
    early = client.post("/reading/trial/profile/", PROFILE)
    assert early.headers["Location"] == "/reading/trial/consent/"
    reader.refresh_from_db()
    assert reader.specialty == ""
    consented = client.post("/reading/trial/consent/", {"agree": "on"})
    assert consented.headers["Location"] == "/reading/trial/profile/"
    taken = client.post("/reading/trial/profile/", PROFILE)
    assert taken.headers["Location"] == "/reading/trial/instructions/"
    reader.refresh_from_db()
    assert (reader.specialty, reader.years_experience) == ("radiology", 7)
