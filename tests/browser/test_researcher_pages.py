"""The researcher's pages in Chromium: accessible, no wider than the screen; the preview is the reading room's own."""

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from readerstudy.accounts.models import User
from readerstudy.reading.models import Response, Visit
from tests.browser.conftest import assert_accessible
from tests.browser.test_live_reading import explain
from tests.builders import make_member, make_study
from tests.worlds import make_world

OPEN = ("", "design", "plan", "people", "progress", "allocation", "exclusions", "close", "readers/R1/withdraw",
        "preview/1")  # fmt: skip
DRAFT = ("", "methods", "questions", "examples", "explanations", "open")


def log_in(page: Page, address: str, user: User) -> None:
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])


@pytest.mark.django_db(transaction=True)
def test_the_researchers_pages_are_accessible_and_fit_the_screen(live_server, page: Page):
    worlds = {"open": make_world("open", "open"), "draft": make_world("draft", "draft")}
    for state, part in [("open", part) for part in OPEN] + [("draft", part) for part in DRAFT]:
        if part == "":
            log_in(page, live_server.url, worlds[state].people["researcher"])
        page.goto(f"{live_server.url}/studies/{state}/{part}{'/' if part else ''}")
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{part} scrolls sideways"
        assert_accessible(page)


@pytest.mark.django_db(transaction=True)
def test_a_draft_is_seen_as_a_reader_will_see_it(live_server, page: Page):
    study = make_study(examples=4)
    study.methods.filter(key="B").update(kinds=["latentshift_map", "latentshift_animation"])
    explain(study)
    log_in(page, live_server.url, make_member(study, "ann", "researcher"))
    troubles: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.method))
    page.goto(f"{live_server.url}/studies/trial/preview/2/?method=B")
    page.locator("[data-shown='2']").wait_for()
    expect(page.locator("h1")).to_have_text("Preview of example 2")
    expect(page.locator(".panel-title")).to_have_text(["Input image", "Latent Shift map", "Latent Shift animation"])
    page.keyboard.press("4")
    expect(page.locator("input[value='4']").first).to_be_checked()
    page.keyboard.press("o")
    expect(page.locator("[data-action=overlay]")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Enter")
    page.wait_for_url("**/preview/3/?method=B")
    page.get_by_role("link", name="Method A").click()
    page.locator("[data-shown='3']").wait_for()
    expect(page.locator(".panel-title")).to_have_text(["Input image", "Input gradients"])
    assert troubles == []
    assert set(asked) == {"GET"}
    assert not Visit.objects.exists() and not Response.objects.exists()
