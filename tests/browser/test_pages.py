"""The pages around the reading room in a real browser: nothing blocked by the policy, nothing from another host."""

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, expect

from readerstudy.studies import invitations
from tests.worlds import make_world

PAGES = {
    None: ["/", "/accounts/login/", "/accounts/password/reset/"],
    "reader": ["/", "/accounts/", "/accounts/2fa/"],
    "researcher": [
        *("/", "/studies/one/people/", "/accounts/token/", "/api/docs/"),
        *("/studies/one/results/", "/studies/one/results/dictionary/"),
    ],
    "administrator": ["/", "/admin/", "/admin/reading/response/", "/admin/studies/membership/add/"],
}


@pytest.mark.django_db(transaction=True)
def test_every_role_sees_its_pages_whole_and_nothing_leaves_the_house(live_server, browser: Browser):
    world = make_world("one")
    troubles = []
    for role, addresses in PAGES.items():
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        if role is not None:
            client = Client()
            client.force_login(world.people[role])
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if live_server.url in request.url else troubles.append(request.url))
        for address in addresses:
            page.goto(live_server.url + address)
            expect(page.locator("h1, h2").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} scrolls sideways"
        context.close()
    assert [trouble for trouble in troubles if not trouble.startswith(("data:", "blob:"))] == []


@pytest.mark.django_db(transaction=True)
def test_an_invited_reader_is_two_clicks_from_the_reading_room(live_server, browser: Browser):
    world = make_world("one")
    page = browser.new_page()
    page.goto(live_server.url + invitations.link_path(world.invitation))
    for field in ("new_password1", "new_password2"):
        page.fill(f"[name={field}]", "chest-film-42")
    page.click("text=Join >> nth=-1")
    page.wait_for_url("**/reading/one/**")
    assert "You have joined" in page.inner_text("main")
    page.context.close()
