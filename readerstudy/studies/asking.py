"""Which questions are asked with which method: the one rule.

A question that asks about the explanation is not asked with a method that shows none (a control arm). What is not asked
is not missing: nothing waits for it, counts it, imputes it or calls it incomplete.
"""

from typing import Any

from django.db.models import Count, Q, QuerySet

from readerstudy.studies.models import Method, Question, Study

NOT_ASKED = "not asked"


def is_asked(question: Question, method: Method) -> bool:
    return not (question.about_explanation and not method.kinds)


def not_asked(study: Study) -> list[tuple[str, str]]:
    """(key of the method, key of the question) of what the study does not ask, in their order. Two queries."""
    questions = list(study.questions.order_by("position"))
    methods = study.methods.order_by("position")
    return [(method.key, q.key) for method in methods for q in questions if not is_asked(q, method)]


def left_out_of(study: Study, method: Method) -> list[Question]:
    """What is not asked with one method. No query where it shows an explanation, as most do."""
    if method.kinds:
        return []
    return [question for question in study.questions.all() if not is_asked(question, method)]


def asked_of(study: Study, method: Method) -> list[Question]:
    return [question for question in study.questions.all() if is_asked(question, method)]


def asked_counts(study: Study) -> dict[int, int]:
    """Method's id -> number of questions asked with it. Two queries."""
    questions = list(study.questions.all())
    return {method.pk: sum(is_asked(q, method) for q in questions) for method in study.methods.all()}


def fully_answered(assignments: QuerySet[Any], counts: dict[int, int]) -> QuerySet[Any]:
    """The assignments of which every question asked has an answer; `counts` from `asked_counts`."""
    complete = Q(pk__in=[])
    for count in set(counts.values()):
        methods = [method for method, asked in counts.items() if asked == count]
        complete |= Q(method__in=methods, answers__gte=count)
    counted = assignments.annotate(answers=Count("responses__question", distinct=True))
    found: QuerySet[Any] = counted.filter(complete)
    return found
