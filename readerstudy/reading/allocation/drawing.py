"""Store what randomise.py draws, once per reader, when a study opens or a reader joins."""

from collections import Counter

from django.core.exceptions import ValidationError
from django.db import transaction

from readerstudy.reading.allocation.randomise import Item, plan_reader, williams_rows
from readerstudy.reading.models import Assignment, Read, Reader, Sequence
from readerstudy.studies.composition import truths_of
from readerstudy.studies.models import Example, Method, Study


def study_items(study: Study) -> list[Item]:
    """The scored examples with their strata. The one place where reading looks at truth to form balanced groups."""
    examples = list(study.examples.filter(practice=False).select_related("prediction__case"))
    truth = truths_of(study)
    items = []
    for example in examples:
        case, pathology = example.prediction.case, example.prediction.pathology
        if (case.pk, pathology) not in truth:
            raise ValidationError(f"Example {example.number} ({pathology}) has no truth, so it cannot be balanced.")
        patient = case.patient_key or f"case {case.pk}"
        items.append(Item(example.pk, example.number, pathology, truth[case.pk, pathology], patient))
    return items


def allocate_study(study: Study) -> list[Reader]:
    """Allocate every reader of an open study who has no reads yet; returns those readers, in joining order."""
    waiting = list(study.readers.filter(reads=None, withdrawn_at=None).order_by("id"))
    for reader in waiting:
        allocate_reader(reader)
    return waiting


@transaction.atomic
def allocate_reader(reader: Reader) -> int:
    """Create the reader's reads, sequences and assignments; returns the gap kept between one patient's examples.

    Raises ValidationError when the study is not open, the reader has been allocated already, or no order exists.
    """
    study = Study.objects.select_for_update().get(pk=reader.study_id)
    if study.state != Study.State.OPEN:
        raise ValidationError(f"“{study.title}” is {study.state}: readers are allocated when a study is open.")
    if reader.reads.exists():
        raise ValidationError(f"{reader.code} has been allocated already; an allocation is drawn once.")
    methods = list(study.methods.order_by("position"))
    items = study_items(study)
    reader.rotation = next_rotation(study, len(methods))
    reader.save(update_fields=["rotation"])
    try:
        plan = plan_reader(
            items,
            len(methods),
            seed=study.seed,
            rotation=reader.rotation,
            reader=reader.code,
            scheme=study.allocation,
            order=study.order,
        )
    except ValueError as error:
        raise ValidationError(str(error)) from error
    Sequence.objects.bulk_create(
        Sequence(reader=reader, example_id=item.id, methods=[methods[index].key for index in plan.methods[item.id]])
        for item in items
    )
    for number, order in enumerate(plan.orders, start=1):
        read = Read.objects.create(reader=reader, number=number, seed=study.seed)
        Assignment.objects.bulk_create(
            Assignment(read=read, example_id=pk, method=methods[plan.methods[pk][number - 1]], position=position)
            for position, pk in enumerate(order, start=1)
        )
    _allocate_practice(reader, methods, list(study.examples.filter(practice=True).order_by("number")))
    return plan.patient_gap


def next_rotation(study: Study, methods: int) -> int:
    """The row offset used least by readers who have not withdrawn, so that drop-outs and late joiners keep balance."""
    used = Counter(study.readers.filter(withdrawn_at=None, rotation__isnull=False).values_list("rotation", flat=True))
    return min(range(len(williams_rows(methods))), key=lambda rotation: (used[rotation], rotation))


def _allocate_practice(reader: Reader, methods: list[Method], examples: list[Example]) -> None:
    """The practice read shows the methods in turn, so that every method is met before scoring starts."""
    if not examples:
        return
    read = Read.objects.create(reader=reader, number=Read.PRACTICE, seed=reader.study.seed)
    Assignment.objects.bulk_create(
        Assignment(read=read, example=example, method=methods[index % len(methods)], position=index + 1)
        for index, example in enumerate(examples)
    )
