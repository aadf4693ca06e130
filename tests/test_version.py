"""The version and the commit, told alike wherever the software says what made something."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

import explain
from readerstudy.analysis.gathering import PACKAGES, about_study
from readerstudy.common.version import TOP, commit, software
from readerstudy.exchange.export import provenance
from readerstudy.explanations.keeping import Provenance, store
from readerstudy.reading.models import Reader
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.results import analyse
from readerstudy.statistics.rows import About
from tests.builders import make_study, make_user
from tests.statistics.frames import crossover
from tests.worlds import make_world


def git(folder: Path, *words: str) -> str:
    named = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    done = subprocess.run(["git", *named, "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_checkout_has_a_commit_and_what_is_installed_inside_another_one_has_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    (tmp_path / "site-packages").mkdir()
    assert commit(tmp_path) == git(tmp_path, "rev-parse", "HEAD")
    assert commit(tmp_path / "site-packages") is None


def test_without_git_or_with_a_broken_checkout_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken" / ".git").mkdir(parents=True)
    assert commit(tmp_path / "broken") is None
    (tmp_path / "other" / ".git").mkdir(parents=True)
    monkeypatch.setenv("PATH", "")
    assert commit(tmp_path / "other") is None


@pytest.mark.django_db
def test_results_say_what_made_them() -> None:
    told = about_study(make_study(examples=1)).versions
    assert software()["readerstudy"] == explain.__version__
    assert software().items() <= told.items()
    assert set(told) - set(software()) == {"python", *PACKAGES}
    assert analyse(crossover(readers=1, examples=4), AnalysisPlan(), about=About(versions=told)).versions == told


@pytest.mark.django_db
def test_exports_and_explanations_say_what_made_them() -> None:
    study = make_study(examples=1)
    assert software().items() <= provenance(study, "long", "", 0)["software"].items()
    made = Provenance({}, 1, "model", "", "", "", "cpu", libraries={"torch": "2"})
    kept = store(study.examples.get().prediction, "input_gradient", "key", made)
    assert kept.libraries == software() | {"torch": "2"}


@pytest.mark.django_db
def test_the_foot_of_a_page_says_it_to_people_who_are_logged_in() -> None:
    words = f"Version {explain.__version__}"
    client = Client()
    assert words not in client.get("/accounts/login/").text
    client.force_login(make_user("rita"))
    page = client.get("/").text
    assert words in page
    if found := commit(TOP):
        assert f"{words} ({found[:10]})" in page


@pytest.mark.django_db
def test_the_reading_room_and_its_preview_have_it_for_their_help() -> None:
    world = make_world("one")
    Reader.objects.update(consented_at=timezone.now(), instructions_read_at=timezone.now(), specialty="radiology")
    for who, address in (("other_reader", "/reading/one/read/"), ("researcher", "/studies/one/preview/1/")):
        client = Client()
        client.force_login(world.people[who])
        assert f'data-version="{explain.__version__}' in client.get(address).text
