"""The reading room against the real server: the same page, Django's own API, database and files."""

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from explain.kinds import kind as kind_of
from explain.render import frame_strip, heat_layer
from readerstudy.cases.models import save_file
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.reading.allocation import allocate_study
from readerstudy.reading.models import Reader, Response, Visit
from readerstudy.studies.models import Study
from tests.browser.conftest import ReadingRoom
from tests.browser.contract_server import Contract
from tests.builders import add_image, make_reader, make_study, make_user, open_now

LAMBDAS = [float(value) for value in range(-80, 30, 10)]


def explain(study: Study) -> None:
    """Give every example of a study its image and its explanations, with real files."""
    rng = np.random.default_rng(0)
    for number, example in enumerate(study.examples.all()):
        add_image(example.prediction.case, seed=number, side=400, bits=12 if number % 2 else 8)
        for name in ("input_gradient", "guided_backprop", "latentshift_map", "latentshift_animation"):
            animated = kind_of(name).animated
            explanation = Explanation.objects.create(
                prediction=example.prediction, kind=name, key=name, status="done",
                record={"lambdas": LAMBDAS, "frames": len(LAMBDAS)} if animated else {},
            )  # fmt: skip
            content = (
                frame_strip(rng.integers(0, 256, (11, 224, 224), dtype=np.uint8))
                if animated
                else heat_layer(rng.random((224, 224), dtype=np.float32))
            )
            file = ExplanationFile(
                explanation=explanation, role="strip" if animated else "layer", format="image/png",
                sha256=hashlib.sha256(content).hexdigest(), width=224, height=224,
            )  # fmt: skip
            save_file(file.file, content, ".png")
            file.save()
            example.explanations.add(explanation)


@pytest.fixture
def reader(transactional_db: None) -> Reader:
    """A reader whose first read of four examples is open."""
    study = make_study(examples=4)
    study.methods.filter(key="A").update(kinds=["input_gradient", "guided_backprop"])
    study.methods.filter(key="B").update(kinds=["latentshift_map", "latentshift_animation"])
    explain(study)
    reader = make_reader(study, user=make_user("reader"))
    reader.consented_at = reader.instructions_read_at = timezone.now()
    reader.specialty = "radiology"
    reader.save()
    open_now(study)
    allocate_study(study)
    reader.refresh_from_db()
    reader.reads.filter(number=1).update(opened_at=timezone.now())
    return reader


@pytest.fixture
def room(reader: Reader, live_server, page: Page, context: BrowserContext) -> Iterator[ReadingRoom]:
    client = Client()
    client.force_login(reader.membership.user)
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
          "url": live_server.url}]
    )  # fmt: skip
    yield ReadingRoom(page, Contract(total=0), live_server.url)
    page.close()


def open_room(room: ReadingRoom) -> Page:
    room.page.goto(f"{room.address}/reading/trial/read/")
    room.pass_display_check()
    room.wait_for(1)
    return room.page


def test_a_whole_read_is_stored_once_with_its_visits(room: ReadingRoom, reader: Reader) -> None:
    page = open_room(room)
    for position in range(1, 5):
        room.wait_for(position)
        room.photograph(f"live-{position}")
        room.press("o", str(position), "5", "Enter")
    page.get_by_role("button", name="Finish the read").click()
    expect(page.locator("#message")).to_contain_text("Read 1 of 2 is finished")
    assert room.troubles == []
    reader.reads.get(number=1, finished_at__isnull=False)
    scores = Response.objects.order_by("assignment__position", "question__position")
    assert [(row.assignment.position, row.score, row.revision) for row in scores] == [
        (position, score, 1) for position in range(1, 5) for score in (position, 5)
    ]
    visits = list(Visit.objects.all())
    assert len(visits) == 4
    for visit in visits:
        assert visit.images_ready_ms and visit.visible_ms and visit.answered_ms and visit.actions["overlay"] == 1
        stored = {row.sha256 for row in ExplanationFile.objects.filter(explanation__examples=visit.assignment.example)}
        assert {file["sha256"] for file in visit.files if file["role"] != "image"} <= stored
        assert visit.display["check"]["dark_square_seen"] is True


def test_a_session_that_ended_is_renewed_in_place(room: ReadingRoom, context: BrowserContext) -> None:
    page = open_room(room)
    context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    room.press("4")
    page.get_by_label("Password").fill("let-me-read-1")
    room.press("Enter")
    room.all_saved()
    room.press("2", "Enter")
    room.wait_for(2)
    room.all_saved()
    assert list(Response.objects.order_by("id").values_list("score", flat=True)) == [4, 2]
