"""A whole study in one state, with people, files and answers: for tests of who sees what."""

import io
import zipfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import PurePosixPath

from django.core.files.base import ContentFile
from django.utils import timezone

from readerstudy.accounts.models import User
from readerstudy.analysis.models import Analysis
from readerstudy.cases.models import Batch, Case, Truth, save_file
from readerstudy.explanations.models import Explanation, ExplanationFile, Measurement
from readerstudy.reading.models import Assignment, Exclusion, Read, Reader, Response, Visit
from readerstudy.studies.models import Example, Invitation, Membership, Method, Question, Selection, Study
from tests.builders import (
    make_batch,
    make_member,
    make_reader,
    make_reads,
    make_response,
    make_study,
    make_user,
    pin_new,
)

WALK = {"lambdas": [-10.0, 0.0], "target": 0, "outputs": [[0.1, 0.2], [0.6, 0.4]], "output_names": ["This", "Another"]}
PNG = b"\x89PNG\r\n\x1a\n"


def last_part(name: str) -> str:
    return PurePosixPath(name).name


@dataclass
class World:
    """One study and one of each thing in it. `people` maps a role's name to the person."""

    study: Study
    batch: Batch
    people: dict[str, User]
    reader: Reader
    other_reader: Reader
    selection: Selection
    invitation: Invitation
    example: Example = field(init=False)
    case: Case = field(init=False)
    truth: Truth = field(init=False)
    method: Method = field(init=False)
    question: Question = field(init=False)
    explanation: Explanation = field(init=False)
    layer: ExplanationFile = field(init=False)
    membership: Membership = field(init=False)
    # Only once the study has opened:
    read: Read | None = None
    assignment: Assignment | None = None
    visit: Visit | None = None
    response: Response | None = None
    exclusion: Exclusion | None = None
    analysis: Analysis | None = None


def make_world(slug: str, state: str = "open", cases: int = 4) -> World:
    """A study with images and explanations, a researcher, two readers, an administrator and an outsider.

    Once it has opened, both readers have reads (the first of them open); the first reader has a practice read and has
    answered once.
    """
    batch = make_batch(f"{slug}-cases", cases)
    study = make_study(slug, batch=batch)
    practice = make_batch(f"{slug}-practice", cases=1).cases.get().predictions.get()
    Example.objects.create(study=study, prediction=practice, number=1, practice=True)
    people = {
        "researcher": make_member(study, f"{slug}-researcher", "researcher"),
        "reader": make_user(f"{slug}-reader"),
        "other_reader": make_user(f"{slug}-other-reader"),
        "administrator": make_user(f"{slug}-administrator", is_staff=True),
        "outsider": make_user(f"{slug}-outsider"),
    }
    world = World(
        study=study,
        batch=batch,
        people=people,
        reader=make_reader(study, "R1", people["reader"]),
        other_reader=make_reader(study, "R2", people["other_reader"]),
        selection=Selection.objects.create(study=study, batch=batch, seed=0),
        invitation=Invitation.objects.create(
            study=study, email=f"new@{slug}.example.org", expires_at=timezone.now() + timedelta(days=7)
        ),
    )
    _add_files(world)
    world.method, world.question = study.methods.get(key="A"), study.questions.get(key="confidence")
    world.membership = study.memberships.get(user=people["reader"])
    if state != "draft":
        study.state, study.opened_at = Study.State.OPEN, timezone.now()
        study.save()
        _add_answers(world)
    if state == "closed":
        study.state, study.closed_at = Study.State.CLOSED, timezone.now()
        study.save()
    return world


def _add_files(world: World) -> None:
    examples = world.study.examples.select_related("prediction__case").prefetch_related("prediction__case__truths")
    cases, truths, pins, files, measurements = [], [], [], [], []
    for example in examples:
        content = PNG + f"{world.study.slug} {example}".encode()
        case = example.prediction.case
        (truth,) = case.truths.all()
        save_file(case.display, content, ".png", salt=case.public_id)
        save_file(truth.mask, content + b"mask", ".png", salt=case.public_id)
        save_file(truth.confounder, content + b"confounder", ".png", salt=case.public_id)
        cases.append(case)
        truths.append(truth)
        for kind in ("input_gradient", "latentshift_map"):
            explanation = Explanation(
                prediction=example.prediction, kind=kind, key=kind, status=Explanation.Status.DONE,
                record=WALK if kind == "latentshift_map" else {},
            )  # fmt: skip
            salt = f"{example.prediction_id}:{kind}"
            save_file(explanation.map, content + kind.encode(), ".npy", salt)
            pins.append((example, explanation))
            for role in ("layer", "curve"):
                file = ExplanationFile(explanation=explanation, role=role, format="image/png", width=1, height=1)
                save_file(file.file, content + kind.encode(), ".png", f"{role} {salt}")
                files.append(file)
            made = {"explanation": explanation, "key": "key", "measured_at": timezone.now()}
            measurements.append(Measurement(metric="iou_at_mask_area", value=0.5, **made))
            measurements.append(Measurement(metric="missed_at_95", error="the mask is empty", **made))
    Case.objects.bulk_update(cases, ["display"])
    Truth.objects.bulk_update(truths, ["mask", "confounder"])
    pin_new(pins)
    ExplanationFile.objects.bulk_create(files)
    Measurement.objects.bulk_create(measurements)
    world.example = world.study.examples.select_related("prediction__case").get(number=1, practice=False)
    world.case, world.truth = world.example.prediction.case, world.example.prediction.case.truths.get()
    world.explanation = world.example.explanations.get(kind="input_gradient")
    world.layer = world.explanation.files.get(role="layer")


def _add_answers(world: World) -> None:
    make_reads(world.other_reader)
    world.read = make_reads(world.reader)[0]
    now = timezone.now()
    practice = Read.objects.create(reader=world.reader, number=Read.PRACTICE, opened_at=now)
    practised = world.study.examples.get(practice=True)
    Assignment.objects.create(read=practice, example=practised, method=world.method, position=1)
    for reader in (world.reader, world.other_reader):
        reader.consented_at = reader.instructions_read_at = now
        reader.save()
    world.assignment = world.read.assignments.get(example=world.example)
    world.visit = Visit.objects.create(assignment=world.assignment)
    world.response = make_response(world.assignment, world.question, 4)
    world.exclusion = Exclusion.objects.create(study=world.study, example=world.example, why="wrong image")
    world.analysis = _store_results(world.study)


def _store_results(study: Study) -> Analysis:
    """A finished analysis with stand-ins for its files."""
    analysis = Analysis(study=study, status=Analysis.Status.DONE, results={})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("figures/forest.svg", "<svg/>")
    analysis.report.save("report.html", ContentFile(b"<!doctype html>"), save=False)
    analysis.archive.save("report.zip", ContentFile(packed.getvalue()), save=False)
    analysis.save()
    return analysis
