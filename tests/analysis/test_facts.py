"""What a report tells beside its numbers comes from the database, and names nobody."""

from datetime import timedelta

import pytest
from django.utils import timezone

from readerstudy.analysis.facts import first_seen, study_facts
from readerstudy.reading.models import Read, Visit
from readerstudy.reading.withdrawing import withdraw
from readerstudy.studies.lifecycle import close_study, reopen_study
from tests.worlds import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world("ours", state="open")


def told(study) -> dict[str, dict[str, str]]:
    return {section.title: dict(section.rows) for section in study_facts(study)}


def test_people_flow_from_invitation_to_the_last_read(world):
    reader = world.study.readers.get(code="R1")
    reader.specialty, reader.years_experience, reader.consented_at = "Chest radiology", 7, timezone.now()
    reader.save()
    withdraw(reader, "moved away")
    people = told(world.study)["People"]
    assert people["Joined"] == str(world.study.readers.count())
    assert (
        people["Consented"] == str(world.study.readers.exclude(consented_at=None).count())
        and people["Finished every read"] == "0"
    )
    assert "R1 on " in people["Withdrew"] and "moved away" in people["Withdrew"]
    assert told(world.study)["Readers"]["R1"] == "Chest radiology; 7 years of experience"


def test_washout_is_told_as_it_was(world):
    first, second = Read.objects.filter(reader__code="R1", reader__study=world.study, number__gte=1)[:2]
    now = timezone.now()
    Read.objects.filter(pk=first.pk).update(opened_at=now - timedelta(days=30), finished_at=now - timedelta(days=29))
    Read.objects.filter(pk=second.pk).update(opened_at=now - timedelta(days=9))
    assert told(world.study)["Reads"]["From one read's finish to the next one's opening"].startswith(
        "20.0 to 20.0 days"
    )


def test_cases_model_and_study_are_described(world):
    world.study.registration = "NCT-0"
    facts = told(world.study)
    assert facts["The study"]["Registration"] == "NCT-0" and facts["The study"]["Ethics"] == "not recorded"
    cases = facts["Cases and reference standard"]
    assert cases["Radiographs"] == str(world.study.examples.filter(practice=False).count())
    assert world.batch.name in cases["Source"]
    assert "a prediction above" in facts["Model and explanations"]["Operating point"]


def test_displays_are_told_by_reader(world):
    visit = Visit.objects.filter(assignment__read__reader__code="R1", assignment__read__number__gte=1).first()
    visit.display = {
        "screen": {"width": 2048, "height": 1536},
        "device_pixel_ratio": 1,
        "panel_px": 512,
        "check": {"dark_square_seen": False, "light_square_seen": True},
    }
    visit.save()
    said = told(world.study)["Displays"]["R1"]
    assert "screen 2048 × 1536" in said and "1 after a failed check" in said


def test_nobody_is_named(world):
    everything = str(study_facts(world.study))
    for person in world.people.values():
        assert person.email not in everything and person.username not in everything


def test_results_count_as_seen_from_the_first_look_run_or_closing(world):
    world.study.analyses.all().delete()
    world.study.looks.all().delete()
    assert first_seen(world.study) is None
    closed = close_study(world.study)
    moment = closed.closed_at
    assert first_seen(closed) == moment
    assert first_seen(reopen_study(closed, "One read was closed too early.")) == moment
