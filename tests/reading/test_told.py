"""What a study tells its readers beside the images, each setting by what a reader's session gets."""

import io
import json
import re

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from explain.methods.kinds import KINDS
from explain.render.pictures import FRAME_MS, frame_strip
from readerstudy.cases.models import Case, Prediction, save_file
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.reading.models import Assignment, Reader
from readerstudy.studies.drafting import new_study
from readerstudy.studies.invitations import InvitationError, join
from readerstudy.studies.models import Study
from readerstudy.studies.shown import band
from tests.builders import make_batch, make_reader, make_reads, make_study, make_user, open_now
from tests.worlds import last_part, make_world

pytestmark = pytest.mark.django_db
SIDE = 16


@pytest.fixture
def world():
    return make_world("one")


@pytest.fixture
def get(client, world):
    client.force_login(world.people["reader"])
    return lambda path: client.get(f"/api/reading/one/{path}").json()


def decide(**fields):
    """As if the study had been frozen with these (update() sends no signal)."""
    Study.objects.update(**fields)


@pytest.mark.parametrize(
    ("shown", "percent", "words"),
    [("exact", 87, None), ("bands", None, "75–100 %"), ("hidden", None, None)],
)
def test_the_probability_is_told_as_the_study_decides(world, get, shown, percent, words):
    Prediction.objects.update(probability=0.871)
    decide(show_probability=shown, show_frame_predictions=True)
    example = get("assignments/1/")["example"]
    assert (example["probability_percent"], example["probability_band"]) == (percent, words)
    assert not re.search(r"0\.871|87\.1", json.dumps(get("assignments/1/")))  # names of files may hold any digits
    assert get("state/")["study"]["show_frame_predictions"] is (shown == "exact")


@pytest.mark.parametrize(("shown", "words"), [("exact", "in per cent"), ("bands", "50–75 %"), ("hidden", "")])
def test_the_instructions_speak_of_the_probability_that_is_shown(world, client, shown, words):
    """The text that new studies begin with does not, whatever is decided later."""
    Study.objects.update(instructions=new_study("Any").instructions, show_probability=shown)
    Reader.objects.update(consented_at=timezone.now(), specialty="radiology")
    client.force_login(world.people["reader"])
    page = client.get("/reading/one/instructions/").content.decode()
    assert words in page and ("probability" in page) == (shown != "hidden")


def test_bands_are_quarters():
    assert [band(p) for p in (0, 0.2499, 0.25, 0.5, 0.749, 0.75, 1)] == [
        "0–25 %", "0–25 %", "25–50 %", "50–75 %", "50–75 %", "75–100 %", "75–100 %",
    ]  # fmt: skip


def test_facts_of_a_case_are_told_as_the_study_decides(world, get):
    Case.objects.update(sex="F", age=61, view="AP", dataset="nih-chestxray14")
    told = {"sex": "F", "age": "61", "view": "AP", "origin": "nih-chestxray14"}
    for facts in ("", "sex age", "sex age view", "sex age view origin"):
        decide(facts=facts)
        example = get("assignments/1/")["example"]
        assert {name: example[name] for name in told} == {
            name: value if name in facts.split() else None for name, value in told.items()
        }


def test_no_number_of_an_example_reaches_a_reader(world, get, client):
    for example in world.study.examples.filter(practice=False):
        type(example).objects.filter(pk=example.pk).update(number=76543210 + example.number)
    for path in ("state/", "assignments/1/", "assignments/2/", "practice/state/", "practice/assignments/1/"):
        assert "7654321" not in json.dumps(get(path)), path
    assert set(get("assignments/1/")["example"]) == {
        *("pathology", "probability_percent", "probability_band", "sex", "age", "view", "origin")
    }
    for page in ("", "read/", "instructions/", "consent/"):
        assert "7654321" not in client.get(f"/reading/one/{page}", follow=True).content.decode(), page


def test_neutral_titles_name_no_technique_in_any_field(world, get):
    kinds = ["input_gradient", "latentshift_animation", "guided_backprop"]
    world.study.methods.update(kinds=kinds)
    named = get("assignments/1/")["panels"]
    assert [panel["title"] for panel in named[1:]] == [KINDS[kind].title for kind in kinds]
    decide(panel_titles="neutral")
    panels = get("assignments/1/")["panels"]
    assert [panel["title"] for panel in panels] == ["Input image", "Map 1", "Animation", "Map 2"]
    assert [panel["key"] for panel in panels] == ["input", "map-1", "animation-1", "map-2"]
    sent = json.dumps(panels).lower()
    for kind in KINDS.values():
        assert kind.name not in sent and kind.title.lower() not in sent
    for kind, panel in zip(kinds, panels[1:], strict=True):
        assert panel["what_is_this"].startswith(KINDS[kind].what_is_this)


def test_no_explanation_tells_its_technique_by_name():
    """Neutral titles would be no use if "What is this?" named the technique."""
    words = ("backprop", "gradient", "latent", "shift", "integrated", "gradcam")
    assert [k.name for k in KINDS.values() if any(word in k.what_is_this.lower() for word in words)] == []


def test_readers_get_the_title_for_readers_everywhere(world, get, client, mailoutbox):
    decide(title="Does Latent Shift mislead?", public_title="Reading chest films")
    assert get("state/")["study"]["title"] == "Reading chest films"
    Reader.objects.update(consented_at=timezone.now(), instructions_read_at=timezone.now(), specialty="radiology")
    paths = ("/reading/one/", "/reading/one/consent/", "/")
    pages = {path: client.get(path).content.decode() for path in paths}
    for path, page in pages.items():
        assert "Reading chest films" in page and "Latent Shift" not in page, path
    client.force_login(world.people["researcher"])
    client.post("/studies/one/people/", {"addresses": "new@example.org", "role": "reader"})
    mail = mailoutbox[-1]
    assert "Reading chest films" in mail.subject and "Reading chest films" in mail.body
    assert "Latent Shift" not in mail.subject + mail.body
    link = next(line for line in mail.body.splitlines() if "://" in line)
    page = Client().get("/" + link.split("/", 3)[3]).content.decode()
    assert "Reading chest films" in page and "Latent Shift" not in page


def test_a_refused_invitation_tells_the_title_for_readers(world):
    """Whoever is refused reads why; the study's own title would tell what another study of theirs compares."""
    decide(title="Does Latent Shift mislead?", public_title="Reading chest films")
    user = world.people["researcher"]
    for role, person in (("reader", user), ("researcher", world.people["reader"])):
        study = make_study(f"other-{role}", batch=Case.objects.first().batch)
        study.title, study.public_title = "Latent Shift once more", "More films"
        study.save()
        with pytest.raises(InvitationError) as refused:
            join(study, person, role)
        assert "More films" in str(refused.value) and "Latent" not in str(refused.value)


# --- Animations


def animated_study(walks, **fields):
    """A study whose Method B is an animation; `walks`: lambdas of each example. Example i's frames are i, i + 1, ..."""
    batch = make_batch("films", cases=len(walks))
    study = make_study("films", batch=batch, **fields)
    study.methods.filter(key="B").update(kinds=["latentshift_animation"])
    rng = np.random.default_rng(1)
    for example, lambdas in zip(study.examples.all(), walks, strict=True):
        record = {"lambdas": lambdas, "predictions": [0.5 + 0.01 * i for i in range(len(lambdas))]}
        made = Explanation.objects.create(
            prediction=example.prediction, kind="latentshift_animation", key="k", status="done",
            record={**record, "frames": len(lambdas)},
        )  # fmt: skip
        frames = rng.integers(0, 256, (len(lambdas), SIDE, SIDE), dtype=np.uint8)
        file = ExplanationFile(explanation=made, role="strip", format="image/png", width=SIDE, height=SIDE, sha256="a")
        save_file(file.file, frame_strip(frames), ".png", str(example.pk))
        file.save()
        gif = ExplanationFile(explanation=made, role="gif", format="image/gif", width=SIDE, height=SIDE, sha256="b")
        save_file(gif.file, b"GIF89a" + bytes([example.number]), ".gif", str(example.pk))
        gif.save()
        example.explanations.add(made)
    study = open_now(study)
    reader = make_reader(study, user=make_user("reader"))
    for read in make_reads(reader):
        read.assignments.update(method=study.methods.get(key="B"))
    client = Client()
    client.force_login(reader.membership.user)
    return study, client


WALKS = [[-4, -2, 0, 1, 2], [-3, -1, 0], [-9, -8, -7, 0, 5], [0, 1]]


def panel_at(client, position):
    return client.get(f"/api/reading/films/assignments/{position}/").json()["panels"][1]


def frames_of(content, count):
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    assert pixels.shape == (count * SIDE, SIDE)
    return pixels.reshape(count, SIDE, SIDE)


def stored_frames(position):
    assignment = Assignment.objects.get(read__number=1, position=position)
    explanation = assignment.example.explanations.get()
    with explanation.files.get(role="strip").file.open("rb") as file:
        return frames_of(file.read(), explanation.record["frames"])


@pytest.mark.parametrize("frames", ["rendered", "same"])
def test_lambdas_are_never_sent(frames):
    _, client = animated_study(WALKS, animation_frames=frames)
    panel = panel_at(client, 1)
    assert not {"lambdas", "zero_frame"} & set(panel)
    assert "lambda" not in json.dumps(panel).lower()


def test_as_rendered_an_animation_is_served_as_it_is_stored():
    _, client = animated_study(WALKS)
    assert [panel_at(client, p)["frames"] for p in (1, 2, 3, 4)] == [5, 3, 5, 2]
    assert [panel_at(client, p)["unchanged_frame"] for p in (1, 2, 3, 4)] == [2, 2, 3, 0]
    served = b"".join(client.get(panel_at(client, 2)["strip_url"]).streaming_content)
    with (
        Assignment.objects.get(read__number=1, position=2)
        .example.explanations.get()
        .files.get(role="strip")
        .file.open("rb") as file
    ):
        assert served == file.read()


def test_completed_every_example_has_the_same_frames_and_the_unchanged_one_in_the_same_place():
    _, client = animated_study(WALKS, animation_frames="same", show_frame_predictions=True)
    for position, before, after in ((1, 1, 0), (2, 1, 2), (3, 0, 1), (4, 3, 1)):
        panel = panel_at(client, position)
        assert (panel["frames"], panel["unchanged_frame"]) == (6, 3)
        stored = stored_frames(position)
        shown = frames_of(client.get(panel["strip_url"]).content, 6)
        assert np.array_equal(shown[before : 6 - after], stored)
        assert (shown[:before] == stored[0]).all() and (shown[6 - after :] == stored[-1]).all()
        assert len(panel["frame_predictions"]) == 6


def test_nothing_but_the_pixels_tells_a_completed_strip_from_a_whole_one(settings):
    settings.MEDIA_ACCEL_PREFIX = "/protected/"
    _, client = animated_study([*WALKS, [-3, -2, -1, 0, 1, 2]], animation_frames="same")
    answers = [client.get(panel_at(client, position)["strip_url"]) for position in range(1, 6)]
    assert len({len(answer.content) for answer in answers}) == 1
    assert len({answer.headers["Content-Length"] for answer in answers}) == 1
    names = {"ETag", "Content-Disposition"}
    plain = [{k: v for k, v in answer.headers.items() if k not in names} for answer in answers]
    assert all(headers == plain[0] for headers in plain)
    assert len({len(answer.headers["ETag"]) for answer in answers}) == 1
    facts = [panel_at(client, position) for position in range(1, 6)]
    assert (
        len({json.dumps([f["frames"], f["unchanged_frame"], f["frame_ms"], len(f["strip_url"])]) for f in facts}) == 1
    )


def test_a_record_without_a_time_gets_the_usual_one():
    _, client = animated_study(WALKS)
    assert panel_at(client, 1)["frame_ms"] == FRAME_MS
    Explanation.objects.update(record={"frames": 4, "frame_ms": 250})
    assert panel_at(client, 1)["frame_ms"] == 250


def test_an_opened_studys_frames_cost_no_query_with_each_example(django_assert_max_num_queries):
    _, client = animated_study(WALKS, animation_frames="same")
    decide(protocol_sha256="0123abcd")
    assert panel_at(client, 1)["frames"] == 6
    with django_assert_max_num_queries(10):
        assert panel_at(client, 2)["frames"] == 6


def test_a_completed_strip_is_known_again_by_its_etag():
    _, client = animated_study(WALKS, animation_frames="same")
    url = panel_at(client, 2)["strip_url"]
    first = client.get(url)
    assert client.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    decide(animation_frames="rendered")
    assert client.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_animations_without_an_unchanged_frame_are_as_long_as_the_longest():
    study, client = animated_study([[-2, 0, 1], [-3, 0]], animation_frames="same")
    Explanation.objects.filter(examples__study=study, record__frames=2).update(record={"lambdas": [], "frames": 2})
    assert [panel_at(client, p)["frames"] for p in (1, 2)] == [3, 3]
    assert [panel_at(client, p)["unchanged_frame"] for p in (1, 2)] == [None, None]
    assert len(frames_of(client.get(panel_at(client, 2)["strip_url"]).content, 3)) == 3


def test_researchers_download_the_gif_as_rendered_and_readers_do_not_get_it():
    _, client = animated_study(WALKS, animation_frames="same")
    gif = ExplanationFile.objects.filter(role="gif").first()
    name = last_part(gif.file.name)
    assert client.get(f"/reading/films/files/{name}").status_code == 404
    researcher = Client()
    researcher.force_login(make_user("ann", is_staff=True))
    assert researcher.get(f"/studies/films/files/{name}").status_code == 200
