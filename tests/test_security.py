"""Security defaults: production checks, content security policy, nothing from another host."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.builders import make_user
from tests.test_access import TABLE, fill, quiet  # noqa: F401
from tests.worlds import make_world

ROOT = Path(__file__).resolve().parent.parent


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite://:memory:", **environment}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_production_settings_pass_djangos_deployment_check():
    secret = "".join(chr(33 + index) for index in range(80))
    done = manage("check", "--deploy", "--fail-level", "WARNING", SECRET_KEY=secret, ALLOWED_HOSTS="x.example.org")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["check", "load_reads"])  # Django's own, and one that Django must look for first
def test_without_a_secret_key_nothing_starts_and_the_error_says_what_to_do(command):
    done = manage(command)
    assert done.returncode != 0
    assert "SECRET_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("left", ["SECRET_KEY", "BLINDING_KEY"])
def test_with_a_key_of_the_example_nothing_starts(left):
    example = (ROOT / "deploy" / "environment.example").read_text()
    value = next(line.partition("=")[2] for line in example.splitlines() if line.startswith(f"{left}="))
    done = manage("check", **{"SECRET_KEY": "a" * 50, "BLINDING_KEY": "b" * 50, left: value})
    assert done.returncode != 0
    assert "which everybody knows" in done.stderr


class Offences(HTMLParser):
    """What the content security policy would block, and what would leave the house."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        asks = ("action",) if tag in ("a", "form") else ("src", "href", "srcset", "data", "poster", "action")
        for name, value in attributes.items():
            value = value or ""
            if name == "style" or name.startswith("on"):
                self.found.append(f"<{tag} {name}=…>")
            outside = re.match(r"(https?:)?//(?!testserver)", value.strip())
            if name in asks and outside:
                self.found.append(f"<{tag} {name}={value}>")
        is_data = attributes.get("type") in ("application/json", "importmap-shim")
        if tag == "style" or (tag == "script" and "src" not in attributes and not is_data):
            self.found.append(f"inline <{tag}>")


def offences(html: str) -> list[str]:
    parser = Offences()
    parser.feed(html)
    return parser.found


ALLAUTH = ["login/", "logout/", "signup/", "password/reset/", "password/change/", "email/", "2fa/"]


@pytest.mark.django_db
def test_no_page_asks_another_host_or_needs_inline_script_or_style(client):
    world = make_world("one")
    superuser = make_user("root", is_staff=True, is_superuser=True)
    pages = [
        (world.people[row.who[-1]], fill(route, row.values("one", world)))
        for route, row in TABLE.items()
        if row.method == "get" and not route.startswith("api/")
    ]
    pages += [(None, "/"), (None, "/no-such-page/")]
    pages += [(user, f"/accounts/{page}") for user in (None, world.people["reader"]) for page in ALLAUTH]
    pages += [
        (superuser, f"/admin/{page}") for page in ("", "studies/study/", "studies/method/add/", "reading/reader/")
    ]
    pages += [(superuser, "/api/docs/")]
    wrong = {}
    seen = 0
    for user, address in pages:
        client.logout()
        if user is not None:
            client.force_login(user)
        response = client.get(address, follow=True)
        assert response.status_code in (200, 403, 404, 409, 410), (address, response.status_code)
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy or "default-src 'none'" in policy
        assert "unsafe" not in policy, address
        if response.headers["Content-Type"].startswith("text/html"):
            seen += 1
            if found := offences(response.content.decode()):
                wrong[address] = found
    assert not wrong
    assert seen > 15


@pytest.mark.django_db
def test_errors_refusals_and_static_files_carry_the_policy(client, monkeypatch, quiet):  # noqa: F811
    monkeypatch.setattr("readerstudy.studies.pages.home.render", None)  # so that the home page fails
    client.raise_request_exception = False
    client.force_login(make_user("ann"))
    answers = {
        400: client.get("/", headers={"host": "elsewhere.example"}),
        404: client.get("/no-such-page/"),
        500: client.get("/"),
        200: client.get("/static/img/icon.svg"),
        405: client.put("/studies/one/results/"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"], status


def test_our_styles_and_scripts_name_no_other_host():
    wrong = [
        f"{file.relative_to(ROOT)}: {host}"
        for file in (ROOT / "static").rglob("*")
        if file.suffix in {".css", ".js", ".html"}
        for host in re.findall(r"https?://[\w.-]+", file.read_text())
        if host not in ("http://www.w3.org", "https://www.w3.org")
    ]
    assert not wrong
