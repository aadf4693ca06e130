"""The page at /: studies by role, or the way in."""

import pytest

from tests.builders import make_member, make_study, make_user, open_now

pytestmark = pytest.mark.django_db


def test_whoever_is_not_logged_in_is_shown_the_way_in(client):
    make_study("secret")
    page = client.get("/").content.decode()
    assert "/accounts/login/" in page
    assert "secret" not in page


def test_a_reader_sees_the_own_study_and_no_way_to_run_it(client):
    study = open_now(make_study("one"))
    make_study("two")
    client.force_login(make_member(study, "ann", "reader"))
    page = client.get("/").content.decode()
    assert "/reading/one/" in page
    assert "/studies/" not in page
    assert "two" not in page


def test_a_reader_is_told_that_a_draft_has_not_opened(client):
    client.force_login(make_member(make_study("one"), "ann", "reader"))
    page = client.get("/").content.decode()
    assert "has not opened yet" in page
    assert "/reading/one/" not in page


def test_a_researcher_sees_the_studies_they_run(client):
    client.force_login(make_member(make_study("one"), "bob", "researcher"))
    make_study("two")
    page = client.get("/").content.decode()
    assert "/studies/one/" in page
    assert "/studies/two/" not in page
    assert "/admin/" not in page


def test_an_administrator_sees_every_study_in_a_constant_number_of_queries(client, django_assert_max_num_queries):
    for index in range(5):
        make_study(f"study-{index}")
    client.force_login(make_user("root", is_staff=True))
    with django_assert_max_num_queries(6):
        page = client.get("/").content.decode()
    assert page.count('href="/studies/study-') == 5
    assert "/batches/" in page
