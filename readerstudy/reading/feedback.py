"""Practice feedback: the one place where a reader is told a truth, for answered practice examples only."""

from readerstudy.cases.models import Truth
from readerstudy.reading.models import Assignment, Read
from readerstudy.reading.recording import Refused


def practice_feedback(assignment: Assignment, questions: int) -> dict[str, object]:
    """{"truth": is the pathology present, "text": a sentence}. Refused outside practice and before answering."""
    example = assignment.example
    if assignment.read.number != Read.PRACTICE or not example.practice:
        raise Refused("not_practice", "Feedback is given for practice examples only.")
    if assignment.responses.values("question").distinct().count() < questions:
        raise Refused("not_answered", "Answer every question of this practice example first.")
    prediction = example.prediction
    truth = Truth.objects.get(case=prediction.case_id, pathology=prediction.pathology)
    verdict = "is present: the model is right" if truth.label else "is not present: the model is wrong"
    return {"truth": truth.label, "text": f"{prediction.pathology} {verdict}. Practice answers are not analysed."}
