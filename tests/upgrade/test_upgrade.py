"""An installation of an earlier version goes on working after an upgrade, on either database (README.md)."""

import csv
import hashlib
import html
import io
import json
import lzma
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from tests.differences import differences
from tests.upgrade.shown import QUESTIONS

DATA = Path(__file__).parent / "data"
ROOT = Path(__file__).resolve().parent.parent.parent
OLD = ("old-closed", "old-open")
# What differs on purpose, each with its reason in README.md.
NEW_COLUMNS = ["idle_ms", "looking_ms"]  # of the long table
CHANGED_ON_PURPOSE = {
    "shown.state.read.opens_at is gone",
    "shown.state.practice is gone",
    "shown.examples.example.number is gone",
    "shown.examples.panels.lambdas is gone",
    "shown.examples.panels.zero_frame is gone",
}
# The words with a map: its colour is the study's choice since, and what colours do not say is said.
COLOURS = " The stronger, the darker. Always the strongest 5 % of pixels are coloured, however weak the evidence."
CHANGED_RESULTS = {"results.data_sha256", "results.timing.source"}
pytestmark = pytest.mark.database


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What `use.py` wrote about a migrated copy of the old installation."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(DATA / "media.tar.xz") as archive:
        archive.extractall(folder)
    (folder / "media.json").write_text(json.dumps(hashes(folder / "media")))
    engine = settings.DATABASES["default"]["ENGINE"]
    for url in _sqlite(folder) if engine.endswith("sqlite3") else _postgres():
        environment = {
            **os.environ, "DATABASE_URL": url, "MEDIA_ROOT": str(folder / "media"), "DEBUG": "true", "DEMO": "false",
            "SECRET_KEY": "of-the-old-installation", "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.upgrade.use", str(folder)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        yield folder


def _sqlite(folder: Path) -> Iterator[str]:
    (folder / "db.sqlite3").write_bytes(lzma.decompress((DATA / "db.sqlite3.xz").read_bytes()))
    yield f"sqlite:///{folder}/db.sqlite3"


def _postgres() -> Iterator[str]:
    import psycopg

    server, name = os.environ["DATABASE_URL"], f"old_{uuid4().hex[:12]}"
    url = server.rsplit("/", 1)[0] + "/" + name
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            with psycopg.connect(url, autocommit=True) as old:
                old.execute(lzma.decompress((DATA / "postgres.sql.xz").read_bytes()).decode())
            yield url
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def seen(upgraded: Path) -> dict[str, Any]:
    return json.loads((upgraded / "seen.json").read_text(encoding="utf-8"))


def hashes(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def columns(text: str) -> list[str]:
    return next(csv.reader(io.StringIO(text)))


def only(names: list[str], text: str) -> str:
    """The table with these columns alone, written as exports are."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, names, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(csv.DictReader(io.StringIO(text)))
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["long", "wide"])
@pytest.mark.parametrize("slug", OLD)
def test_what_was_exported_is_exported_with_the_same_bytes_but_for_new_columns(
    upgraded: Path, slug: str, format: str
) -> None:
    before, now = ((folder / f"{slug}.{format}.csv").read_bytes().decode() for folder in (DATA, upgraded))
    new = [name for name in columns(now) if name not in columns(before)]
    assert new == (NEW_COLUMNS if format == "long" else [])
    assert only(columns(before), now) == before
    assert only(columns(now), now) == now


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("slug", OLD)
def test_imrmcs_input_is_exported_with_the_same_bytes(upgraded: Path, slug: str, question: str) -> None:
    before, now = ((folder / f"{slug}.{question}.imrmc").read_bytes() for folder in (DATA, upgraded))
    assert now == before


@pytest.mark.parametrize("slug", OLD)
def test_provenance_says_what_it_said_but_for_version_time_and_hash(upgraded: Path, slug: str) -> None:
    before, now = (json.loads((folder / f"{slug}.long.csv.provenance.json").read_text()) for folder in (DATA, upgraded))
    for name in ("exported_at", "software", "content_sha256", "looks"):
        assert type(before.pop(name)) is type(now[name])
    assert differences(before, now, "provenance") == []


def test_the_reader_is_shown_the_same_facts_words_and_files(upgraded: Path) -> None:
    before, now = (json.loads((folder / "shown.json").read_text()) for folder in (DATA, upgraded))
    assert len(before["files"]) == 5 and now["files"] == before["files"]
    maps = [
        panel for example in before["examples"] for panel in example["panels"] if panel["what_is_this"].count("Red")
    ]
    assert len(maps) == 2
    for panel in maps:
        panel["what_is_this"] = panel["what_is_this"].replace("Red marks", "Colour marks") + COLOURS
    changed = {re.sub(r"\[\d\]|: .*", "", one) for one in differences(before, now, "shown")}
    assert changed == CHANGED_ON_PURPOSE


def test_the_reader_is_told_what_the_study_tells(seen: dict[str, Any]) -> None:
    protocol = json.loads((DATA / "old-open.long.csv.provenance.json").read_text())["protocol"]
    for name, page in seen["told"].items():
        text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
        lines = [" ".join(line.split()) for line in protocol[name].splitlines() if line.strip()]
        assert lines and [line for line in lines if line not in text] == []


def test_no_stored_file_is_changed(upgraded: Path) -> None:
    before, now = json.loads((upgraded / "media.json").read_text()), hashes(upgraded / "media")
    assert before and differences(before, now, "media") == []


def test_protocols_hash_as_they_did_when_they_were_frozen(seen: dict[str, Any]) -> None:
    protocols = json.loads((DATA / "facts.json").read_text())["protocols"]
    frozen = {slug: protocols[slug] for slug in OLD}
    assert seen["stored"]["protocols"] == frozen
    assert seen["stored"]["protocols_now"] == frozen


def test_no_stored_explanation_would_be_rendered_again(seen: dict[str, Any]) -> None:
    keys = [list(entry) for entry in json.loads((DATA / "facts.json").read_text())["explanations"]]
    assert seen["stored"]["explanations"] == keys
    assert seen["stored"]["explanations_now"] == keys


def test_every_page_of_the_old_studies_opens(seen: dict[str, Any]) -> None:
    assert {address: status for address, status in seen["pages"].items() if status != 200} == {}
    assert seen["report"] is True


def test_the_reader_goes_on_where_they_were(seen: dict[str, Any]) -> None:
    assert seen["reading"] == {
        "state": "open",
        "answers": {"confidence": 2, "feature": 3},
        "files": [200] * len(seen["reading"]["files"]),
        "sent": [201, 201],
        "stored": [1, 5],
    }
    assert len(seen["reading"]["files"]) >= 2


def test_the_old_study_is_analysed_again_with_the_same_results(upgraded: Path) -> None:
    results = json.loads((upgraded / "results" / "results.json").read_text())
    before = json.loads(lzma.decompress((DATA / "old-closed.results.json.xz").read_bytes()))
    assert type(before.pop("versions")) is type(results["versions"])
    assert {one.split(": ")[0] for one in differences(before, results, "results")} == CHANGED_RESULTS
