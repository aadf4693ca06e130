"""The reading API: idempotent, append-only, and closed to everything that is not the reader's own open read."""

import re
import uuid
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.explanations.models import Explanation
from readerstudy.reading.allocation import allocate_study
from readerstudy.reading.models import Exclusion, Read, Response, Visit
from readerstudy.reading.session import page_of
from tests.builders import make_reader, make_response, make_study, make_user, open_now

pytestmark = pytest.mark.django_db
BASE = "/api/reading/trial/"


@pytest.fixture
def me():
    """A reader in an open study of four examples, through consent, profile and instructions, with read 1 open."""
    study = make_study(examples=4)
    for example in study.examples.all():
        for kind in ("input_gradient", "latentshift_map"):
            example.explanations.add(
                Explanation.objects.create(prediction=example.prediction, kind=kind, key=kind, status="done")
            )
    reader = make_reader(study, user=make_user("reader"))
    reader.consented_at = reader.instructions_read_at = timezone.now()
    reader.specialty = "radiology"
    reader.save()
    open_now(study)
    allocate_study(study)
    reader.refresh_from_db()
    reader.reads.filter(number=1).update(opened_at=timezone.now())
    return reader


@pytest.fixture
def client(me):
    client = Client()
    client.force_login(me.membership.user)
    return client


def put(client, path, body):
    return client.put(BASE + path, body, content_type="application/json")


def open_visit(client, position=1):
    token = client.get(f"{BASE}assignments/{position}/").json()["visit_token"]
    visit = str(uuid.uuid4())
    body = {"id": visit, "position": position, "visit_token": token}
    assert client.post(BASE + "visits/", body, content_type="application/json").status_code == 201
    return visit


def answer(client, visit, question="confidence", score=4, answer_id=None):
    return put(
        client, f"responses/{answer_id or uuid.uuid4()}/", {"visit": visit, "question": question, "score": score}
    )


def answer_all(client, read):
    for assignment in read.assignments.all():
        visit = open_visit(client, assignment.position)
        for question in ("confidence", "feature"):
            assert answer(client, visit, question, 3).status_code in (200, 201)


def test_the_state_says_where_to_go_on(client, me):
    visit = open_visit(client, 1)
    answer(client, visit, "confidence")
    answer(client, visit, "feature")
    body = client.get(BASE + "state/").json()
    assert body["reader"] == "R1"
    assert body["read"]["done"] == 1
    assert body["read"]["resume_position"] == 2
    assert [question["key"] for question in body["questions"]] == ["confidence", "feature"]


def test_an_assignment_is_an_allow_list_and_takes_few_queries(client, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        body = client.get(BASE + "assignments/2/").json()
    assert set(body) == {
        "position", "total", "practice", "example", "method", "case", "panels", "answers", "comment", "visit_token",
        "not_asked",
    }  # fmt: skip
    assert set(body["example"]) == {
        *("pathology", "probability_percent", "probability_band", "sex", "age", "view", "origin")
    }
    assert [panel["type"] for panel in body["panels"]] == ["input", "map"]


def test_the_same_answer_twice_is_stored_once(client):
    visit, answer_id = open_visit(client), uuid.uuid4()
    first = answer(client, visit, answer_id=answer_id)
    again = answer(client, visit, answer_id=answer_id)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Response.objects.count() == 1


@pytest.mark.parametrize("change", [{"score": 1}, {"question": "feature"}, {"position": 2}], ids=str)
def test_an_id_used_for_something_else_is_a_conflict_and_changes_nothing(client, change):
    """Of another score, question or example: the first stays, the second is not called stored."""
    visits, answer_id = {1: open_visit(client), 2: open_visit(client, 2)}, uuid.uuid4()
    assert answer(client, visits[1], answer_id=answer_id).status_code == 201
    before = list(Response.objects.values())
    asked = {"question": "confidence", "score": 4, **change}
    refused = answer(client, visits[asked.pop("position", 1)], answer_id=answer_id, **asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "id_conflict")
    assert list(Response.objects.values()) == before
    assert answer(client, visits[1], answer_id=answer_id).status_code == 200


def test_an_answer_must_be_of_the_example_and_read_of_its_visit(client):
    visit = open_visit(client)
    body = {"visit": visit, "question": "confidence", "score": 4}
    for other in ({"position": 2}, {"read": 2}):
        refused = put(client, f"responses/{uuid.uuid4()}/", body | other)
        assert (refused.status_code, refused.json()["code"]) == (409, "visit_conflict")
    assert not Response.objects.exists()
    assert put(client, f"responses/{uuid.uuid4()}/", body | {"position": 1, "read": 1}).status_code == 201


def test_a_visit_id_used_for_another_example_or_read_is_a_conflict(client):
    visit = open_visit(client)
    token = client.get(BASE + "assignments/2/").json()["visit_token"]
    post = lambda body: client.post(BASE + "visits/", body, content_type="application/json")
    assert post({"id": visit, "position": 2, "visit_token": token}).json()["code"] == "visit_conflict"
    fresh = {"id": str(uuid.uuid4()), "position": 2, "visit_token": token}
    assert post(fresh | {"read": 2}).json()["code"] == "stale_visit"
    assert Visit.objects.count() == 1
    assert post(fresh | {"read": 1}).status_code == 201


def test_a_changed_score_is_a_revision_and_the_same_score_is_not(client):
    visit = open_visit(client)
    revisions = [answer(client, visit, score=score).json()["revision"] for score in (4, 4, 2, 4)]
    assert revisions == [1, 1, 2, 3]
    assert client.get(BASE + "assignments/1/").json()["answers"] == {"confidence": 4}


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_score_out_of_range_is_refused_with_a_sentence(client, score):
    refused = answer(client, open_visit(client), score=score)
    assert refused.status_code == 409
    assert refused.json()["detail"] == "The score must be from 1 to 5."
    assert not Response.objects.exists()


def test_a_body_that_does_not_fit_is_named(client):
    refused = put(client, f"responses/{uuid.uuid4()}/", {"visit": "x", "question": "confidence"})
    assert refused.status_code == 400
    assert "score: This field is required." in refused.json()["detail"]


def test_visits_are_idempotent_and_measures_never_shrink(client, me):
    visit = open_visit(client)
    put(client, f"visits/{visit}/", {"visible_ms": 900, "actions": {"zoom": 2}, "comment": "unsure"})
    put(client, f"visits/{visit}/", {"visible_ms": 400})
    stored = Visit.objects.get(id=visit)
    assert (stored.visible_ms, stored.actions, stored.comment) == (900, {"zoom": 2}, "unsure")
    token = client.get(BASE + "assignments/1/").json()["visit_token"]
    again = {"id": visit, "position": 1, "visit_token": token}
    assert client.post(BASE + "visits/", again, content_type="application/json").status_code == 200
    assert Visit.objects.count() == 1
    assert client.get(BASE + "assignments/1/").json()["comment"] == "unsure"


def test_an_answer_carries_its_own_times_beside_the_servers(client):
    visit = open_visit(client)
    put(client, f"visits/{visit}/", {"images_ready_ms": 400})
    at = "2026-03-02T07:00:00Z"
    for question, elapsed in (("confidence", 2100), ("feature", 3900)):
        times = {"client_answered_at": at, "elapsed_ms": elapsed, "visible_ms": elapsed - 100}
        body = {"visit": visit, "question": question, "score": 4, **times}
        assert put(client, f"responses/{uuid.uuid4()}/", body).status_code == 201
    assert answer(client, visit, score=5).status_code == 201
    found = Response.objects.order_by("id").values_list("elapsed_ms", "visible_ms", "answered_at__year")
    assert list(found) == [(2100, 2000, 2026), (3900, 3800, 2026), (None, None, None)]


def comment_shown(client):
    return client.get(BASE + "assignments/1/").json()["comment"]


def test_a_visit_that_leaves_the_comment_alone_keeps_it(client):
    first, second = open_visit(client), open_visit(client)
    put(client, f"visits/{first}/", {"comment": "unsure"})
    for silent in ({"visible_ms": 5}, {"visible_ms": 6, "comment": None}):
        assert put(client, f"visits/{second}/", silent).status_code == 200
        assert put(client, f"visits/{first}/", silent).status_code == 200
    assert comment_shown(client) == "unsure"
    assert Visit.objects.get(id=second).comment is None


def test_clearing_the_comment_is_kept_as_a_revision(client):
    first, second, third = open_visit(client), open_visit(client), open_visit(client)
    put(client, f"visits/{first}/", {"comment": "unsure"})
    put(client, f"visits/{second}/", {"comment": ""})
    put(client, f"visits/{third}/", {"visible_ms": 5})
    put(client, f"visits/{first}/", {"visible_ms": 7})  # late: it does not bring its comment back
    assert comment_shown(client) == ""
    assert [Visit.objects.get(id=visit).comment for visit in (first, second, third)] == ["unsure", "", None]


def test_a_visit_of_another_read_is_refused(client, me):
    token = client.get(BASE + "assignments/1/").json()["visit_token"]
    answer_all(client, me.reads.get(number=1))
    client.post(BASE + "finish/")
    me.reads.filter(number=2).update(opened_at=timezone.now())
    stale = {"id": str(uuid.uuid4()), "position": 1, "visit_token": token}
    assert client.post(BASE + "visits/", stale, content_type="application/json").json()["code"] == "stale_visit"


def test_finishing_names_what_is_missing_and_then_closes_the_read(client, me):
    read = me.reads.get(number=1)
    visit = open_visit(client, 1)
    answer(client, visit)
    refused = client.post(BASE + "finish/")
    assert refused.status_code == 409
    assert "4 examples are not answered yet: positions 1, 2, 3, 4" in refused.json()["detail"]
    answer_all(client, read)
    assert client.post(BASE + "finish/").status_code == 200
    assert client.post(BASE + "finish/").status_code == 200
    assert answer(client, visit, score=1).json()["code"] == "read_finished"


def test_a_late_finish_of_one_read_never_finishes_the_next(client, me):
    finish = lambda number: client.post(BASE + "finish/", {"read": number}, content_type="application/json")
    answer_all(client, me.reads.get(number=1))
    first = finish(1).json()["finished_at"]
    me.reads.filter(number=2).update(opened_at=timezone.now())
    answer_all(client, me.reads.get(number=2))
    assert finish(1).json()["finished_at"] == first
    assert me.reads.get(number=2).finished_at is None
    assert finish(3).json()["code"] == "stale_read"
    assert finish(2).status_code == 200


def test_an_excluded_example_does_not_hold_a_reader_up(client, me):
    read = me.reads.get(number=1)
    for position in (1, 2, 3):
        visit = open_visit(client, position)
        for question in ("confidence", "feature"):
            answer(client, visit, question)
    assert client.post(BASE + "finish/").status_code == 409
    broken = read.assignments.get(position=4).example
    Exclusion.objects.create(study=me.study, example=broken, why="the image is damaged")
    assert client.post(BASE + "finish/").status_code == 200


def test_changes_can_be_forbidden(client, me):
    type(me.study).objects.filter(pk=me.study.pk).update(allow_changes=False)
    visit = open_visit(client)
    assert answer(client, visit, score=4).status_code == 201
    assert answer(client, visit, score=5).json()["code"] == "changes_not_allowed"


def test_washout_is_enforced_by_the_server(client, me):
    type(me.study).objects.filter(pk=me.study.pk).update(washout_days=7)
    answer_all(client, me.reads.get(number=1))
    client.post(BASE + "finish/")
    client.post("/reading/trial/start/")
    assert me.reads.get(number=2).opened_at is None
    page = client.get("/reading/trial/").content.decode()
    assert f"{timezone.now() + timedelta(days=7):%Y}" in page and "opens on" in page
    Read.objects.filter(reader=me, number=1).update(
        opened_at=timezone.now() - timedelta(days=9), finished_at=timezone.now() - timedelta(days=8)
    )
    client.post("/reading/trial/start/")
    assert me.reads.get(number=2).opened_at is not None


def test_the_second_read_is_locked_until_the_first_is_finished(client, me):
    client.post("/reading/trial/start/")
    assert me.reads.get(number=2).opened_at is None


def test_nobody_elses_visit_takes_an_answer(client, me):
    other = make_reader(me.study, "R2", user=make_user("other"))
    allocate_study(me.study)
    other.reads.filter(number=1).update(opened_at=timezone.now())
    theirs = Client()
    theirs.force_login(other.membership.user)
    visit = open_visit(theirs)
    assert answer(client, visit).json()["code"] == "unknown_visit"
    assert put(client, f"visits/{visit}/", {"visible_ms": 1}).json()["code"] == "unknown_visit"


def test_logged_out_is_a_code_the_page_can_act_on(client):
    refused = Client().get(BASE + "state/")
    assert refused.status_code == 401
    assert refused.json()["code"] == "login_required"


def test_an_expired_session_is_renewed_in_place_with_the_password(client, me):
    client.post("/reading/trial/start/")
    assert client.get("/reading/trial/read/").status_code == 200
    client.cookies.pop("sessionid")
    wrong = client.post("/api/session/", {"password": "guess"}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["detail"]) == (403, "That password is not right.")
    assert client.get(BASE + "state/").status_code == 401
    right = client.post("/api/session/", {"password": "let-me-read-1"}, content_type="application/json")
    assert right.status_code == 200
    assert client.get(BASE + "state/").json()["reader"] == "R1"


def test_with_every_cookie_deleted_the_password_still_helps(me):
    """A privacy setting or a clean-up takes session, CSRF token and the page's own cookie at once."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(me.membership.user)
    page = browser.get("/reading/trial/read/").content.decode()
    signed = re.search(r'data-page="([^"]+)"', page)[1]
    browser.cookies.clear()
    give = lambda password, **headers: browser.post(
        "/api/session/", {"password": password, "page": signed}, content_type="application/json", headers=headers
    )
    refused = give("let-me-read-1")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    assert browser.get("/api/session/").status_code == 204
    token = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    assert give("guess", **token).json()["code"] == "password_refused"
    assert give("let-me-read-1", **token).status_code == 200
    assert browser.get(BASE + "state/").json()["reader"] == "R1"
    assert browser.put(BASE + "preferences/", "{}", content_type="application/json").json()["code"] == "csrf_failed"


def test_an_account_the_server_does_not_know_is_no_wrong_password(client, me):
    signed = page_of(me.membership.user)
    User.objects.update(is_active=False)
    body = {"password": "let-me-read-1", "page": signed}
    refused = Client().post("/api/session/", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "account_unknown")
    forged = Client().post("/api/session/", body | {"page": "1:x:y"}, content_type="application/json")
    assert (forged.status_code, forged.json()["code"]) == (400, "password_refused")


def test_a_page_being_closed_says_in_one_request_what_it_opened_and_how_long(client, me):
    token = client.get(BASE + "assignments/1/").json()["visit_token"]
    opening = {"id": str(uuid.uuid4()), "position": 1, "read": 1, "visit_token": token}
    say = lambda **measures: client.post(BASE + "visits/", opening | measures, content_type="application/json")
    assert say(visible_ms=7000, idle_ms=0, actions={"zoom": 1}).status_code == 201
    assert say(visible_ms=90_000, idle_ms=20_000, actions={"zoom": 3}).status_code == 200
    assert say(visible_ms=8000, actions={"zoom": 2}).status_code == 200  # late: nothing grows smaller
    stored = Visit.objects.get()
    assert (stored.visible_ms, stored.idle_ms, stored.actions) == (90_000, 20_000, {"zoom": 3})
    close(me.study)
    assert say(visible_ms=95_000).json()["code"] == "study_closed"
    assert say().status_code == 200


def test_the_pace_is_the_median_time_looking_over_all_visits(client, me):
    read = me.reads.get(number=1)
    for number, assignment in enumerate(read.assignments.all(), start=1):
        Visit.objects.create(assignment=assignment, visible_ms=None)
        Visit.objects.create(assignment=assignment, visible_ms=1000 * number)
        Visit.objects.create(assignment=assignment, visible_ms=90_000, idle_ms=80_000)
        make_response(assignment, me.study.questions.first(), 3)
    assert client.get(BASE + "state/").json()["read"]["seconds_per_example"] is None  # of four examples
    second = me.reads.get(number=2).assignments.get(position=1)
    Visit.objects.create(assignment=second, visible_ms=60_000)
    assert client.get(BASE + "state/").json()["read"]["seconds_per_example"] is None  # a glance without an answer
    make_response(second, me.study.questions.first(), 3)
    assert client.get(BASE + "state/").json()["read"]["seconds_per_example"] == 13.0  # of 11, 12, 13, 14 and 60


def close(study):
    study.state, study.closed_at = "closed", timezone.now()
    study.save()


@pytest.mark.parametrize("cookie", ["1:forged:signature", ""])
def test_a_page_that_cannot_say_whose_it_is_is_refused(client, cookie):
    client.logout()
    client.cookies["reading_as"] = cookie
    refused = client.post("/api/session/", {"password": "x"}, content_type="application/json")
    assert refused.status_code == 400


def test_a_closed_study_takes_nothing_more(client, me):
    visit = open_visit(client)
    token = client.get(BASE + "assignments/2/").json()["visit_token"]
    answer_all(client, me.reads.get(number=1))
    close(me.study)
    opening = {"id": str(uuid.uuid4()), "position": 2, "visit_token": token}
    for refused in (
        client.post(BASE + "visits/", opening, content_type="application/json"),
        put(client, f"visits/{visit}/", {"comment": "on second thoughts"}),
        client.post(BASE + "finish/"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "study_closed")
    assert Visit.objects.get(id=visit).comment is None


def test_a_late_report_takes_no_viewer_action_back(client):
    visit = open_visit(client)
    put(client, f"visits/{visit}/", {"actions": {"zoom": 3, "pan": 1}})
    put(client, f"visits/{visit}/", {"actions": {"zoom": 2, "invert": 1}})
    assert Visit.objects.get(id=visit).actions == {"zoom": 3, "pan": 1, "invert": 1}


JUNK = [
    *([], "text", 7, None, {"id": []}, {"actions": {"a\0b": 1}}, {"actions": {"zoom": 10**400}}),
    *({"display": {"note": "half \ud800"}}, {"display": {"a": "\0"}}, {"display": []}, {"files": [1]}),
    *({"comment": "\0"}, {"comment": "\ud800"}, {"visible_ms": -1}, {"visible_ms": 1e300}, {"files": [{}] * 99}),
    *({"actions": {str(n): 1 for n in range(201)}}, {"score": 10**30}, {"score": "9" * 5000}, {"question": {}}),
]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_is_refused_with_a_sentence_and_stores_nothing(client, junk):
    visit = open_visit(client)
    before = Visit.objects.values().get(id=visit)
    token = client.get(BASE + "assignments/1/").json()["visit_token"]
    whole = {"id": str(uuid.uuid4()), "position": 1, "visit_token": token, "visit": visit, "question": "confidence"}
    body = {"score": 3, **whole, **junk} if isinstance(junk, dict) else junk
    answers = {
        "visits/": client.post(BASE + "visits/", body, content_type="application/json"),
        "visit": put(client, f"visits/{visit}/", body),
        "response": put(client, f"responses/{uuid.uuid4()}/", body),
        "preferences": put(client, "preferences/", body),
    }
    for path, answered in answers.items():
        assert answered.status_code < 500, path
    assert any(answered.status_code in (400, 409) and answered.json()["detail"] for answered in answers.values())
    if answers["visit"].status_code == 400:
        assert Visit.objects.values().get(id=visit) == before


def test_a_body_nested_too_deeply_is_refused(client):
    for asking, path in ((client, BASE + "visits/"), (Client(), "/api/session/")):
        answered = asking.post(path, "[" * 100_000, content_type="application/json")
        assert answered.status_code == 400


def test_with_a_second_factor_logging_in_in_another_tab_is_enough(client, me):
    client.post("/reading/trial/start/")
    client.get("/reading/trial/read/")
    Authenticator.objects.create(user=me.membership.user, type="totp", data={"secret": "x"})
    client.cookies.pop("sessionid")
    again = lambda: client.post("/api/session/", {"password": "let-me-read-1"}, content_type="application/json")
    assert "log in in another tab" in again().json()["detail"]
    client.force_login(me.membership.user)
    assert again().status_code == 200


def test_somebody_without_part_in_the_study_is_told_whose_page_it_is(client, me):
    client.force_login(make_user("somebody"))
    assert client.get(BASE + "state/").status_code == 404
    refused = client.get(BASE + "state/", headers={"X-Reader": "R1"})
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_reader")


def test_a_page_left_open_for_weeks_still_gives_its_comment(client, me):
    visit = open_visit(client)
    month = 31 * 24 * 3600 * 1000
    assert put(client, f"visits/{visit}/", {"visible_ms": month, "comment": "unsure"}).status_code == 200
    assert Visit.objects.get(id=visit).comment == "unsure"


def test_a_closed_study_takes_no_answer(client, me):
    visit = open_visit(client)
    close(me.study)
    assert answer(client, visit).json()["code"] == "study_closed"


@pytest.mark.parametrize("address", ["/reading/trial/", BASE + "state/", BASE + "assignments/1/"])
def test_nothing_of_a_reader_stays_in_a_cache(client, me, address):
    assert "no-store" in client.get(address)["Cache-Control"]
