"""The researcher's pages of a study that is read: progress, withdrawal, allocation, exclusions, preview."""

import csv
import json
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.reading.allocation.drawing import allocate_reader, allocate_study
from readerstudy.reading.allocation.tables import method_table
from readerstudy.reading.exclusions import exclude, lift
from readerstudy.reading.models import Response, Visit
from readerstudy.reading.study_progress import study_progress
from readerstudy.reading.withdrawing import withdraw
from readerstudy.studies.lifecycle import close_study
from readerstudy.studies.models import Example, Method
from tests.builders import make_batch, make_member, make_reader, make_response, make_study, make_user, open_now

pytestmark = pytest.mark.django_db


def opened(slug="trial", readers=2, examples=8, **fields):
    study = make_study(slug, examples=examples, **fields)
    for number in range(1, readers + 1):
        make_reader(study, f"R{number}", make_user(f"{slug}-r{number}"))
    open_now(study)
    allocate_study(study)
    return study


@pytest.fixture
def study(client):
    study = opened()
    client.force_login(make_member(study, "ann", "researcher"))
    return study


def read_of(study, code, number):
    return study.readers.get(code=code).reads.get(number=number)


def answer(read, count, at=None):
    """Answer every question of the first `count` examples; `at`: when the server last heard of the visits."""
    read.opened_at = read.opened_at or timezone.now()
    read.save()
    for assignment in read.assignments.order_by("position")[:count]:
        visit = Visit.objects.create(assignment=assignment)
        for question in read.reader.study.questions.all():
            make_response(assignment, question, 3)
        if at:
            Visit.objects.filter(pk=visit.pk).update(last_received_at=at)


def finish(read, at):
    answer(read, read.assignments.count())
    read.finished_at = at
    read.save()


def table(response):
    return list(csv.DictReader(StringIO(response.content.decode())))


def test_progress_counts_done_missing_paused_and_waiting(client):
    now = timezone.now()
    study = opened()
    study.__class__.objects.filter(pk=study.pk).update(washout_days=14)
    study.refresh_from_db()
    client.force_login(make_member(study, "ann", "researcher"))
    finish(read_of(study, "R1", 1), now - timedelta(days=2))
    answer(read_of(study, "R2", 1), 3)
    found = study_progress(study, now + timedelta(hours=1))
    states = {(row.reader.code, row.read.number): row for row in found.rows}
    assert {key: row.state for key, row in states.items()} == {
        ("R1", 1): "finished", ("R1", 2): "waiting", ("R2", 1): "paused", ("R2", 2): "locked",
    }  # fmt: skip
    assert states["R1", 2].progress.opens_at == read_of(study, "R1", 1).finished_at + timedelta(days=14)
    row = states["R2", 1]
    assert (row.progress.done, row.progress.remaining) == (3, 5)
    assert sum(done for done, _ in row.by_pathology.values()) == 3
    assert {total for _, total in row.by_pathology.values()} == {4}
    assert (found.done, found.total) == (11, 32)
    assert study_progress(study, timezone.now()).rows[2].state == "reading"
    page = client.get("/studies/trial/progress/").content.decode()
    assert "3 of 8" in page and "opens " in page


def test_what_will_not_go_on_has_ended(client, study):
    finish(read_of(study, "R1", 1), timezone.now())
    withdraw(study.readers.get(code="R2"), "no time")
    assert [row.state for row in study_progress(study, timezone.now()).rows] == ["finished", "ready", "ended", "ended"]
    close_study(study)
    study.refresh_from_db()
    assert [row.state for row in study_progress(study, timezone.now()).rows] == ["finished", "ended", "ended", "ended"]


def test_reads_from_spreadsheets_are_loaded_and_have_no_preview(client):
    study = opened("sheets", from_spreadsheets=True)
    client.force_login(make_member(study, "ann", "researcher"))
    assert {row.state for row in study_progress(study, timezone.now()).rows} == {"loaded"}
    for page in ("", "examples/"):
        assert "/preview/" not in client.get(f"/studies/sheets/{page}").content.decode()
    assert "are not stored here" in client.get("/studies/sheets/explanations/").content.decode()


def test_an_example_half_answered_is_not_done(study):
    read = read_of(study, "R1", 1)
    answer(read, 1)
    make_response(read.assignments.get(position=2), study.questions.get(key="confidence"), 4)
    assert study_progress(study, timezone.now()).done == 1
    assert Response.objects.count() == 3


def test_progress_as_csv_names_no_person(client, study):
    answer(read_of(study, "R1", 1), 2)
    response = client.get("/studies/trial/progress.csv")
    rows = table(response)
    assert [(row["reader"], row["read"], row["done"], row["missing"]) for row in rows] == [
        ("R1", "1", "2", "6"), ("R1", "2", "0", "8"), ("R2", "1", "0", "8"), ("R2", "2", "0", "8"),
    ]  # fmt: skip
    assert {row["Cardiomegaly total"] for row in rows} == {"4"}
    assert "example.org" not in response.content.decode()


def test_a_pathology_that_a_spreadsheet_would_run_is_disarmed(client):
    study = make_study("odd", batch=make_batch("odd", 4, pathologies=("=1+1",)))
    make_reader(study)
    allocate_study(open_now(study))
    client.force_login(make_member(study, "bob", "researcher"))
    assert "'=1+1 done" in table(client.get("/studies/odd/progress.csv"))[0]


def test_progress_asks_as_many_queries_for_six_readers_as_for_two(client, study):
    def queries(address):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    pages = ("/studies/trial/progress/", "/studies/trial/allocation/", "/studies/trial/allocation.csv")
    client.get(pages[0])
    before = [queries(page) for page in pages]
    for number in range(3, 7):
        allocate_reader(make_reader(study, f"R{number}", make_user(f"r{number}")))
    answer(read_of(study, "R3", 1), 4)
    assert [queries(page) for page in pages] == before


def test_a_withdrawn_reader_is_kept_out_and_their_place_is_taken(client, study):
    gone = study.readers.get(code="R2")
    address = "/studies/trial/readers/R2/withdraw/"
    assert "Withdraw the reader" in client.get(address).content.decode()
    assert client.post(address, {"why": ""}).status_code == 200
    gone.refresh_from_db()
    assert gone.withdrawn_at is None
    client.post(address, {"why": "no time"})
    gone.refresh_from_db()
    assert gone.withdrawn_at and gone.withdrawn_why == "no time"
    with pytest.raises(ValidationError, match="withdrawn already"):
        withdraw(gone, "again")
    late = make_reader(study, "R3")
    allocate_reader(late)
    assert late.rotation == gone.rotation
    assert study_progress(study, timezone.now()).total == 32
    client.force_login(gone.membership.user)
    assert client.get("/reading/trial/").status_code == 403


def many_methods(count):
    study = make_study("many", batch=make_batch("many", 48))
    for position in range(3, count + 1):
        key = "ABCD"[position - 1]
        Method.objects.create(study=study, key=key, label=f"Method {key}", kinds=[], position=position)
    return study


@pytest.mark.parametrize("methods", [2, 3, 4])
@pytest.mark.parametrize("scheme", ["random", "published"])
def test_every_stratum_meets_every_method_equally_often(methods, scheme):
    study = many_methods(methods)
    study.allocation = scheme
    study.save()
    for number in range(1, 6):
        make_reader(study, f"R{number}")
    open_now(study)
    allocate_study(study)
    withdraw(study.readers.get(code="R2"), "moved away")
    allocate_reader(make_reader(study, "R6"))
    rows = method_table(study, list(study.methods.all()))
    assert [(row.pathology, row.truth, row.examples) for row in rows] == [
        ("Cardiomegaly", "TP", 12), ("Cardiomegaly", "FP", 12), ("Effusion", "TP", 12), ("Effusion", "FP", 12),
    ]  # fmt: skip
    assert {(cell.least, cell.most) for row in rows for read in row.cells for cell in read} == {
        (12 // methods, 12 // methods)
    }


def test_uneven_strata_differ_by_one_at_most():
    study = opened("uneven", readers=4, examples=10)  # Cardiomegaly 6 examples: 3 and 3; Effusion 4: 2 and 2
    rows = method_table(study, list(study.methods.all()))
    assert {row.examples for row in rows} == {2, 3}
    for row in rows:
        for read in row.cells:
            assert all(cell.most - cell.least <= 1 for cell in read)
            assert sum(cell.total for cell in read) == 4 * row.examples
            assert max(cell.total for cell in read) - min(cell.total for cell in read) <= 1


def test_the_allocation_is_exported_without_truth(client, study):
    response = client.get("/studies/trial/allocation.csv")
    rows = table(response)
    assert len(rows) == 2 * 2 * 8
    assert set(rows[0]) >= {"reader", "rotation", "study_seed", "sequence", "read", "position", "method"}
    assert "truth" not in response.content.decode() and "TP" not in response.content.decode()
    for row in rows:
        assert row["sequence"].split(">")[int(row["read"]) - 1] == row["method"]
    assert "Every sequence and order" in client.get("/studies/trial/allocation/").content.decode()


def test_before_opening_the_pages_say_so(client):
    client.force_login(make_member(make_study("draft"), "ann", "researcher"))
    assert "Reads are drawn up when the study opens." in client.get("/studies/draft/progress/").content.decode()
    assert "drawn when the study opens" in client.get("/studies/draft/allocation/").content.decode()


def test_exclusions_are_added_and_lifted_with_reasons(client, study):
    address = "/studies/trial/exclusions/"
    reader, read = study.readers.get(code="R1"), read_of(study, "R2", 1)
    for thing in ({"example": 3}, {"other": f"reader {reader.pk}"}, {"other": f"read {read.pk}"}):
        assert client.post(address, thing | {"why": "wrong image"}).status_code == 302
    assert study.exclusions.count() == 3
    assert {exclusion.by.username for exclusion in study.exclusions.all()} == {"ann"}
    for data, said in (
        ({"example": 3, "why": "again"}, "Example 3 is excluded already."),
        ({"example": 99, "why": "x"}, "This study has no example 99."),
        ({"example": 3, "other": f"reader {reader.pk}", "why": "x"}, "Name one thing"),
        ({"why": "x"}, "Name one thing"),
        ({"example": 4, "why": ""}, "This field is required."),
    ):
        assert said in client.post(address, data).content.decode()
    assert study.exclusions.count() == 3
    first = study.exclusions.get(example__number=3)
    for why in ("", "x" * 301, "a\0b"):
        client.post(f"{address}{first.pk}/lift/", {"why": why})
        first.refresh_from_db()
        assert first.lifted_at is None
    client.post(f"{address}{first.pk}/lift/", {"why": "it was right after all"})
    first.refresh_from_db()
    assert first.lifted_by.username == "ann" and first.why == "wrong image"
    assert "it was right after all" in client.get(address).content.decode()
    with pytest.raises(ValidationError, match="lifted already"):
        lift(first, "twice")
    exclude(study, study.examples.get(number=3), "wrong again")


def test_another_studys_reader_or_read_cannot_be_excluded(client, study):
    other = opened("other")
    for thing in (f"reader {other.readers.first().pk}", f"read {read_of(other, 'R1', 1).pk}"):
        client.post("/studies/trial/exclusions/", {"other": thing, "why": "x"})
    with pytest.raises(ValidationError, match="not of the study"):
        exclude(study, other.examples.first(), "x")
    assert not study.exclusions.exists()


def preview_facts(client, address):
    page = client.get(address)
    return page, json.loads(re.search(r'id="facts-json"[^>]*>(.*?)</script>', page.content.decode(), re.S)[1])


def test_the_preview_carries_what_a_reader_gets_and_nothing_of_the_truth(client, study):
    example = study.examples.get(number=2)
    explanation = Explanation.objects.create(
        prediction=example.prediction, kind="latentshift_map", key="k", status="done"
    )
    ExplanationFile.objects.create(
        explanation=explanation, role="layer", file="explanations/layer.png", format="image/png", width=1, height=1
    )
    Example.explanations.through.objects.create(example=example, explanation=explanation)  # the study is open
    page, facts = preview_facts(client, "/studies/trial/preview/2/?method=B")
    shown = facts["assignment"]
    assert (shown["position"], shown["total"]) == (2, 8)
    assert shown["method"] == {"label": "Method B"}
    assert [panel["key"] for panel in shown["panels"]] == ["input", "latentshift_map"]
    assert shown["panels"][1]["layer_url"] == "/studies/trial/files/layer.png"
    assert [question["key"] for question in facts["questions"]] == ["confidence", "feature"]
    for word in ("positive", "truth", "/api/"):
        assert word not in page.content.decode()
    _, other = preview_facts(client, "/studies/trial/preview/2/")
    assert other["missing"] == ["Input gradients"]
    assert client.get("/studies/trial/preview/99/").status_code == 404


def test_the_preview_goes_from_example_to_example_with_the_same_method(client, study):
    page = client.get("/studies/trial/preview/1/?method=B").content.decode()
    assert 'data-before=""' in page
    assert 'data-after="/studies/trial/preview/2/?method=B"' in page
    assert 'data-after=""' in client.get("/studies/trial/preview/8/").content.decode()


def test_without_methods_there_is_nothing_to_preview(client):
    study = make_study("bare")
    study.methods.all().delete()
    client.force_login(make_member(study, "ann", "researcher"))
    assert "has no methods yet" in client.get("/studies/bare/preview/1/").content.decode()
