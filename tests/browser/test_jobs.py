"""Predict, render, measure and analyse by button, in Chromium and with real workers: cancelled, killed, finished."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from readerstudy.cases.models import Prediction
from readerstudy.explanations.models import Explanation
from readerstudy.jobs.models import Job
from readerstudy.studies.models import Study
from tests.browser.test_researcher_pages import log_in
from tests.builders import (
    add_image,
    make_batch,
    make_member,
    make_reader,
    make_reads,
    make_response,
    make_study,
    make_user,
    open_now,
)
from tests.jobs.workers import Workers, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.torch]
SLOW_MS = 300_000


@pytest.fixture
def workers():
    found = Workers()
    yield found
    found.end()


def jobs() -> list[dict]:
    return list(Job.objects.values("kind", "state", "error", "done", "total", "lease"))


def test_a_study_is_predicted_rendered_measured_and_analysed_by_button(live_server, page: Page, workers: Workers):
    page.set_default_timeout(SLOW_MS)
    expect.set_options(timeout=SLOW_MS)
    batch = make_batch("ward", cases=6, pathologies=("Cardiomegaly",))
    for seed, case in enumerate(batch.cases.all()):
        add_image(case, seed)
    Prediction.objects.all().delete()
    log_in(page, live_server.url, make_user("root", is_staff=True))

    page.goto(f"{live_server.url}/batches/ward/")
    expect(page.get_by_text("No worker does such work now")).to_be_visible()
    worker = workers.start()
    page.get_by_label("Model").fill("demo")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_text("Predicted 6 cases on cpu")).to_be_attached()
    assert set(Prediction.objects.values_list("model", flat=True)) == {"demo"}

    Prediction.objects.exclude(pathology="Cardiomegaly").delete()  # so that the study has six examples
    study = make_study("pilot", batch=batch)
    log_in(page, live_server.url, make_member(study, "rita", "researcher"))
    page.goto(f"{live_server.url}/studies/pilot/explanations/")
    page.get_by_role("button", name="Render").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("details li", has_text="Cancelled. What was stored").first).to_be_attached()
    wait_for(lambda: not Job.objects.filter(state="running").exists(), jobs)

    page.get_by_role("button", name="Render").click()
    wait_for(lambda: Job.objects.filter(kind="precompute", state="running").exists(), jobs)
    worker.kill()
    Job.objects.filter(kind="precompute", state="running").update(lease_until=timezone.now())  # a minute later
    workers.start()
    wait_for(lambda: Job.objects.filter(kind="precompute", state="done").exists(), jobs)
    rows = Explanation.objects.filter(status="done")
    assert rows.count() == len(set(rows.values_list("prediction", "kind"))) == 12  # nothing is doubled

    expect(page.locator("details li", has_text="Rendered ").first).to_be_attached()
    page.get_by_role("button", name="Measure").click()
    expect(page.locator("details li", has_text="Measured").first).to_be_attached()
    assert Job.objects.filter(kind="evaluate", state="done", error="").exists(), jobs()

    reader = make_reader(study)
    open_now(study)
    for assignment in make_reads(reader)[0].assignments.all():
        make_response(assignment, study.questions.first(), 3)
    Study.objects.filter(pk=study.pk).update(state="closed", closed_at=timezone.now())
    page.goto(f"{live_server.url}/studies/pilot/results/")
    page.get_by_role("button", name="Run the analysis").click()
    expect(page.get_by_role("heading", name="The answer")).to_be_visible()
