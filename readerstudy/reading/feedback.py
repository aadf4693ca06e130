"""Practice feedback: the one place where a reader is told a truth, for answered practice examples only."""

from readerstudy.cases.models import Case, Truth
from readerstudy.reading.models import Assignment, Read
from readerstudy.reading.refusals import ReadRefused
from readerstudy.studies.asking import asked_of
from readerstudy.studies.blinding import reads_in, studies_showing
from readerstudy.studies.models import Study


def practice_feedback(assignment: Assignment) -> dict[str, object]:
    """{"truth": is the pathology present, "text": a sentence}. ReadRefused outside practice and before answering."""
    example = assignment.example
    if assignment.read.number != Read.PRACTICE or not example.practice:
        raise ReadRefused("not_practice", "Feedback is given for practice examples only.")
    asked = len(asked_of(assignment.read.reader.study, assignment.method))
    if assignment.responses.values("question").distinct().count() < asked:
        raise ReadRefused("not_answered", "Answer every question of this practice example first.")
    prediction = example.prediction
    if _is_asked_elsewhere(assignment, prediction.case):
        raise ReadRefused("asked_elsewhere", "Another study asks you about this radiograph: no feedback is given here.")
    truth = Truth.objects.get(case=prediction.case_id, pathology=prediction.pathology)
    verdict = "is present: the model is right" if truth.label else "is not present: the model is wrong"
    return {"truth": truth.label, "text": f"{prediction.pathology} {verdict}. Practice answers are not analysed."}


def _is_asked_elsewhere(assignment: Assignment, case: Case) -> bool:
    """Whether the reader has the radiograph as a scored example of another study that is not closed."""
    membership = assignment.read.reader.membership
    if membership is None:
        return False
    asking = studies_showing(Case.objects.filter(pk=case.pk), practice=False).exclude(state=Study.State.CLOSED)
    return reads_in(membership.user, asking.exclude(pk=membership.study_id))
