"""Readers get what their opened reads show them, and nothing else."""

import pytest
from django.utils import timezone

from readerstudy.explanations.models import ExplanationFile
from tests.worlds import World, last_part, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world("one")


@pytest.fixture
def get(client, world):
    client.force_login(world.people["reader"])
    return lambda file: client.get(f"/reading/one/files/{last_part(file.name)}").status_code


def layer(world: World, kind: str, role: str = "layer"):
    return ExplanationFile.objects.get(explanation__examples=world.example, explanation__kind=kind, role=role).file


def test_the_image_and_the_layers_of_the_assigned_method(world, get):
    shown, hidden = "input_gradient", "latentshift_map"
    if world.assignment.method.key == "B":
        shown, hidden = hidden, shown
    assert get(world.case.display) == 200
    assert get(layer(world, shown)) == 200
    assert get(layer(world, hidden)) == 404, "the other method's map is for a later read"


def test_the_other_method_once_its_read_is_opened(world, get):
    world.reader.reads.filter(number=2).update(opened_at=timezone.now())
    assert get(layer(world, "input_gradient")) == 200
    assert get(layer(world, "latentshift_map")) == 200


def test_nothing_before_a_read_is_opened(world, get):
    world.reader.reads.update(opened_at=None)
    assert get(world.case.display) == 404


def test_practice_is_a_read_too(world, get):
    case = world.study.examples.get(practice=True).prediction.case
    assert get(case.display) == 200
    world.reader.reads.filter(number=0).update(opened_at=None)
    assert get(case.display) == 404


def test_maps_and_truth_never(world, get):
    assert get(world.explanation.map) == 404
    assert get(world.truth.mask) == 404


def test_the_curve_never_for_it_has_every_lambda(world, get):
    kind = world.assignment.method.kinds[0]
    type(world.study).objects.filter(pk=world.study.pk).update(show_frame_predictions=True)
    assert get(layer(world, kind, "curve")) == 404


def test_a_newer_explanation_that_the_study_has_not_pinned_is_not_shown(world, get):
    kind = world.assignment.method.kinds[0]
    file = layer(world, kind)
    world.example.explanations.through.objects.filter(explanation__kind=kind).delete()
    assert get(file) == 404


def test_a_withdrawn_reader_is_told_so(world, get, client):
    world.reader.withdrawn_at = timezone.now()
    world.reader.save()
    response = client.get(f"/reading/one/files/{last_part(world.case.display.name)}")
    assert response.status_code == 403
    assert b"You have withdrawn" in response.content
