"""The Django admin: every model, no query per row, frozen rows read-only, answers never editable."""

import time

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readerstudy.accounts.models import User
from readerstudy.cases.models import Truth
from readerstudy.reading.models import Exclusion, Reader, Response, Visit
from readerstudy.studies.models import Look, Membership, Method, Study
from tests.builders import make_batch, make_study, make_user
from tests.worlds import World, make_world

pytestmark = pytest.mark.django_db
OURS = [
    model
    for model in apps.get_models()
    if model.__module__.startswith("readerstudy.") and not model.__name__.startswith("Historical")
]


def address(model: type, page: str = "", pk: object = None) -> str:
    parts = [f"/admin/{model._meta.app_label}/{model._meta.model_name}", *([str(pk)] if pk else []), page]
    return "/".join(part for part in parts if part) + "/"


@pytest.fixture
def root(client) -> User:
    user = make_user("root", is_staff=True)  # staff and not superuser: rights come from being an administrator
    client.force_login(user)
    return user


@pytest.fixture
def world() -> World:
    return make_world("one")


def test_every_model_is_there():
    missing = [model.__name__ for model in OURS if model not in admin.site._registry]
    assert not missing
    for model in OURS:
        registered = admin.site._registry[model]
        assert registered.search_fields, f"{model.__name__} cannot be searched"


def test_lists_ask_no_query_per_row(client, root, world):
    def queries() -> dict[str, int]:
        counts = {}
        for study in Study.objects.all():  # or nothing would be listed
            client.post(f"/studies/{study.slug}/results/look/", {"why": "a test"})
        for model in (Response, Visit, Truth, *OURS):  # the first time, looks are recorded
            with CaptureQueriesContext(
                connection,
            ) as captured:
                response = client.get(address(model))
            assert response.status_code == 200, model
            counts[model.__name__] = len(captured)
        return counts

    few = queries()
    make_world("two")
    many = queries()
    assert {name: (few[name], many[name]) for name in few if many[name] > few[name]} == {}


def test_every_row_and_its_search_can_be_opened(client, root, world):
    client.post("/studies/one/results/look/", {"why": "a test"})
    for model in OURS:
        row = model.objects.first()
        if row is not None:
            assert client.get(address(model, "change", row.pk)).status_code == 200, model
        assert client.get(address(model), {"q": "one"}).status_code == 200, model


def test_history_is_shown_where_it_is_kept(client, root, world):
    client.post("/studies/one/results/look/", {"why": "a test"})
    for row in (world.study, world.method, world.question, world.membership, world.truth, world.reader):
        assert client.get(address(type(row), "history", row.pk)).status_code == 200, row


def test_nobody_else_gets_in(client, world):
    for role in ("researcher", "reader", "outsider"):
        client.force_login(world.people[role])
        assert client.get("/admin/").status_code != 200
        assert client.get(address(Truth)).status_code != 200


def test_a_draft_can_be_edited(client, root):
    method = make_study().methods.get(key="A")
    data = {"study": method.study_id, "key": "A", "label": "Method X", "kinds": "[]", "position": 1}
    client.post(address(Method, "change", method.pk), data)
    method.refresh_from_db()
    assert method.label == "Method X"


@pytest.mark.parametrize(
    "junk", [{"analysis_plan": "[1]"}, {"analysis_plan": '{"families": [{"name": "x", "truths": 5}]}'},
             {"analysis_plan": '{"alpha": "x"}'}, {"render_parameters": '["steps"]'}, {"render_parameters": "7"}],
)  # fmt: skip
def test_junk_in_json_fields_is_refused_with_a_sentence(client, root, junk):
    study = make_study()
    page = client.get(address(Study, "change", study.pk)).context["adminform"].form
    data = {name: value for name, value in page.initial.items() if value is not None}
    data |= {"analysis_plan": "", "render_parameters": "{}"}
    assert client.post(address(Study, "change", study.pk), data).status_code == 302
    assert "cannot be used" in client.post(address(Study, "change", study.pk), data | junk).content.decode()
    method = study.methods.get(key="A")
    data = {"study": study.pk, "key": "A", "label": "A", "kinds": '[{"a": 1}]', "position": 1}
    assert "list of some of" in client.post(address(Method, "change", method.pk), data).content.decode()


def test_what_an_open_study_uses_can_only_be_looked_at(client, root, world):
    client.post("/studies/one/results/look/", {"why": "a test"})
    for row in (world.study, world.method, world.question, world.truth, world.case):
        page = client.get(address(type(row), "change", row.pk))
        assert b'name="_save"' not in page.content, row
        assert client.post(address(type(row), "change", row.pk), {}).status_code == 403
        assert client.post(address(type(row), "delete", row.pk), {"post": "yes"}).status_code == 403


def test_adding_to_an_open_study_is_refused_with_a_sentence(client, root, world):
    data = {"study": world.study.pk, "key": "C", "label": "Method C", "kinds": "[]", "position": 3}
    page = client.post(address(Method, "add"), data, follow=True).content.decode()
    assert "Make a new version of the study" in page
    assert world.study.methods.count() == 2


def test_accounts_are_made_inactive_and_not_deleted(client, root, world):
    page = client.post(address(User, "delete", world.people["outsider"].pk), {"post": "yes"})
    assert page.status_code == 403 and User.objects.filter(pk=world.people["outsider"].pk).exists()


def test_answers_cannot_be_added_edited_or_deleted(client, root, world):
    assert client.get(address(Response, "add")).status_code == 403
    assert client.post(address(Response, "change", world.response.pk), {"score": 1}).status_code == 403
    assert client.post(address(Response, "delete", world.response.pk), {"post": "yes"}).status_code == 403


def suggested_answers(client) -> list[str]:
    asked = {"app_label": "reading", "model_name": "exclusion", "field_name": "response", "term": ""}
    return [found["text"] for found in client.get("/admin/autocomplete/", asked).json()["results"]]


def test_answers_of_an_open_study_are_shown_to_who_says_why(client, root, world):
    other = make_world("two")
    opened = address(Response, "change", world.response.pk)
    page = client.get(address(Response))
    assert not page.context["cl"].result_list and '<a href="/studies/one/results/">' in page.text
    for refused in (opened, address(Response, "history", world.response.pk)):
        answer = client.get(refused)
        assert answer.status_code == 403 and "say first why you look" in answer.text
    assert suggested_answers(client) == [] and not world.study.looks.exists()
    client.post("/studies/one/results/look/", {"why": "a reader asks"})
    for _ in range(2):
        page = client.get(address(Response))
        assert list(page.context["cl"].result_list) == [world.response]
    assert '<a href="/studies/two/results/">' in page.text and "/studies/one/results/" not in page.text
    assert client.get(opened).status_code == 200
    assert client.get(address(Response, "change", other.response.pk)).status_code == 403
    assert len(suggested_answers(client)) == 1
    assert [(look.user, look.what, look.why) for look in world.study.looks.all()] == [
        (root, "answers in the Django admin", "a reader asks")
    ]
    assert not other.study.looks.exists()


def test_a_visit_names_its_read_as_readers_know_it(client, root, world):
    assignment = world.visit.assignment
    client.post("/studies/one/results/look/", {"why": "a reader asks"})
    assert f"{assignment.read}, position {assignment.position}" in client.get(address(Visit)).text
    assert str(assignment.read).startswith(("Practice", "Read "))


def test_a_reason_holds_for_an_hour_and_for_one_person(client, root, world, monkeypatch, settings):
    settings.SESSION_IDLE_MINUTES = 0
    client.post("/studies/one/results/look/", {"why": "a reader asks"})
    opened = address(Response, "change", world.response.pk)
    assert client.get(opened).status_code == 200
    now = time.time()
    monkeypatch.setattr("readerstudy.studies.looking.time.time", lambda: now + 3601)
    assert client.get(opened).status_code == 403
    monkeypatch.undo()
    client.force_login(make_user("second-root", is_staff=True))
    assert client.get(opened).status_code == 403


def test_answers_of_a_closed_study_need_no_reason(client, root):
    closed = make_world("done", state="closed")
    page = client.get(address(Response))
    assert list(page.context["cl"].result_list) == [closed.response] and "Not listed" not in page.text
    assert not closed.study.looks.exists()


def test_truth_that_an_open_study_uses_is_shown_to_who_says_why(client, root, world):
    draft = make_study("draft", batch=make_batch("other")).examples.first().prediction.case
    batch = f"/batches/{world.batch.name}/"
    hidden = [address(Truth, page, world.truth.pk) for page in ("change", "history")]
    hidden.append(f"{address(Truth, 'history', world.truth.pk)}{world.truth.history.first().pk}/")
    page = client.get(address(Truth))
    assert {truth.case.batch.name for truth in page.context["cl"].result_list} == {draft.batch.name}
    assert '<a href="/studies/one/examples/">' in page.text
    assert "Effusion: " not in client.get(batch).text and '<a href="/studies/one/examples/">' in client.get(batch).text
    assert [client.get(page).status_code for page in hidden] == [403] * 3
    client.post("/studies/one/examples/truth/", {"why": "a wrong label"})
    assert not world.study.looks.exists()
    assert "present" in client.get(batch).text and "/studies/one/examples/" not in client.get(batch).text
    assert [client.get(page).status_code for page in hidden] == [200] * 3
    assert Truth.objects.count() == client.get(address(Truth)).context["cl"].result_count
    assert [(look.user, look.what, look.why) for look in Look.objects.all()] == [
        (root, "truth of cases", "a wrong label")
    ]


@pytest.mark.parametrize("written", ["%20{}", "+{}", "_2B{}", "{}.0"])
def test_a_row_that_is_not_shown_has_no_other_name(client, root, world, written):
    history = f"/admin/cases/truth/{written.format(world.truth.pk)}/history/"
    for page in (history, f"{history}{world.truth.history.first().pk}/"):
        assert client.get(page).status_code in (403, 404), page


def test_no_page_of_the_admin_names_a_score_or_a_label_otherwise(client, root, world):
    Exclusion.objects.create(study=world.study, response=world.response, why="slip", by=root)
    named, truth = str(world.response), str(world.truth)
    assert named in client.get(address(Exclusion)).text
    world.response.score += 1
    world.truth.label = not world.truth.label
    assert (str(world.response), str(world.truth)) == (named, truth)


def test_a_withdrawal_needs_its_own_page_and_a_reason(client, root, world):
    data = {"specialty": "radiology", "years_experience": 3, "ai_experience": "none", "withdrawn_at_0": "2026-01-01"}
    client.post(address(Reader, "change", world.reader.pk), {**data, "withdrawn_at_1": "10:00"})
    world.reader.refresh_from_db()
    assert (world.reader.specialty, world.reader.withdrawn_at) == ("radiology", None)


def test_an_exclusion_is_added_with_who_and_never_edited(client, root, world):
    data = {"study": world.study.pk, "reader": world.other_reader.pk, "why": "left after an hour"}
    client.post(address(Exclusion, "add"), data)
    added = Exclusion.objects.get(why="left after an hour")
    assert added.by == root
    client.post(address(Exclusion, "add"), data)
    elsewhere = {"study": world.study.pk, "example": make_world("two").example.pk, "why": "wrong image"}
    assert "is not of the study" in client.post(address(Exclusion, "add"), elsewhere, follow=True).content.decode()
    answer = {"study": world.study.pk, "response": world.response.pk, "why": "slip of the hand"}
    client.post(address(Exclusion, "add"), answer)
    assert sorted(Exclusion.objects.filter(by=root).values_list("why", flat=True)) == [data["why"], answer["why"]]
    assert client.post(address(Exclusion, "change", added.pk), {"why": "other"}).status_code == 403
    assert client.post(address(Exclusion, "delete", added.pk), {"post": "yes"}).status_code == 403


def test_a_reader_added_here_gets_a_code_like_any_other(client, root, world):
    person = make_user("late")
    data = {"study": world.study.pk, "user": person.pk, "role": "reader"}
    client.post(address(Membership, "add"), data)
    assert Membership.objects.get(user=person).reader.code == "R3"


def test_staff_cannot_be_added_as_reader_nor_readers_become_staff(client, root, world):
    data = {"study": world.study.pk, "user": root.pk, "role": "reader"}
    assert b"cannot be a reader" in client.post(address(Membership, "add"), data, follow=True).content
    reader = world.people["reader"]
    data = {"username": reader.username, "email": reader.email, "is_active": "on", "is_staff": "on"}
    assert b"cannot be a reader" in client.post(address(User, "change", reader.pk), data, follow=True).content
    reader.refresh_from_db()
    assert not reader.is_staff


def test_a_draft_study_keeps_its_state_whatever_the_form_says(client, root):
    study = make_study()
    data = {"title": "New title", "slug": study.slug, "state": "open", "seed": 0, "washout_days": 0}
    data |= {"allocation": "random", "order": "blocks", "operating_point": 0.5, "drag_direction": "standard"}
    data |= {"analysis_plan": "{}", "render_parameters": "{}", "preset": "nonsense"}
    client.post(address(Study, "change", study.pk), data)
    study.refresh_from_db()
    assert (study.title, study.state) == ("New title", "draft")
    assert study.preset == ""  # the page of examples asks the preset how to draw
