"""From an upload of cases to the analysis by buttons alone, in Chromium and with real workers: cancelled, killed,
finished."""

import signal
import subprocess
from pathlib import Path

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone
from playwright.sync_api import Page, expect

from readerstudy.cases.models import Prediction
from readerstudy.explanations.models import Explanation
from readerstudy.jobs.models import Job
from tests.browser.test_researcher_pages import log_in
from tests.builders import make_member, make_reader, make_response, make_study, make_user
from tests.jobs.workers import Workers, wait_for
from tests.small_hospital import write_zip

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.torch]
SLOW_MS = 300_000


@pytest.fixture
def workers():
    found = Workers()
    yield found
    found.end()


def jobs() -> list[dict]:
    return list(Job.objects.values("kind", "state", "error", "done", "total", "lease"))


def see(page: Page, text: str) -> None:
    expect(page.locator("details li", has_text=text).first).to_be_attached()


def upload(page: Page, address: str, path: Path, workers: Workers) -> subprocess.Popen[str]:
    """By the page, as if it were large: a worker checks and loads it. Returns the worker."""
    page.goto(f"{address}/batches/")
    page.get_by_label("Name of the batch").fill("ward")
    page.get_by_label("ZIP, or manifest CSV").set_input_files(path)
    page.get_by_role("button", name="Upload and check").click()
    expect(page.get_by_text("No worker does such work now")).to_be_visible()
    worker = workers.start()
    page.get_by_role("button", name="Load the cases").click()
    with page.expect_download():
        page.get_by_role("button", name="Download and remove").click()
    return worker


def predict(page: Page, address: str) -> None:
    page.goto(f"{address}/batches/ward/")
    page.get_by_label("Model").fill("demo")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_text("Predicted 10 cases on cpu")).to_be_attached()
    assert set(Prediction.objects.values_list("model", flat=True)) == {"demo"}


def draw_examples(page: Page, study: str) -> None:
    page.goto(f"{study}/examples/")
    page.get_by_label("Batch").select_option(label="ward")
    page.get_by_label("Examples per pathology").fill("2")
    page.get_by_label("Practice examples").fill("0")
    page.get_by_role("button", name="Draw").click()
    expect(page.locator("tbody tr")).to_have_count(4)


def stop(worker: subprocess.Popen[str]) -> None:
    """Stop it for a while where it does not hold the lock of the database, which the pages need."""
    while True:
        worker.send_signal(signal.SIGSTOP)
        try:
            with transaction.atomic():
                return
        except OperationalError:
            worker.send_signal(signal.SIGCONT)


def render(page: Page, study: str, worker: subprocess.Popen[str], workers: Workers) -> None:
    """Cancelled once, and once its worker is killed."""
    page.goto(f"{study}/explanations/")
    stop(worker)  # rendering may be done before a click, or before the page that follows the click
    page.get_by_role("button", name="Render").click()
    page.get_by_role("button", name="Cancel").click()
    see(page, "Cancelled. What was stored")
    page.get_by_role("button", name="Render").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    worker.send_signal(signal.SIGCONT)
    wait_for(lambda: Job.objects.filter(kind="precompute", state="running").exists(), jobs)
    worker.kill()
    Job.objects.filter(kind="precompute", state="running").update(lease_until=timezone.now())  # a minute later
    workers.start()
    wait_for(lambda: Job.objects.filter(kind="precompute", state="done").exists(), jobs)
    rows = Explanation.objects.filter(status="done")
    assert rows.count() == len(set(rows.values_list("prediction", "kind"))) == 8  # nothing is doubled
    see(page, "Rendered ")


def confirm(page: Page, study: str, verb: str) -> None:
    page.goto(f"{study}/")
    page.get_by_role("link", name=f"{verb}…").click()
    page.get_by_role("button", name=f"{verb} the study").click()
    expect(page.locator(".messages")).to_contain_text(f"is {'open' if verb == 'Open' else 'closed'}")


def test_from_an_upload_to_its_analysis_by_buttons(live_server, page: Page, workers: Workers, settings, tmp_path: Path):
    page.set_default_timeout(SLOW_MS)
    expect.set_options(timeout=SLOW_MS)
    settings.UPLOAD_AT_ONCE_MIB = 0
    write_zip(tmp_path / "cases.zip")
    log_in(page, live_server.url, make_user("root", is_staff=True))
    worker = upload(page, live_server.url, tmp_path / "cases.zip", workers)
    predict(page, live_server.url)

    draft = make_study("pilot", examples=0, instructions="Read each example.", consent="I take part.")
    reader = make_reader(draft, user=make_user("reader"))
    study = f"{live_server.url}/studies/pilot"
    log_in(page, live_server.url, make_member(draft, "rita", "researcher"))
    draw_examples(page, study)
    render(page, study, worker, workers)
    page.get_by_role("button", name="Measure").click()
    see(page, "Measured")
    assert Job.objects.filter(kind="evaluate", state="done", error="").exists(), jobs()

    confirm(page, study, "Open")
    for read in reader.reads.all():
        for assignment in read.assignments.all():
            make_response(assignment, draft.questions.first(), 3)
    confirm(page, study, "Close")
    page.goto(f"{study}/results/")
    page.get_by_role("button", name="Run the analysis").click()
    expect(page.get_by_role("heading", name="The answer")).to_be_visible()
    assert set(Job.objects.values_list("kind", "state")) == {
        *((kind, "done") for kind in ("check_upload", "load_upload", "predict", "precompute", "evaluate", "analyze")),
        ("precompute", "cancelled"),
    }
