"""From an invitation to the last "thank you", as a new reader does it; and a server that dies on the way."""

import hashlib
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, expect

from explain.methods.kinds import kind as kind_of
from explain.render.pictures import frame_strip, heat_layer
from readerstudy.cases.models import save_file
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.reading.models import Reader, Response, Visit
from readerstudy.studies import invitations
from readerstudy.studies.models import Example, Invitation, Study
from tests.browser.conftest import ReadingRoom, assert_accessible
from tests.browser.server import Gunicorn, copy_of_test_database
from tests.browser.trial import ANIMATION, METHODS, SLUG, Trial, session_cookie
from tests.builders import add_image, make_batch, make_study, open_now

KINDS = [name for kinds in METHODS.values() for name in kinds]
PASSWORD = "chest-film-42"


def explain(study: Study) -> None:
    """Give every example its image and its explanations, drawn as `precompute` draws them."""
    rng = np.random.default_rng(0)
    for number, example in enumerate(study.examples.all()):
        add_image(example.prediction.case, seed=number, side=400, bits=12 if number % 2 else 8)
        for name in KINDS:
            animated = kind_of(name).shows == "animation"
            content = (
                frame_strip(rng.integers(0, 256, (11, 224, 224), dtype=np.uint8))
                if animated
                else heat_layer(rng.random((224, 224), dtype=np.float32))
            )
            explanation = Explanation.objects.create(
                prediction=example.prediction, kind=name, key=name, status="done", record=ANIMATION if animated else {}
            )
            file = ExplanationFile(
                explanation=explanation, role="strip" if animated else "layer", format="image/png",
                sha256=hashlib.sha256(content).hexdigest(), width=224, height=224,
            )  # fmt: skip
            save_file(file.file, content, ".png")
            file.save()
            example.explanations.add(explanation)


@pytest.fixture
def invitation(transactional_db: None) -> Invitation:
    """To an open study of four examples and two for practice."""
    study = make_study(
        SLUG,
        examples=4,
        consent="Your answers are used for research.",
        instructions="Consider only what is named.",
    )
    for number, case in enumerate(make_batch(f"{SLUG}-practice", 2).cases.all(), start=1):
        Example.objects.create(study=study, prediction=case.predictions.get(), number=number, practice=True)
    for key, kinds in METHODS.items():
        study.methods.filter(key=key).update(kinds=kinds)
    explain(study)
    open_now(study)
    return Invitation.objects.create(
        study=study, email="new@example.org", expires_at=timezone.now() + timedelta(days=1)
    )


def test_a_new_reader_from_the_invitation_to_the_end(invitation: Invitation, page: Page, quiet_server: str) -> None:
    room = ReadingRoom(page, None, quiet_server)
    look = Look(room)
    page.goto(quiet_server + invitations.link_path(invitation))
    look("invitation")
    page.keyboard.press("Tab")
    page.locator("[name=new_password1]").fill(PASSWORD)
    page.locator("[name=new_password2]").fill(PASSWORD)
    room.press("Enter")
    expect(page).to_have_url(f"{quiet_server}/reading/{SLUG}/consent/")
    look("consent")
    page.get_by_label("I have read this and agree").check()
    room.press("Enter")
    expect(page.get_by_role("heading", name="About you")).to_be_visible()
    look("profile")
    page.get_by_label("Specialty").fill("Thoracic radiology")
    page.get_by_label("Years of experience").fill("12")
    page.get_by_label("Experience with AI").select_option("tried")
    room.press("Enter")
    expect(page.get_by_role("heading", name="Instructions")).to_be_visible()
    look("instructions")
    page.get_by_role("button", name="I have read this").press("Enter")
    look("list-practice")
    room.press("Enter")  # Start practising has the focus
    page.locator("#display-dialog[open]").wait_for()
    look("display-check")
    room.press("Space", "Tab", "Space", "Enter")
    for position in (1, 2):
        room.wait_for(position)
        room.press("4", "2", "Enter")
        expect(page.locator("#feedback")).to_contain_text("Practice answers are not analysed")
        look(f"practice-{position}")
        room.press("Enter")
    page.get_by_role("button", name="Finish practice").press("Enter")
    page.get_by_role("link", name="To the reading list").press("Enter")

    reader = Reader.objects.get()
    for number in (1, 2):
        expect(page.get_by_role("button", name=f"Start read {number}")).to_be_focused()
        look(f"list-read-{number}")
        room.press("Enter")  # the display check of this sitting is done
        for position in range(1, 5):
            room.wait_for(position)
            if position == 1:
                look(f"read-{number}")
            room.press("o", str(position), "5", "Enter")
        page.get_by_role("button", name="Finish the read").press("Enter")
        expect(page.locator("#message")).to_contain_text(f"Read {number} of 2 is finished")
        look(f"finished-{number}")
        assert reader.reads.get(number=number).finished_at
        assert room.kept_rows() == [], "the workstation is shared"
        page.get_by_role("link", name="To the reading list").press("Enter")
    expect(page.locator("main")).to_contain_text("You have finished every read. Thank you.")
    look("done")
    assert room.troubles == []
    assert_stored_once(reader)


def assert_stored_once(reader: Reader) -> None:
    scored = Response.objects.filter(assignment__read__reader=reader, assignment__read__number__gt=0).order_by("id")
    assert [(row.assignment.read.number, row.assignment.position, row.score, row.revision) for row in scored] == [
        (number, position, score, 1) for number in (1, 2) for position in range(1, 5) for score in (position, 5)
    ]
    visits = list(Visit.objects.filter(assignment__read__number__gt=0).select_related("assignment"))
    assert len(visits) == 8
    for visit in visits:
        assert visit.images_ready_ms and visit.visible_ms and visit.answered_ms and visit.actions["overlay"] == 1
        stored = {row.sha256 for row in ExplanationFile.objects.filter(explanation__examples=visit.assignment.example)}
        assert {file["sha256"] for file in visit.files if file["role"] != "image"} <= stored
        assert visit.display["check"]["dark_square_seen"] is True
    for example in Example.objects.filter(practice=False):
        shown = example.assignments.filter(read__reader=reader).values_list("method__key", flat=True)
        assert sorted(shown) == ["A", "B"], "every example once with each method"


class Look:
    """At a page: nothing for axe to find, and photographs on a small and a large screen."""

    def __init__(self, room: ReadingRoom) -> None:
        self.room = room
        self.number = 0

    def __call__(self, name: str) -> None:
        self.number += 1
        assert_accessible(self.room.page)
        for width, height in ((1920, 1080), (1366, 768)):
            self.room.page.set_viewport_size({"width": width, "height": height})
            self.room.photograph(f"path-{self.number:02d}-{name}-{width}")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="copies the test database as a SQLite file")
def test_a_server_killed_between_answer_and_acknowledgement(
    transactional_db: None, page: Page, tmp_path: Path, reading_room: Callable[..., ReadingRoom]
) -> None:
    trial = Trial(total=3)
    cookie = session_cookie(trial.reader, "http://127.0.0.1")
    file = tmp_path / "copy.sqlite3"
    with Gunicorn(copy_of_test_database(file), Path(settings.MEDIA_ROOT)) as server:
        page.context.add_cookies([{**cookie, "url": server.url}])
        room = ReadingRoom(page, trial, server.url)
        room.open()
        room.wait_for_files(3)
        room.press("2")
        room.all_saved()
        room.lose_reply("**/responses/**", server.kill)
        room.press("5", "Enter")
        room.read_on(2, 3, 4)
        room.wait_for(3)  # fetched ahead: the reader goes on
        expect(page.locator("#notice")).to_contain_text("3 answers are kept on this computer", timeout=10_000)
        assert stored(file) == [(1, 2), (1, 5)]
        server.start()
        room.all_saved()
        room.press("1", "1")
        room.all_saved()
        room.wait_until(lambda: len(stored(file)) == 6)
        assert stored(file) == [(1, 2), (1, 5), (2, 3), (2, 4), (3, 1), (3, 1)]
        page.close()


def stored(file: Path) -> list[tuple[int, int]]:
    """(position, score) as the killed server's own database has them."""
    with sqlite3.connect(file) as database:
        rows = database.execute(
            "SELECT position, score FROM reading_response r JOIN reading_assignment a ON a.id = r.assignment_id "
            "ORDER BY r.id"
        ).fetchall()
    database.close()
    return rows
