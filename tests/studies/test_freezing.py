"""Opening a study fixes its protocol and all it shows; every refusal says why."""

import pytest
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from readerstudy.cases.models import Prediction, Truth
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.studies.freezing import FrozenError
from readerstudy.studies.models import Example, Study
from tests.builders import make_batch, make_study, open_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    study = make_study()
    for example in study.examples.all():
        example.explanations.add(
            Explanation.objects.create(prediction=example.prediction, kind="input_gradient", key="k", status="done")
        )
    return open_now(study)


def rows_in_use(study):
    prediction = study.examples.first().prediction
    yield study.methods.first()
    yield study.questions.first()
    yield study.examples.first()
    yield prediction
    yield prediction.case
    yield prediction.case.truths.get(pathology=prediction.pathology)
    yield prediction.explanations.first()


def test_rows_in_use_are_neither_changed_nor_deleted(study):
    for row in rows_in_use(study):
        with pytest.raises(FrozenError, match="The trial study"), transaction.atomic():
            row.save()
        with pytest.raises((FrozenError, ProtectedError)), transaction.atomic():
            row.delete()


@pytest.mark.parametrize(
    ("field", "value"), [("seed", 7), ("consent", "new"), ("washout_days", 3), ("analysis_plan", {"alpha": 0.1})]
)
def test_the_protocol_is_fixed(study, field, value):
    setattr(study, field, value)
    with pytest.raises(FrozenError, match=field.replace("_", " ")):
        study.save()


def test_when_and_by_whom_a_study_was_closed_is_fixed(study):
    study.state, study.closed_at = Study.State.CLOSED, timezone.now()
    study.save()
    study.closed_at = timezone.now()
    with pytest.raises(FrozenError, match="closed at"):
        study.save()


def test_an_open_study_does_not_go_back_to_draft(study):
    study.state, study.opened_at = Study.State.DRAFT, None
    with pytest.raises(FrozenError, match="cannot become draft"):
        study.save()


def test_nothing_is_added_to_or_unpinned_from_an_open_study(study):
    spare = make_batch("spare", 1)
    with pytest.raises(FrozenError):
        Example.objects.create(study=study, prediction=Prediction.objects.get(case__batch=spare), number=99)
    with pytest.raises(FrozenError):
        study.examples.first().explanations.clear()


def test_a_row_in_use_is_not_moved_elsewhere(study):
    draft, spare = make_study("draft"), make_batch("spare", 1).cases.get()
    for row in (study.methods.first(), study.questions.first(), study.examples.first()):
        row.study, row.position, row.number = draft, 9, 9
        with pytest.raises(FrozenError), transaction.atomic():
            row.save()
    truth = study.examples.first().prediction.case.truths.get()
    for field, value in (("pathology", "Mass"), ("case", spare)):
        truth.refresh_from_db()
        setattr(truth, field, value)
        with pytest.raises(FrozenError), transaction.atomic():
            truth.save()


def test_nothing_is_added_to_what_an_open_study_shows(study):
    example = study.examples.first()
    with pytest.raises(FrozenError):
        ExplanationFile.objects.create(explanation=example.explanations.get(), role="curve", width=1, height=1)
    spare = Explanation.objects.create(prediction=example.prediction, kind="guided_backprop", key="k", status="done")
    with pytest.raises(FrozenError), transaction.atomic():
        spare.examples.add(example)
    Truth.objects.filter(case=example.prediction.case_id)._raw_delete("default")  # as if it had never had one
    with pytest.raises(FrozenError):
        Truth.objects.create(case=example.prediction.case, pathology=example.prediction.pathology, label=True)


def test_what_no_open_study_uses_stays_editable(study):
    truth = Truth.objects.create(case=study.examples.first().prediction.case, pathology="Mass", label=False)
    truth.label = True
    truth.save()
    make_study("draft").questions.first().save()


def test_a_draft_is_editable_and_deletable():
    study = make_study()
    study.seed = 9
    study.save()
    study.methods.first().save()
    study.delete()
    assert not Study.objects.exists()
