"""An installation of an earlier version goes on working after an upgrade, on either database (README.md)."""

import csv
import json
import lzma
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

DATA = Path(__file__).parent / "data"
ROOT = Path(__file__).resolve().parent.parent.parent
OLD = ("old-closed", "old-open")
pytestmark = pytest.mark.database


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What `use.py` wrote about a migrated copy of the old installation."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(DATA / "media.tar.xz") as archive:
        archive.extractall(folder)
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


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("format", ["long", "wide"])
@pytest.mark.parametrize("slug", OLD)
def test_every_column_that_was_exported_is_exported_with_the_same_values(
    upgraded: Path, slug: str, format: str
) -> None:
    before, now = (table(folder, f"{slug}.{format}.csv") for folder in (DATA, upgraded))
    assert [{name: row[name] for name in before[0]} for row in now] == before


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


def test_the_old_study_is_analysed_again(upgraded: Path) -> None:
    results = json.loads((upgraded / "results" / "results.json").read_text())
    before = json.loads(lzma.decompress((DATA / "old-closed.results.json.xz").read_bytes()))
    for name, value in before["plan"].items():  # what has come since is beside it, also within a part
        now = results["plan"][name]
        assert now == value or (isinstance(value, dict) and now.items() >= value.items()), name
    columns = ("question", "truth", "level", "group", "n_pairs", "mean_a", "mean_b", "mean_difference", "w", "p_value")
    assert [[row[name] for name in columns] for row in results["paired"]] == [
        [row[name] for name in columns] for row in before["paired"]
    ]
