"""API tokens: for people who run a study, shown once, revocable."""

import pytest
from rest_framework.authtoken.models import Token

from tests.builders import make_member, make_study

pytestmark = pytest.mark.django_db


def test_a_token_is_shown_once_and_opens_the_api_until_revoked(client):
    client.force_login(make_member(make_study(), "bob", "researcher"))
    page = client.post("/accounts/token/", {"action": "make"}).content.decode()
    key = Token.objects.get().key
    assert key in page
    assert key not in client.get("/accounts/token/").content.decode()
    client.post("/accounts/token/", {"action": "revoke"})
    assert not Token.objects.exists()


def test_a_script_uses_it_in_place_of_a_log_in(client):
    user = make_member(make_study(), "bob", "researcher")
    headers = {"authorization": f"Token {Token.objects.create(user=user).key}"}
    assert client.get("/api/schema/", headers=headers).status_code == 200


def test_without_one_the_api_answers_401_as_problem_json(client):
    response = client.get("/api/reading/trial/state/")
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "login_required"


def test_readers_have_none(client):
    client.force_login(make_member(make_study(), "ann", "reader"))
    assert client.post("/accounts/token/", {"action": "make"}).status_code == 403
    assert not Token.objects.exists()
