"""Small real studies for tests: every row is made through the models, nothing is mocked.

Rows of a kind go in together, as the product stores a loaded batch: most tests begin with a study, and to save each row
by itself takes four times as long.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from django.utils import timezone
from simple_history.utils import bulk_create_with_history

from explain.images.radiograph import Radiograph, pixel_sha256
from explain.render.pictures import display_image
from readerstudy.accounts.models import User
from readerstudy.cases.models import Batch, Case, Prediction, Truth, save_file
from readerstudy.explanations.models import Explanation
from readerstudy.reading.models import Assignment, Read, Reader, Response
from readerstudy.studies.models import Example, Membership, Method, Question, Study

PATHOLOGIES = ("Cardiomegaly", "Effusion")


def make_user(name: str, **fields: Any) -> User:
    return User.objects.create_user(username=name, email=f"{name}@example.org", password="let-me-read-1", **fields)


def make_batch(name: str = "batch", cases: int = 4, pathologies: tuple[str, ...] = PATHOLOGIES) -> Batch:
    """Cases without images; one prediction each, alternately a true and a false positive."""
    batch = Batch.objects.create(name=name, source="builders")
    made, truths, predictions = [], [], []
    for index in range(cases):
        pathology = pathologies[(index // 2) % len(pathologies)]
        case = Case(batch=batch, patient_key=f"{name}-{index}"[-24:], sex="F", age=40 + index % 50)
        made.append(case)
        truths.append(Truth(case=case, pathology=pathology, label=index % 2 == 0))
        predictions.append(Prediction(case=case, pathology=pathology, model="demo", probability=0.6 + 0.001 * index))
    Case.objects.bulk_create(made)
    bulk_create_with_history(truths, Truth)
    Prediction.objects.bulk_create(predictions)
    return batch


def add_image(case: Case, seed: int, side: int = 240, bits: int = 8) -> None:
    """Give a case a real stored radiograph of seeded soft noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((side // 20, side // 20))
    pixels = (np.kron(coarse, np.ones((20, 20))) * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    radiograph = Radiograph(pixels, bits)
    picture = display_image(radiograph)
    case.bits, case.width, case.height = bits, side, side
    case.display_width, case.display_height = side, side
    case.crop_x, case.crop_y, case.crop_size = radiograph.crop
    case.pixel_sha256 = pixel_sha256(radiograph)
    case.display_sha256 = hashlib.sha256(picture.png).hexdigest()
    save_file(case.pixels, picture.png, ".png", case.public_id)
    save_file(case.display, picture.png, ".png", case.public_id)
    case.save()


def make_study(slug: str = "trial", examples: int = 4, batch: Batch | None = None, **fields: Any) -> Study:
    """A draft with Methods A and B, two questions and numbered examples."""
    study = Study.objects.create(slug=slug, title=f"The {slug} study", washout_days=0, **fields)
    methods = [
        Method(study=study, key="A", label="Method A", kinds=["input_gradient"], position=1),
        Method(study=study, key="B", label="Method B", kinds=["latentshift_map"], position=2),
    ]
    questions = [
        Question(study=study, key=key, text=f"{key}?", low_label="not at all", high_label="very", position=position)
        for position, key in enumerate(("confidence", "feature"), start=1)
    ]
    bulk_create_with_history(methods, Method)
    bulk_create_with_history(questions, Question)
    predictions = Prediction.objects.filter(case__batch=batch or make_batch(f"{slug}-cases", examples)).order_by("id")
    Example.objects.bulk_create(
        Example(study=study, prediction=prediction, number=number)
        for number, prediction in enumerate(predictions, start=1)
    )
    return study


def make_member(study: Study, name: str, role: str) -> User:
    user = make_user(name)
    Membership.objects.create(study=study, user=user, role=role)
    return user


def make_reader(study: Study, code: str = "R1", user: User | None = None) -> Reader:
    membership = Membership.objects.create(study=study, user=user, role="reader") if user else None
    return Reader.objects.create(study=study, code=code, membership=membership)


def make_reads(reader: Reader) -> list[Read]:
    """Two reads of all scored examples with the methods swapped; the first read is open."""
    methods = list(reader.study.methods.all())
    examples = list(reader.study.examples.filter(practice=False))
    reads = []
    for number in range(1, len(methods) + 1):
        read = Read.objects.create(reader=reader, number=number, opened_at=timezone.now() if number == 1 else None)
        Assignment.objects.bulk_create(
            Assignment(read=read, example=example, method=methods[(place + number) % len(methods)], position=place)
            for place, example in enumerate(examples, start=1)
        )
        reads.append(read)
    return reads


def make_response(assignment: Assignment, question: Question, score: int, revision: int = 1) -> Response:
    return Response.objects.create(
        assignment=assignment,
        question=question,
        score=score,
        revision=revision,
        minimum=question.minimum,
        maximum=question.maximum,
    )


def add_walk(example: Example, kind: str = "latentshift_map", other: str = "Mass", slope: float = 0.5) -> Explanation:
    """A Latent Shift as it is stored, without pictures: its output `other` moves `slope` times as far as the target."""
    target = example.prediction.pathology
    moved = [(0.2, 0.0), (0.4, 0.2), (0.6, 0.4)]
    explanation = Explanation.objects.create(
        prediction=example.prediction, kind=kind, key=f"walk {example.pk}", status=Explanation.Status.DONE,
        record={
            "lambdas": [-20.0, -10.0, 0.0], "predictions": [value for value, _ in moved], "target": 1,
            "output_names": [other, target, "Still", ""],
            "outputs": [[0.5 + slope * change, value, 0.3, 0.5] for value, change in moved],
        },
    )  # fmt: skip
    example.explanations.add(explanation)
    return explanation


def pin_new(pins: list[tuple[Example, Explanation]]) -> None:
    """Store explanations, and have each shown by its example."""
    Explanation.objects.bulk_create(explanation for _, explanation in pins)
    shown = Example.explanations.through
    shown.objects.bulk_create(shown(example=example, explanation=explanation) for example, explanation in pins)


def open_now(study: Study) -> Study:
    """Open without the checklist: for tests of what holds once a study is open."""
    study.state, study.opened_at = Study.State.OPEN, timezone.now()
    study.save()
    return study
