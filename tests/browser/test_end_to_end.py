"""The whole product in a real browser, against a real server: from a hospital's ZIP to the report.

Nothing is mocked: commands run as commands, the server is gunicorn, readers press keys. One reader's network is cut
and their browser killed. Every number of the report's paired table is then worked out again from the answers given.

    DOCS_IMAGES=1 python -m pytest tests/browser/test_end_to_end.py    also makes the pictures of docs/images
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect

from tests import migrated
from tests.browser.installation import Installation
from tests.browser.readers import PASSWORD, VIEWPORT, Given, KilledReader, Reader, accept, log_in, photograph
from tests.recompute import FEWEST, Answers, check_paired_tables
from tests.small_hospital import EACH, PATHOLOGIES, write_zip

pytestmark = pytest.mark.torch
TOTAL = EACH * len(PATHOLOGIES)
WORK_MS = 240_000  # a worker's patience on a loaded machine
SLUG = "which-explanation-helps"
READERS = ("first@hospital.example", "second@hospital.example")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Installation]:
    house = Installation(tmp_path)
    migrated.copy_to(tmp_path / "study.sqlite3")
    house.manage("migrate", "--verbosity=0")
    house.manage(
        "createsuperuser", "--noinput", "--username=admin", "--email=admin@hospital.example",
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )  # fmt: skip
    house.start()
    house.start_worker()
    yield house
    house.stop()


def invite(page: Page, addresses: str, role: str) -> list[str]:
    """Invite on the study's page People; the links, as they are to be copied."""
    page.get_by_label("Email addresses").fill(addresses)
    page.get_by_label("Role").select_option(role)
    page.get_by_role("button", name="Send invitations").click()
    return [page.get_by_label(f"Link for {address}", exact=True).input_value() for address in addresses.split()]


def test_from_a_zip_of_cases_to_a_report_that_adds_up(
    house: Installation,
    browser: Browser,
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    tmp_path: Path,
) -> None:
    cases = write_zip(tmp_path / "cases.zip")
    admin = browser.new_page(viewport=VIEWPORT)
    log_in(admin, house.address, "admin")
    links = upload(admin, house.address, tmp_path / "cases.zip", cases)
    house.manage("predict", "--batch=ward-3", "--model=demo", "--device=cpu")
    invitation = draft_and_invite_researcher(admin, house.address)
    admin.context.close()

    researcher = browser.new_page(viewport=VIEWPORT)
    accept(researcher, invitation)
    compose(researcher, house)
    invitations = open_and_invite(researcher, house.address)

    given: Given = {}
    place = house.address, SLUG, TOTAL
    first = KilledReader(browser_type, browser_type_launch_args, tmp_path / "profile", *place)
    second = Reader(browser.new_context(viewport=VIEWPORT), *place)
    for reader, link, address in ((first, invitations[0], READERS[0]), (second, invitations[1], READERS[1])):
        reader.join(link, address)
        reader.practise()
        reader.read_everything()
        given |= reader.answers
        reader.context.close()

    rows = close_export_and_check(researcher, house, given, links, cases)
    tables = analyse(researcher, house.address)
    answers: Answers = {
        (row["reader"], int(row["example"]), row["method"], row["question"]): int(row["score"]) for row in rows
    }
    first_methods = {(row["reader"], int(row["example"])): row["method"] for row in rows if row["read"] == "1"}
    told = {links[image]: row for image, row in cases.items()}
    check_paired_tables(tables, answers, {int(row["example"]): told[row["case"]] for row in rows}, first_methods)


# --- the administrator ------------------------------------------------------------------------------------------------
def upload(page: Page, address: str, path: Path, cases: dict[str, dict[str, str]]) -> dict[str, str]:
    """Upload, look at the dry run, confirm; returns image name -> case from the linking table, downloaded once."""
    page.goto(f"{address}/batches/")
    page.get_by_label("Name of the batch").fill("ward-3")
    page.get_by_label("ZIP, or manifest CSV").set_input_files(path)
    page.get_by_label("These are synthetic images").check()
    page.get_by_role("button", name="Upload and check").click()
    expect(page.locator(".notice.success")).to_contain_text("No problems were found")
    expect(page.locator("tbody img")).to_have_count(len(cases))
    photograph(page, "batch-check")
    page.get_by_role("button", name=f"Load {len(cases)} cases").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download and remove").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    assert {row["image"] for row in rows} == set(cases)
    return {row["image"]: row["case"] for row in rows}


def draft_and_invite_researcher(page: Page, address: str) -> str:
    page.goto(f"{address}/studies/new/")
    page.get_by_label("Title", exact=True).fill("Which explanation helps?")
    page.get_by_role("button", name="Make the draft").click()
    page.goto(f"{address}/studies/{SLUG}/people/")
    return invite(page, "researcher@hospital.example", "researcher")[0]


# --- the researcher ---------------------------------------------------------------------------------------------------
def compose(page: Page, house: Installation) -> None:
    """Design, methods, questions and plan are the published study's; the washout and the examples are ours."""
    study = f"{house.address}/studies/{SLUG}"
    page.goto(f"{study}/methods/")
    photograph(page, "methods")
    page.goto(f"{study}/design/")
    page.get_by_label("Washout, days").fill("0")
    page.get_by_role("button", name="Save").click()
    page.goto(f"{study}/plan/")
    page.get_by_label("Fewest pairs to test").fill(str(FEWEST))
    page.get_by_label("Primary endpoint: test").select_option("wilcoxon")  # whose p the families adjust
    page.get_by_role("button", name="Save").click()
    page.goto(f"{study}/examples/")
    page.get_by_label("Batch").select_option(label="ward-3")
    page.get_by_label("Examples per pathology").fill(str(EACH))
    page.get_by_label("Practice examples").fill("2")
    page.get_by_role("button", name="Draw").click()
    expect(page.locator("tbody tr")).to_have_count(TOTAL + 2)
    photograph(page, "examples")
    page.goto(f"{study}/explanations/")
    page.get_by_label("Steps of integrated gradients").fill("10")  # the test's time, not the science
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Render").click()
    expect(page.locator("details li", has_text="Rendered").first).to_be_attached(timeout=WORK_MS)
    expect(page.locator("td .badge")).to_have_count(0)  # nothing is missing
    photograph(page, "explanations")
    page.goto(f"{study}/preview/1/?method=B")
    page.locator("body[data-shown]").wait_for()
    photograph(page, "preview")


def open_and_invite(page: Page, address: str) -> list[str]:
    page.goto(f"{address}/studies/{SLUG}/people/")
    found = invite(page, "\n".join(READERS), "reader")
    page.goto(f"{address}/studies/{SLUG}/")
    photograph(page, "ready-to-open")
    page.get_by_role("link", name="Open…").click()
    page.get_by_role("button", name="Open the study").click()
    expect(page.locator(".messages")).to_contain_text("is open for reading")
    return found


# --- what came of it --------------------------------------------------------------------------------------------------
def close_export_and_check(
    page: Page, house: Installation, given: Given, links: dict[str, str], cases: dict[str, dict[str, str]]
) -> list[dict[str, str]]:
    """Progress, closing, the long CSV: each answer is in it once, as given. Returns its rows."""
    study = f"{house.address}/studies/{SLUG}"
    page.goto(f"{study}/progress/")
    expect(page.locator("main")).to_contain_text(f"{4 * TOTAL} of {4 * TOTAL} examples are answered")
    photograph(page, "progress")
    page.goto(f"{study}/close/")
    page.get_by_role("button", name="Close the study").click()
    page.goto(f"{study}/results/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Long table").click()
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["practice"] == "0"]
    exported = [
        (row["reader"], int(row["read"]), int(row["position"]), row["method"], row["question"], int(row["score"]))
        for row in rows
    ]
    assert sorted(exported) == sorted((*key, score) for key, score in given.items())
    told = {links[image]: row for image, row in cases.items()}
    for row in rows:
        assert row["truth"] == ("TP" if told[row["case"]]["label"] == "1" else "FP")
        assert row["pathology"] == told[row["case"]]["pathology"]
    return rows


def analyse(page: Page, address: str) -> dict[str, list[list[str]]]:
    """Run the analysis from its page and open the report; table title -> rows of cells."""
    page.goto(f"{address}/studies/{SLUG}/results/")
    page.get_by_role("button", name="Run the analysis").click()
    page.get_by_role("link", name="Open the full report").wait_for(timeout=WORK_MS)
    photograph(page, "results")
    page.goto(f"{address}/studies/{SLUG}/results/report/")
    photograph(page.locator("figure", has_text="Mean difference,"), "report-figure")
    return {
        table.locator("caption").inner_text(): table.locator("tbody tr:not(.note)").evaluate_all(
            "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent.trim()))"
        )
        for table in page.locator("table").all()
    }
