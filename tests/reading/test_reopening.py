"""A closed study and a finished read are opened again for a reason only, and the provenance says so."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from readerstudy.exchange.export import provenance
from readerstudy.exchange.records import reopening_records, reopening_sentences
from readerstudy.reading import progress
from readerstudy.reading.models import Read
from readerstudy.reading.reopening import reopen_read
from readerstudy.studies.freezing import FrozenError
from readerstudy.studies.lifecycle import close_study, reopen_study
from readerstudy.studies.models import Study
from tests.builders import make_response
from tests.worlds import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world("ours", state="open")


def finished(study: Study, number: int = 1) -> Read:
    read = Read.objects.get(reader__study=study, reader__code="R1", number=number)
    read.opened_at = read.opened_at or timezone.now()
    read.finished_at = timezone.now()
    read.save()
    return read


def test_a_closed_study_opens_again_for_a_reason_that_is_kept(world):
    closed = close_study(world.study)
    with pytest.raises(ValidationError, match="Say why"):
        reopen_study(closed, " ")
    with pytest.raises(FrozenError):  # and in no other way
        closed.state, closed.closed_at = Study.State.OPEN, None
        closed.save()
    opened = reopen_study(Study.objects.get(pk=closed.pk), "One read was closed too early.")
    assert opened.state == "open" and opened.closed_at is None
    again = close_study(opened)
    with pytest.raises(FrozenError):  # the first reopening is spent
        again.state, again.closed_at = Study.State.OPEN, None
        again.save()
    [row] = reopening_records(again)
    assert row["what"] == "study" and row["ended"] < row["at"]
    assert "reopened" in reopening_sentences(again)[0] and "closed too early" in reopening_sentences(again)[0]
    assert provenance(again, "long", "", 0)["reopenings"] == [row]


def test_only_a_closed_study_is_reopened(world):
    with pytest.raises(ValidationError, match="only a closed study"):
        reopen_study(world.study, "By mistake.")


def test_a_finished_read_opens_again_while_no_later_one_has_begun(world):
    read = finished(world.study)
    before = read.finished_at
    with pytest.raises(ValidationError, match="Say why"):
        reopen_read(read, "")
    reopen_read(read, "The reader mistook the scale.")
    read.refresh_from_db()
    assert read.finished_at is None
    assignment = read.assignments.order_by("position").first()
    question = world.study.questions.first()
    last = assignment.responses.filter(question=question).order_by("-revision").first()
    make_response(assignment, question, 3, revision=last.revision + 1 if last else 1)
    [row] = reopening_records(world.study)
    assert (row["reader"], row["read"], row["ended"]) == ("R1", 1, before.isoformat())
    assert [one["question"] for one in row["answers"]] == [question.key]
    assert "1 answer afterwards" in reopening_sentences(world.study)[0]


def test_washout_counts_from_the_new_finish(world):
    read = finished(world.study)
    Read.objects.filter(pk=read.pk).update(finished_at=timezone.now() - timedelta(days=400))
    reopen_read(read, "The reader mistook the scale.")
    again = finished(world.study)
    second = next(row for row in progress.reads_of(read.reader) if row.read.number == 2)
    assert second.opens_at == again.finished_at + world.study.washout


def test_a_read_is_not_reopened_once_a_later_one_has_begun(world):
    read = finished(world.study)
    Read.objects.filter(reader=read.reader, number=2).update(opened_at=timezone.now())
    with pytest.raises(ValidationError, match="begun a later read"):
        reopen_read(read, "The reader mistook the scale.")


@pytest.mark.parametrize(("change", "sentence"), [("unfinished", "is not finished"), ("closed", "only while")])
def test_a_read_that_is_not_finished_or_of_a_closed_study_is_not_reopened(world, change, sentence):
    read = finished(world.study)
    if change == "unfinished":
        Read.objects.filter(pk=read.pk).update(finished_at=None)
    else:
        close_study(world.study)
    with pytest.raises(ValidationError, match=sentence):
        reopen_read(read, "The reader mistook the scale.")
