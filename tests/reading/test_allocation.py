"""Allocation is drawn once, stored, and keeps its balance when readers join late or drop out."""

from collections import Counter

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from readerstudy.reading.allocation.drawing import allocate_reader, allocate_study
from readerstudy.reading.models import Assignment, Sequence
from readerstudy.studies.models import Example
from readerstudy.studies.signals import study_opened
from tests.builders import make_batch, make_reader, make_study, open_now

pytestmark = pytest.mark.django_db


def test_it_stores_reads_sequences_and_assignments():
    study = make_study(examples=12)
    for prediction in make_batch("practice", 2).cases.values_list("predictions", flat=True):
        Example.objects.create(study=study, prediction_id=prediction, number=prediction, practice=True)
    reader = make_reader(study)
    open_now(study)
    study_opened.send(sender=type(study), study=study)
    assert list(reader.reads.values_list("number", flat=True)) == [0, 1, 2]
    assert Counter(Assignment.objects.values_list("read__number", flat=True)) == {0: 2, 1: 12, 2: 12}
    for sequence in Sequence.objects.select_related("example"):
        shown = Assignment.objects.filter(example=sequence.example, read__number__gt=0).order_by("read__number")
        assert [assignment.method.key for assignment in shown] == sequence.methods


def test_it_is_drawn_once():
    study = make_study()
    reader = make_reader(study)
    open_now(study)
    allocate_reader(reader)
    assert allocate_study(study) == []
    with pytest.raises(ValidationError, match="already"):
        allocate_reader(reader)


def test_a_draft_is_not_allocated():
    with pytest.raises(ValidationError, match="is draft"):
        allocate_reader(make_reader(make_study()))


def test_a_late_joiner_takes_the_place_of_a_drop_out():
    study = make_study()
    readers = [make_reader(study, f"R{number}") for number in (1, 2, 3)]
    open_now(study)
    allocate_study(study)
    assert [reader.rotation for reader in study.readers.order_by("id")] == [0, 1, 0]
    gone = readers[1]
    gone.refresh_from_db()
    gone.withdrawn_at = timezone.now()
    gone.save()
    late = make_reader(study, "R4")
    allocate_reader(late)
    assert late.rotation == 1


def test_an_example_without_truth_is_named():
    study = make_study()
    study.examples.get(number=3).prediction.case.truths.all().delete()
    make_reader(study)
    open_now(study)
    with pytest.raises(ValidationError, match="Example 3"):
        allocate_study(study)
