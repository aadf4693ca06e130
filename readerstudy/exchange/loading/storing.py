"""The rows of a study whose reads were made elsewhere: all of them or none."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from django.utils import timezone

from explain.methods.kinds import KINDS
from readerstudy.accounts.models import User
from readerstudy.cases.models import Batch, Case, Prediction, Truth
from readerstudy.common.identity import opaque_id
from readerstudy.common.limits import problems
from readerstudy.exchange.loading.copies import copied_reads
from readerstudy.exchange.loading.shape import LoadedAnswer, LoadedReads, LoadedVisit, RefusedReads
from readerstudy.explanations.models import Explanation
from readerstudy.reading.models import Assignment, Exclusion, Read, Reader, Response, Sequence, Visit
from readerstudy.statistics.plan import AnalysisError, AnalysisPlan
from readerstudy.studies.models import Example, Look, Membership, Method, Question, Study
from readerstudy.studies.protocol import protocol_sha256

_BATCH_SIZE = 2000
UNSAID = "Marked as excluded in the loaded table, which does not say why."


@transaction.atomic
def store_reads(
    loaded: LoadedReads, slug: str, *, title: str = "", user: User | None = None, researcher: User | None = None
) -> Study:
    """A closed study with these reads, without images, log-ins or (from spreadsheets) timings.

    `researcher` becomes its researcher, who may open its pages. RefusedReads when the slug is taken or not one, or when
    the analysis plan cannot be read.
    """
    batch_name = f"{slug}-reads"
    _check(loaded, slug, batch_name)
    study = Study(
        slug=slug,
        title=title or loaded.title or slug,
        from_spreadsheets=True,
        created_by=user,
        **({"washout_days": 0, "analysis_plan": AnalysisPlan.published().to_dict()} | loaded.settings),
    )
    study.kept_outside_limits = bool(study.outside_limits())  # an export older than the limits stays readable
    study.save()
    if researcher is not None:
        Membership.objects.create(study=study, user=researcher, role=Membership.Role.RESEARCHER)
    batch = Batch.objects.create(
        name=batch_name,
        source=loaded.source,
        content_sha256=loaded.content_sha256,
        simulated=study.simulated,
        loaded_by=user,
        report=_report(loaded),
    )
    for position, method in enumerate(loaded.methods, start=1):
        Method.objects.create(
            study=study, key=method.key, label=method.label, kinds=list(method.kinds), position=position
        )
    for position, question in enumerate(loaded.questions, start=1):
        kept = bool(problems({"minimum": question.minimum, "maximum": question.maximum}))
        Question.objects.create(study=study, position=position, kept_outside_limits=kept, **vars(question))
    examples = _store_examples(study, batch, loaded)
    _store_answers(study, examples, loaded)
    _store_exclusions(study, examples, loaded)
    for look in loaded.looks:
        row = Look.objects.create(study=study, what=look["what"], why=look["why"])
        Look.objects.filter(pk=row.pk).update(at=look["at"])
    now = timezone.now()
    study.opened_at, study.opened_by, study.state = loaded.opened_at or now, user, Study.State.OPEN
    study.protocol_sha256 = protocol_sha256(study)
    study.save()
    study.state, study.closed_at, study.closed_by = Study.State.CLOSED, loaded.closed_at or now, user
    study.save()
    return study


def _report(loaded: LoadedReads) -> dict[str, Any]:
    return {
        "loaded_by": "load_reads",
        "examples": len(loaded.examples),
        "answers": len(loaded.answers),
        "skipped": len(loaded.skipped),
        "warnings": copied_reads(loaded.answers),
    }


def _check(loaded: LoadedReads, slug: str, batch_name: str) -> None:
    try:
        validate_slug(slug)
        AnalysisPlan.from_dict(loaded.settings.get("analysis_plan") or {})
    except ValidationError as error:
        raise RefusedReads([f"“{slug}” cannot name a study: use letters, digits, hyphens and underscores."]) from error
    except AnalysisError as error:
        raise RefusedReads([str(error)]) from error
    if Study.objects.filter(slug=slug).exists() or Batch.objects.filter(name=batch_name).exists():
        raise RefusedReads([f"There is a study “{slug}” or a batch “{batch_name}” already: give another --study."])


def _store_examples(study: Study, batch: Batch, loaded: LoadedReads) -> dict[str, Example]:
    """Cases keep the id they were exported with where it is free here."""
    cases: dict[str, Case] = {}
    examples = {}
    for example in loaded.examples.values():
        if example.case not in cases:
            usable = len(example.case) <= 16 and not Case.objects.filter(public_id=example.case).exists()
            cases[example.case] = Case.objects.create(
                batch=batch,
                public_id=example.case if usable else opaque_id(),
                patient_key=example.patient_key,
                dataset=example.dataset,
                sex=example.sex,
                age=example.age,
                view=example.view,
                practice=example.practice,
            )
        case = cases[example.case]
        if example.truth is not None:
            truth, _ = Truth.objects.get_or_create(
                case=case,
                pathology=example.pathology,
                defaults={"label": example.truth, "provenance": f"loaded with the reads of {study.slug}"},
            )
            if truth.label != example.truth:
                raise RefusedReads([f"Example {example.name}: another example calls its truth the opposite."])
        prediction = Prediction.objects.create(
            case=case, pathology=example.pathology, model=example.model, probability=example.probability
        )
        row = Example.objects.create(
            study=study, prediction=prediction, number=example.number, practice=example.practice
        )
        if example.reconstruction is not None:
            row.explanations.add(_reconstruction(prediction, example.reconstruction))
        examples[example.name] = row
    return examples


def _reconstruction(prediction: Prediction, value: float) -> Explanation:
    """f(D(E(x))) is kept in the record of the kinds that redraw the image; this one has no files here."""
    redraws = next(kind for kind in KINDS.values() if "autoencoder" in kind.needs)
    return Explanation.objects.create(
        prediction=prediction,
        kind=redraws.name,
        key="loaded-with-reads",
        status=Explanation.Status.DONE,
        external=True,
        record={"prediction_reconstruction": value},
    )


def _store_answers(study: Study, examples: dict[str, Example], loaded: LoadedReads) -> None:
    methods = {method.key: method for method in study.methods.all()}
    questions = {question.key: question for question in study.questions.all()}
    readers = {
        code: Reader.objects.create(study=study, code=code)
        for code in dict.fromkeys([*(a.reader for a in loaded.answers), *(s.reader for s in loaded.skipped)])
    }
    Sequence.objects.bulk_create(
        [
            Sequence(reader=readers[code], example=examples[name], methods=keys)
            for (code, name), keys in loaded.sequences.items()
        ],
        batch_size=_BATCH_SIZE,
    )
    reads: dict[tuple[str, int], Read] = {}
    assignments: dict[tuple[str, int, str], Assignment] = {}
    visits: dict[tuple[tuple[str, int, str], LoadedVisit], Visit] = {}
    responses = []
    next_position = _Positions(loaded.answers)
    for answer in loaded.answers:
        of_read = (answer.reader, answer.read)
        if of_read not in reads:
            reads[of_read] = Read(reader=readers[answer.reader], number=answer.read)
        key = (*of_read, answer.example)
        if key not in assignments:
            assignments[key] = Assignment(
                read=reads[of_read],
                example=examples[answer.example],
                method=methods[answer.method],
                position=answer.position or next_position(of_read),
            )
        if answer.visit is not None and (key, answer.visit) not in visits:
            visits[key, answer.visit] = Visit(
                assignment=assignments[key], **(vars(answer.visit) | {"last_received_at": _last_received(answer)})
            )
        question = questions[answer.question]
        responses.append(
            Response(
                assignment=assignments[key],
                question=question,
                visit=visits[key, answer.visit] if answer.visit is not None else None,
                revision=answer.revision,
                score=answer.score,
                minimum=question.minimum,
                maximum=question.maximum,
                source=answer.source,
                answered_at=answer.answered_at,
                elapsed_ms=answer.elapsed_ms,
                visible_ms=answer.visible_ms,
                **({"received_at": answer.received_at} if answer.received_at else {}),
            )
        )
    for of_read, read in reads.items():
        moments = [visit.opened_at for (key, _), visit in visits.items() if key[:2] == of_read]
        read.opened_at = min(moments, default=None)
    Read.objects.bulk_create(reads.values(), batch_size=_BATCH_SIZE)
    Assignment.objects.bulk_create(assignments.values(), batch_size=_BATCH_SIZE)
    Visit.objects.bulk_create([*visits.values(), *_unanswered_visits(loaded, visits)], batch_size=_BATCH_SIZE)
    Response.objects.bulk_create(responses, batch_size=_BATCH_SIZE)


def _unanswered_visits(
    loaded: LoadedReads, visits: dict[tuple[tuple[str, int, str], LoadedVisit], Visit]
) -> list[Visit]:
    """What is left of the time looking at each example: a table has no rows for visits without an answer."""
    last: dict[tuple[str, int, str], Visit] = {}
    known: Counter[tuple[str, int, str]] = Counter()
    for (key, shown), visit in visits.items():
        last[key] = max(last.get(key, visit), visit, key=lambda row: row.opened_at)
        known[key] += (shown.visible_ms or 0) - (shown.idle_ms or 0)
    looked = {(row.reader, row.read, row.example): row.looking_ms or 0 for row in loaded.answers}
    rest = {key: looked[key] - known[key] for key in last}
    return [
        Visit(
            assignment=last[key].assignment,
            opened_at=last[key].opened_at,
            last_received_at=last[key].last_received_at,
            visible_ms=left,
            idle_ms=0,
        )
        for key, left in rest.items()
        if left > 0
    ]


class _Positions:
    """Positions for views that have none, after the last one given in their read."""

    def __init__(self, answers: list[LoadedAnswer]) -> None:
        self.last: dict[tuple[str, int], int] = {}
        for answer in answers:
            of_read = (answer.reader, answer.read)
            self.last[of_read] = max(self.last.get(of_read, 0), answer.position)

    def __call__(self, of_read: tuple[str, int]) -> int:
        self.last[of_read] += 1
        return self.last[of_read]


def _last_received(answer: LoadedAnswer) -> Any:
    return answer.received_at or answer.answered_at or (answer.visit.opened_at if answer.visit else None)


def _store_exclusions(study: Study, examples: dict[str, Example], loaded: LoadedReads) -> None:
    """Those of the provenance; without them each answer marked as excluded becomes an exclusion of its own."""
    for record in loaded.exclusions:
        excluded = _excluded(study, examples, record)
        if excluded is None:
            continue
        row = Exclusion.objects.create(study=study, why=record["why"], **excluded)
        Exclusion.objects.filter(pk=row.pk).update(at=record["at"])
    if loaded.exclusions:
        return
    for answer in loaded.answers:
        if answer.excluded:
            response = Response.objects.get(
                assignment__read__reader=study.readers.get(code=answer.reader),
                assignment__read__number=answer.read,
                assignment__example=examples[answer.example],
                question__key=answer.question,
                revision=answer.revision,
            )
            Exclusion.objects.create(study=study, response=response, why=UNSAID)


def _excluded(study: Study, examples: dict[str, Example], record: dict[str, Any]) -> dict[str, Any] | None:
    """What the exclusion is of, as a keyword for Exclusion; None where nothing of it was answered, so not exported."""
    try:
        if not record.get("reader"):
            return {"example": examples[record["example"]]}
        reader = study.readers.get(code=record["reader"])
        if record.get("read") is None:
            return {"reader": reader}
        read = reader.reads.get(number=record["read"])
        if not record.get("example"):
            return {"read": read}
        return {
            "response": Response.objects.get(
                assignment__read=read,
                assignment__example=examples[record["example"]],
                question__key=record["question"],
                revision=record["revision"],
            )
        }
    except (KeyError, Reader.DoesNotExist, Read.DoesNotExist, Response.DoesNotExist):
        return None
