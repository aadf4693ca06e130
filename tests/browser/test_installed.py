"""The demo study is read from the installed package: an empty environment, an empty folder, no checkout."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from scripts.environment import install
from tests.installed import ROOT, Environment, build_wheel


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The demo, served from the installed package."""
    web = Environment(tmp_path)
    words = ["--constraint", str(ROOT / "requirements" / "constraints.txt"), f"{build_wheel(tmp_path)}[web]"]
    install(Path(sys.executable), words, step="install the wheel", into=web.bin / "python")
    web.run("readerstudy", "migrate", "--verbosity", "0")
    assert "Log-ins" in web.run("readerstudy", "demo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(web.bin / "python"), "-m", "gunicorn", "readerstudy.wsgi", f"--bind=127.0.0.1:{port}", "--threads=4",
               "--log-level=warning", "--no-control-socket"]  # fmt: skip
    process = subprocess.Popen(command, cwd=web.folder, env=web.variables)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def test_an_example_of_the_demo_is_read_from_the_installed_package(server: str, page: Page) -> None:
    page.goto(server)
    page.locator("form[action='/demo/enter/reader-2/'] button").click()
    page.goto(f"{server}/reading/demo/")
    page.get_by_role("button", name="Continue").click()
    page.locator("#display-dialog[open]").wait_for()
    page.check("[name=dark_square][value=yes]")
    page.check("[name=light_square][value=yes]")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-shown]")
    position = int(page.locator("body").get_attribute("data-shown") or 0)
    for key in ("4", "3", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector(f"body[data-shown='{position + 1}']")
    expect(page.locator("#save-state")).to_contain_text("Saved")
