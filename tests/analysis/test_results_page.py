"""The results page: what it shows, when it asks why, what it says of newer answers, running in the background."""

import io
import json
import re
import zipfile
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from readerstudy.accounts import tokens
from readerstudy.analysis import running
from readerstudy.analysis.jobs import analyze, ask_for_analysis
from readerstudy.analysis.models import Analysis
from readerstudy.analysis.running import store_analysis
from readerstudy.exchange.export import DOWNLOADS
from readerstudy.exchange.tables import completeness
from readerstudy.jobs.models import Job
from readerstudy.jobs.work import LeaseLost, Work
from readerstudy.reading.models import Exclusion
from readerstudy.studies.models import Look, Study
from tests.builders import make_member, make_reader, make_reads, make_response, make_study, make_user, open_now
from tests.exchange.sheets import write

pytestmark = pytest.mark.django_db
PAGE = "/studies/ours/results/"
RUN = "/jobs/start/analyze/study/ours/"


@pytest.fixture
def closed(tmp_path):
    """A closed study with answers, and a client logged in as its researcher."""
    record, files = write(tmp_path)
    make_user("rita")
    call_command("load_reads", *map(str, files), study="ours", record=record, researcher="rita", stdout=StringIO())
    study = Study.objects.get(slug="ours")
    Study.objects.filter(pk=study.pk).update(analysis_plan={"bootstrap_replicates": 100})
    study.refresh_from_db()
    return study, researcher_of(study)


@pytest.fixture(scope="module")
def drawn():
    """The report and ZIP of `drawn_once`, from its first analysis on."""
    return []


@pytest.fixture
def drawn_once(closed, drawn, monkeypatch):
    """`closed`, for what is said around its report: that is the same in each test, and drawn in the first only."""
    draw = running._files

    def files(results):
        if not drawn:
            drawn.extend(draw(results))
        return drawn

    monkeypatch.setattr(running, "_files", files)
    return closed


@pytest.fixture
def analysed(drawn_once):
    """The same with its analysis."""
    store_analysis(drawn_once[0])
    return drawn_once


def researcher_of(study):
    client = Client()
    client.force_login(study.memberships.get(role="researcher").user)
    return client


@pytest.fixture
def ongoing():
    study = make_study("ours", examples=4)
    make_member(study, "rita", "researcher")
    reader = make_reader(study)
    study = open_now(study)
    read = make_reads(reader)[0]
    for assignment in read.assignments.all():
        make_response(assignment, study.questions.first(), 3)
    return study, researcher_of(study)


def test_a_draft_has_nothing_to_look_at_and_asks_for_no_reason():
    study = make_study("ours")
    make_member(study, "rita", "researcher")
    page = researcher_of(study).get(PAGE).text
    assert "there is nothing to analyse until it is open and read" in page and "Why do you look" not in page


def test_its_heading_says_the_studys_state_like_the_other_pages(ongoing):
    study, client = ongoing
    heading = client.get("/studies/ours/").text.split("<h1>")[1].split("</h1>")[0]
    assert "open" in heading.removeprefix(study.title)
    assert all(heading in client.get(page).text for page in (PAGE, f"{PAGE}dictionary/"))


def test_a_stored_analysis_is_shown_with_report_figures_and_downloads(closed):
    study, client = closed
    assert "No analysis has been made yet" in client.get(PAGE).text
    analysis = store_analysis(study)
    assert (analysis.status, analysis.responses) == ("done", 64)
    page = client.get(PAGE).text
    assert analysis.results["answer"].split(".")[0] in page.replace("&#x27;", "'")
    assert analysis.data_sha256 in page and "nothing has come in since" in page
    for name in DOWNLOADS:
        (link,) = set(re.findall(rf'href="{PAGE}tables/{name}/(?:\?question=confidence)?"', page))
        assert client.get(link[6:-1]).status_code == 200
    report = client.get(f"{PAGE}report/")
    assert report.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert b"The answer" in report.content
    assert client.get(f"{PAGE}figures/forest.svg").headers["Content-Type"] == "image/svg+xml"
    assert client.get(f"{PAGE}figures/..%2Fresults.json").status_code == 404
    archive = b"".join(client.get(f"{PAGE}archive/").streaming_content)
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert json.loads(packed.read("results.json")) == analysis.results
    lines = b"".join(client.get(f"{PAGE}tables/long/").streaming_content).decode().split("\r\n")
    assert len(lines) == 1 + 64 + 1
    described = json.loads(b"".join(client.get(f"{PAGE}tables/provenance/").streaming_content))
    assert described["content_sha256"] == analysis.data_sha256
    assert "images_ready_ms" in client.get(f"{PAGE}dictionary/").text
    assert client.get(f"{PAGE}tables/imrmc/?question=none").status_code == 404
    assert not Look.objects.exists()


def test_it_says_what_changed_after_the_analysis(analysed):
    study, client = analysed
    Exclusion.objects.create(study=study, example=study.examples.first(), why="wrong image")
    read = study.readers.first().reads.first()
    make_response(read.assignments.first(), study.questions.first(), 2, revision=2)
    assert "1 answer has come in and 1 exclusion was made" in " ".join(client.get(PAGE).text.split())


def test_a_failed_analysis_says_why_and_keeps_the_last_good_one(analysed):
    study, client = analysed
    Study.objects.filter(pk=study.pk).update(analysis_plan={"zero_rule": "none"})
    study.refresh_from_db()
    failed = store_analysis(study)
    assert failed.status == "failed" and "zero rule" in failed.error
    page = client.get(PAGE).text
    assert "failed" in page and "zero rule" in page and "Open the full report" in page


def test_before_closing_every_look_has_a_reason_and_is_recorded(ongoing):
    study, client = ongoing
    store_analysis(study)
    page = client.get(PAGE).text
    assert "Why do you look now?" in page and "Open the full report" not in page and "Long table" not in page
    for address in ("report/", "archive/", "figures/forest.svg", "tables/long/"):
        assert client.get(PAGE + address).status_code == 403, address
    client.post(f"{PAGE}look/", {"why": "  "})
    assert not Look.objects.exists()
    client.post(f"{PAGE}look/", {"why": "safety board"})
    page = client.get(PAGE).text
    assert "Open the full report" in page and "interim" in page and "4 of 16: the study is not complete" in page
    assert b"".join(client.get(f"{PAGE}tables/wide/").streaming_content).startswith(b"study,")
    assert [(look.what, look.why, look.user.username) for look in study.looks.all()] == [
        ("results page", "safety board", "rita"), ("download wide", "safety board", "rita"),
    ]  # fmt: skip
    assert "safety board" in store_analysis(study).results["looks"][0]


def test_the_api_gives_the_same_table_by_token(ongoing):
    study, client = ongoing
    anyone = Client(headers={"authorization": f"Token {tokens.make(study.memberships.get().user)}"})
    address = "/api/studies/ours/reads/"
    assert Client().get(address).status_code == 401
    refused = anyone.get(address)
    assert refused.status_code == 400 and "say why" in refused.json()["detail"]
    assert anyone.get(address, {"table": "xlsx"}).status_code == 400
    mistaken = anyone.get(address, {"format": "wide", "why": "backup"})
    assert mistaken.status_code == 400 and "table=" in mistaken.json()["detail"]
    table = b"".join(anyone.get(address, {"why": "backup"}).streaming_content)
    assert [look.what for look in study.looks.all()] == ["API long"]
    client.post(f"{PAGE}look/", {"why": "backup"})
    assert table == b"".join(client.get(f"{PAGE}tables/long/").streaming_content)


def test_a_run_is_a_job_that_the_page_follows_and_that_stores_the_analysis(drawn_once):
    study, client = drawn_once
    assert "Run the analysis" in client.get(PAGE).text
    assert client.post(RUN, {"back": PAGE}).status_code == 302
    job = Job.objects.get(kind="analyze", about="study/ours")
    page = client.get(PAGE).text
    assert f"/jobs/{job.pk}/state/" in page and "Waiting for a worker" in page and "manage.py worker" in page
    assert "under way already" in client.post(RUN, {"back": PAGE}, follow=True).text
    assert client.get(f"/jobs/{job.pk}/state/").json()["under_way"]
    assert Client().get(f"/jobs/{job.pk}/state/").status_code == 302
    Job.objects.filter(pk=job.pk).update(state="running")
    outcome = analyze(Work(job.pk, job.lease, job.asked_by), study="ours")
    assert outcome.startswith("Analysed ") and study.analyses.get().status == "done"
    assert study.analyses.get().started_by == job.asked_by


def test_a_cancelled_run_stores_nothing(closed):
    study, client = closed
    client.post(RUN, {"back": PAGE})
    job = Job.objects.get()
    work = Work(job.pk, job.lease)
    assert "cancelled" in client.post(f"/jobs/{job.pk}/cancel/", {"back": PAGE}, follow=True).text
    with pytest.raises(LeaseLost):
        analyze(work, study="ours")
    assert not study.analyses.exists()
    assert "has ended already" in client.post(f"/jobs/{job.pk}/cancel/", {"back": PAGE}, follow=True).text


def test_the_report_counts_what_was_asked_and_not_only_what_somebody_reached(ongoing):
    study, _ = ongoing
    results = store_analysis(study).results
    answered, asked = completeness(study)
    assert answered < asked
    assert any(f"{answered} of {asked} possible answers are analysed" in sentence for sentence in results["warnings"])


def test_half_a_study_and_no_answers_are_analysed(ongoing):
    study, _ = ongoing
    results = store_analysis(study).results
    assert "no answer" in results["answer"].lower() and "interim" in results["deviations"][-1]
    empty = open_now(make_study("empty", examples=2))
    assert store_analysis(empty).status == "done"
    assert ask_for_analysis("study/empty", make_user("someone"), {}).state == "queued"


@pytest.mark.parametrize("readable", [True, False])
def test_an_analysis_of_an_earlier_version_still_shows_and_offers_to_run_again(analysed, readable):
    study, client = analysed
    analysis = study.analyses.get()
    words = "An earlier version of this software made this analysis"
    assert words not in client.get(PAGE).text
    old = {key: value for key, value in analysis.results.items() if key != "results_version"}
    if not readable:
        old |= {"paired": [{"question": "confidence"}], "mrmc": "gone"}
    Analysis.objects.filter(pk=analysis.pk).update(results=old)
    page = client.get(PAGE).text
    assert words in page and "Run the analysis again" in page
    assert old["answer"].split(".")[0] in page.replace("&#x27;", "'")
    assert page.count("<figure") == 6 and ("Counts of answers" if readable else "Answer counts") in page
    assert client.get(f"{PAGE}figures/answer-counts.svg").status_code == 200
    assert client.get("/studies/ours/power/").status_code == 200
