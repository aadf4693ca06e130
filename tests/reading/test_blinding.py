"""Nothing that a reader's session can reach tells the truth: not in bodies, headers, addresses, names, sizes or order.

One test crawls all that answers a reader and searches it. Another tries to learn the truth of 240 examples from
everything but the pictures.
"""

import random
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import scale

from explain.images.radiograph import Radiograph
from explain.render.pictures import display_image, heat_layer
from readerstudy.cases.models import Batch, Case, Prediction, Truth, save_file
from readerstudy.explanations.models import Explanation, ExplanationFile, Measurement
from readerstudy.reading.allocation.drawing import allocate_study
from readerstudy.reading.models import Reader, Response
from readerstudy.studies.models import Method, Question, Study
from readerstudy.studies.selection import Draw, select_examples
from tests.builders import make_reader, make_user, open_now, pin_new
from tests.test_access import fill, our_routes
from tests.worlds import WALK, World, last_part, make_world

pytestmark = pytest.mark.django_db

# --- What can be reached


SECRETS = {
    "source": "NIH-00012345_007", "dataset": "nih-chestxray14", "provenance": "three radiologists by consensus",
    "patient": "patient-4711", "comment": "the other reader saw a hidden scar", "alignment": "Moves Along",
    "measure": "0.7315927", "not measured": "the mask of this finding is too thin",
}  # fmt: skip
PATH = re.compile(r"""["'(=\s](/[A-Za-z0-9_\-./%]+)""")


@pytest.fixture
def world() -> World:
    world = make_world("one")
    hide_secrets(world)
    return world


def hide_secrets(world: World) -> None:
    """Every private field of the study then holds a word that can be searched for."""
    Case.objects.update(source_id=SECRETS["source"], dataset=SECRETS["dataset"], patient_key=SECRETS["patient"])
    Truth.objects.update(provenance=SECRETS["provenance"])
    for index, assignment in enumerate(world.other_reader.reads.get(number=1).assignments.all()):
        assignment.visits.create(comment=SECRETS["comment"])
        for question in world.study.questions.all():
            Response.objects.create(
                assignment=assignment, question=question, score=5 - index % 2, minimum=1, maximum=5
            )  # fmt: skip
    Measurement.objects.filter(value__isnull=False).update(value=float(SECRETS["measure"]))
    Measurement.objects.filter(value=None).update(error=SECRETS["not measured"])
    walk = WALK | {"output_names": ["explained", SECRETS["alignment"]]}
    Explanation.objects.filter(kind="latentshift_map").update(record=walk)
    world.reader.specialty = "Radiology"
    world.reader.save()


def test_a_crawl_of_all_that_answers_a_reader_finds_no_truth(world: World) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(world.people["reader"])
    crawled = dict(crawl(client, seeds(world)))
    opened = {path for path, answer in crawled.items() if answer.status_code == 200}
    for wanted in ("/reading/one/", "/reading/one/read/", "/api/reading/one/assignments/4/", "/api/reading/one/state/",
                   "/api/reading/one/practice/assignments/1/",
                   "/studies/one/explanations/alignment/1.svg"):  # fmt: skip
        assert wanted in crawled, wanted
    assert len([path for path in opened if "/files/" in path]) >= 8, "images and layers were reached"
    forbidden = forbidden_words(world)
    found = [
        f"{word} in {path}" for path, answer in crawled.items() for word in forbidden if word in everything(answer)
    ]
    assert found == []
    for path in opened & {path for path in crawled if path.startswith("/api/reading/")}:
        keys = set(re.findall(r'"(\w+)":', text_of(crawled[path])))
        assert not keys & {"id", "pk", "truth", "label_truth", "case_id", "prediction", "patient", "source"}, path


def seeds(world: World) -> Iterator[str]:
    """Every address of the URLconf, filled in with this study's own objects, whoever they are meant for."""
    values: dict[str, list[Any]] = {
        "slug": ["one"], "position": [1, 2, 3, 4, 99], "code": ["R1", "R2"], "batch": [world.batch.name],
        "pk": [1, world.membership.pk, world.example.pk], "number": [1, 2], "token": ["x"], "key": ["A"], "kind": ["x"],
        "name": [last_part(world.truth.mask.name), last_part(world.explanation.map.name)],
        "public_id": [world.case.public_id], "visit_id": [world.visit.pk], "response_id": [world.response.client_id],
    }  # fmt: skip
    for route in our_routes(get_resolver().url_patterns):
        wanted = re.findall(r"<(?:\w+:)?(\w+)>", route)
        for index in range(max((len(values.get(name, [0])) for name in wanted), default=1)):
            choice = {name: values.get(name, ["1"])[index % len(values.get(name, ["1"]))] for name in wanted}
            yield fill(route, choice)
    yield from ("/admin/", "/admin/cases/truth/", "/admin/reading/response/", "/api/schema/?format=json")
    for example in world.study.examples.select_related("prediction__case"):
        for explanation in example.explanations.all():
            for file in explanation.files.all():
                yield f"/reading/one/files/{last_part(file.file.name)}"


def crawl(client: Client, first: Iterator[str]) -> Iterator[tuple[str, HttpResponseBase]]:
    """GET every seed and every address that an answer names, each once."""
    waiting, seen = list(first), set()
    while waiting:
        path = waiting.pop()
        if path in seen or path.startswith(("/static/", "/accounts/logout")):
            continue
        seen.add(path)
        answer = client.get(path)
        yield path, answer
        named = PATH.findall(f" {everything(answer)}")
        waiting += [urlsplit(name).path for name in named if name not in seen and len(seen) < 400]


def text_of(answer: HttpResponseBase) -> str:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    if answer.streaming:
        answer.streaming_content = [body]  # type: ignore[attr-defined]
    return body.decode("latin-1")


def everything(answer: HttpResponseBase) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in answer.items())
    return f"{answer.status_code}\n{headers}\n{answer.cookies.output()}\n{text_of(answer)}"


def forbidden_words(world: World) -> list[str]:
    cases = Case.objects.all()
    words = list(SECRETS.values())
    words += [word for case in cases for word in (case.public_id, case.patient_key, case.pixel_sha256) if word]
    words += [case.display_sha256 for case in cases if case.display_sha256]
    words += [last_part(truth.mask.name) for truth in Truth.objects.exclude(mask="") if truth != world.truth]
    words += [last_part(truth.confounder.name) for truth in Truth.objects.exclude(confounder="")]
    words += [row.sha256 for row in ExplanationFile.objects.all() if row.sha256]
    words += [str(row.client_id) for row in Response.objects.exclude(assignment__read__reader=world.reader)]
    return [*words, world.batch.name, "true positive", "false positive", world.people["other_reader"].username]


def test_practice_alone_tells_the_truth_and_only_after_the_answers(world: World) -> None:
    client = Client()
    client.force_login(world.people["reader"])
    refused = client.get("/api/reading/one/practice/feedback/1/")
    assert refused.status_code == 409 and "present" not in refused.content.decode()
    practised = world.reader.reads.get(number=0).assignments.get()
    for question in world.study.questions.all():
        Response.objects.create(assignment=practised, question=question, score=3, minimum=1, maximum=5)
    assert "present" in client.get("/api/reading/one/practice/feedback/1/").content.decode()


# --- What can be learned

PER_PATHOLOGY, PATHOLOGIES = 40, ("Atelectasis", "Cardiomegaly", "Effusion", "Mass", "Opacity", "Pneumothorax")
SHUFFLES = 100


def published_size_study() -> Study:
    """240 examples drawn from a batch loaded with all true positives before all false ones, as public data often are.

    Images differ in size, depth and window from case to case, but not with the truth: what a reader may see anyway.
    """
    rng, names = np.random.default_rng(11), random.Random(11)
    batch = Batch.objects.create(name="sorted", source="made here")
    study = Study.objects.create(slug="trial", title="A trial", washout_days=0, seed=5)
    for position, (key, kind) in enumerate((("A", "input_gradient"), ("B", "latentshift_map")), start=1):
        Method.objects.create(study=study, key=key, label=f"Method {key}", kinds=[kind], position=position)
    Question.objects.create(study=study, key="confidence", text="How sure?", position=1)
    cases, truths, predictions = [], [], []
    for index in range(280):
        truth = index < 140
        case = Case(batch=batch, public_id=f"{names.getrandbits(64):016x}"[:16], patient_key=f"p{index}", age=50)
        side, case.bits = int(rng.integers(24, 40)), int(rng.choice([8, 12]))
        pixels = rng.integers(0, 2**case.bits, (side, side)).astype(np.uint8 if case.bits == 8 else np.uint16)
        case.width = case.height = case.display_width = case.display_height = case.crop_size = side
        save_file(case.display, display_image(Radiograph(pixels, case.bits)).png, ".png", case.public_id)
        pathology, probability = PATHOLOGIES[index % 6], rng.uniform(0.51, 0.99)
        cases.append(case)
        truths.append(Truth(case=case, pathology=pathology, label=truth))
        predictions.append(Prediction(case=case, pathology=pathology, model="demo", probability=probability))
    for model, rows in ((Case, cases), (Truth, truths), (Prediction, predictions)):
        model._default_manager.bulk_create(rows)
    select_examples(study, batch, Draw(per_pathology=PER_PATHOLOGY, seed=3))
    pins, files = [], []
    for example in study.examples.select_related("prediction"):
        for kind in ("input_gradient", "latentshift_map"):
            made = Explanation(prediction=example.prediction, kind=kind, key=kind, status="done")
            file = ExplanationFile(explanation=made, role="layer", format="image/png", width=16, height=16)
            save_file(file.file, heat_layer(rng.random((16, 16), dtype=np.float32)), ".png", f"{kind} {example.number}")
            pins.append((example, made))
            files.append(file)
    pin_new(pins)
    ExplanationFile.objects.bulk_create(files)
    open_now(study)
    return study


def beside_the_pictures(client: Client, position: int, size_of: dict[str, int]) -> list[float]:
    """Everything about one example that is not its pictures, its pathology or the model's probability, as numbers."""
    answer = client.get(f"/api/reading/trial/assignments/{position}/")
    body = answer.json()
    image, layer = body["case"]["image"]["url"], body["panels"][1]["layer_url"]
    sizes = [size_of[last_part(url)] for url in (image, layer)]
    hashes = [last_part(image), last_part(layer), body["case"]["image"]["sha256"], body["visit_token"],
              *body["panels"][1]["sha256s"].values()]  # fmt: skip
    shape = [body["case"]["image"]["bits"], body["case"]["image"]["width"]]
    letters = [int(digits[start : start + 2], 16) for digits in map(hex_digits, hashes) for start in (0, 2)]
    return [position, position % 2, len(answer.content), *shape, *sizes,
            *map(len, hashes), *letters]  # fmt: skip


def hex_digits(name: str) -> str:
    return re.sub(r"[^0-9a-f]", "", name) + "0000"


def skill(features: np.ndarray, truth: np.ndarray) -> float:
    """Cross-validated accuracy of a logistic regression."""
    model = LogisticRegression(C=0.1, tol=0.01)
    return float(np.mean(cross_val_predict(model, scale(features), truth, cv=4) == truth))


def test_the_truth_cannot_be_learned_from_ids_names_sizes_or_order(settings: Any) -> None:
    settings.BLINDING_KEY = "the same in every run"
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    study = published_size_study()
    me = reader_of(study)
    client = Client()
    client.force_login(me.membership.user)
    assignments = list(me.reads.get(number=1).assignments.select_related("example__prediction__case"))
    assert len(assignments) == 240
    truth = np.array([row.example.prediction.case.truths.get().label for row in assignments])
    files = [case.display for case in Case.objects.all()] + [row.file for row in ExplanationFile.objects.all()]
    size_of = {last_part(file.name): file.size for file in files}
    told = np.array([beside_the_pictures(client, row.position, size_of) for row in assignments])
    rng = np.random.default_rng(0)
    by_chance = [skill(told, rng.permutation(truth)) for _ in range(SHUFFLES)]
    assert skill(told, truth) <= np.quantile(by_chance, 0.99)
    # The test would notice a leak: the order of the database's own ids, which readers never see, gives all away.
    leaking = np.column_stack([told, [row.example.prediction_id for row in assignments]])
    assert skill(leaking, truth) > 0.9 > max(by_chance)


def reader_of(study: Study) -> Reader:
    me = make_reader(study, user=make_user("reader"))
    me.consented_at = me.instructions_read_at = timezone.now()
    me.specialty = "Radiology"
    me.save()
    allocate_study(study)
    me.refresh_from_db()
    me.reads.filter(number=1).update(opened_at=timezone.now())
    return me
