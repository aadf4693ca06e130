"""Counts and times read alike everywhere: "1 example", and every time with its zone."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db.models import Count
from django.utils import timezone

from readerstudy.cases.loading.manifest import COLUMNS
from readerstudy.cases.models import Prediction
from readerstudy.common.counting import counted
from readerstudy.common.wording import when
from readerstudy.reading.study_progress import unfinished
from readerstudy.studies.models import Membership, Study
from tests.builders import make_batch, make_reader, make_reads, make_response, make_study, make_user, open_now

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent
# Words in s that are no plural.
SINGULAR = {"is", "was", "has", "as", "this", "its", "plus", "us", "less", "basis", "axis", "across"}


def test_counts():
    assert [counted(n, "example") for n in (0, 1, 2, 1250)] == [
        "0 examples",
        "1 example",
        "2 examples",
        "1,250 examples",
    ]
    assert [counted(n, "study", "studies") for n in (1, 2)] == ["1 study", "2 studies"]


def test_times_have_a_zone(settings):
    moment = datetime(2026, 11, 3, 14, 5, tzinfo=UTC)
    assert when(moment) == "3 Nov 2026, 14:05 UTC"
    with timezone.override("Europe/Paris"):
        assert when(moment) == "3 Nov 2026, 15:05 CET"
    assert when(None) == when("") == ""


def test_no_page_shows_a_time_of_day_in_a_form_of_its_own():
    found = [
        f"{path.relative_to(ROOT)}: {match}"
        for path in (ROOT / "templates").rglob("*.html")
        for match in re.findall(r'\|(?:date|time):"[^"]*[HGhgPi][^"]*"', path.read_text())
    ]
    assert not found


def plural_ones(text):
    words = re.findall(r"(?<![\d.,\-])\b1 (?:[a-z]+ )?([a-z]+s)\b", re.sub(r"<[^>]+>", " ", text))
    return [word for word in words if word not in SINGULAR]


def test_pages_with_one_of_everything_say_so(client):
    root = make_user("root", is_staff=True)
    batch = make_batch("single", 1)
    study = make_study("trial", batch=batch)
    study.questions.last().delete()
    Membership.objects.create(study=study, user=root, role=Membership.Role.RESEARCHER)
    Study.objects.filter(pk=study.pk).update(washout_days=1)
    client.force_login(root)
    pages = ["/", "/batches/", "/batches/single/"]
    pages += [
        f"/studies/trial/{page}"
        for page in ("", "examples/", "explanations/", "people/", "questions/", "plan/", "mails/")
    ]
    for state in ("draft", "open"):
        if state == "open":
            open_now(study)
            make_reads(make_reader(study))
            pages += [f"/studies/trial/{page}" for page in ("progress/", "close/", "results/", "allocation/")]
        for page in pages:
            response = client.get(page)
            assert response.status_code == 200, page
            main = response.content.decode().partition("<main")[2]
            assert plural_ones(main) == [], (page, plural_ones(main))


def test_the_crawl_finds_a_plural_one():
    assert plural_ones("<p>1 examples</p>") == plural_ones("1 practice examples") == ["examples"]
    assert plural_ones("1 example is; 21 examples; 0.1 points; version 1 has") == []


def test_what_withdrawn_readers_left_is_said_at_closing():
    study = open_now(make_study("trial", examples=4))
    reader = make_reader(study)
    make_reads(reader)
    assert unfinished(study) == "2 of 2 reads are not finished."
    first = reader.reads.get(number=1).assignments.first()
    for question in study.questions.all():
        make_response(first, question, 3)
    type(reader).objects.filter(pk=reader.pk).update(withdrawn_at=timezone.now())
    said = unfinished(study)
    assert said == (
        "No read of a reader who takes part is unfinished. Readers who withdrew left R1's read 1 at 1 of 4."
    )


def test_a_withdrawn_reader_is_not_sent_to_the_reading_room(client):
    study = open_now(make_study("trial"))
    reader = make_reader(study, "R1", make_user("r1"))
    client.force_login(reader.membership.user)
    assert "Go to the reading room" in client.get("/").content.decode()
    type(reader).objects.filter(pk=reader.pk).update(withdrawn_at=timezone.now())
    page = client.get("/").content.decode()
    assert "Go to the reading room" not in page and "You withdrew on" in page


def test_two_studies_of_one_title_can_be_told_apart(client):
    for slug in ("pilot", "pilot-2"):
        Study.objects.create(slug=slug, title="Pilot")
    client.force_login(make_user("root", is_staff=True))
    page = client.get("/").content.decode()
    assert '<span class="meta">pilot</span>' in page and '<span class="meta">pilot-2</span>' in page


def test_a_batch_page_counts_predictions_of_now_and_names_the_next_step(client):
    batch = make_batch("pool", 30)
    batch.report = {"cases": 30, "pathologies": {"Old": {"present": 1, "absent": 0, "no_truth": 0, "masks": 0}}}
    batch.save()
    client.force_login(make_user("root", is_staff=True))
    page = re.sub(r"\s+", " ", client.get("/batches/pool/").content.decode())
    assert "Cases 1 to 24 of 30" in page and "Page 1 of 2" in page
    name, count = Prediction.objects.order_by("pathology").values_list("pathology").annotate(n=Count("id"))[0]
    row = page.partition(f"<td>{name}</td>")[2].partition("</tr>")[0]
    assert row.strip().endswith(f'<td class="number">{count}</td>')
    assert "draw its examples" in page
    Prediction.objects.all().delete()
    assert "manage.py predict --batch pool" in client.get("/batches/pool/").content.decode()


def test_the_page_of_batches_says_what_a_manifest_holds(client):
    client.force_login(make_user("root", is_staff=True))
    page = client.get("/batches/").content.decode()
    for column in COLUMNS:
        assert f'<th scope="row">{column}</th>' in page
