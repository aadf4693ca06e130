"""Presets: what a new study begins with, and that fields made later change no study frozen before them."""

import dataclasses

import pytest
from django.core.exceptions import ValidationError

from readerstudy.exchange.loading.shape import LoadedQuestion
from readerstudy.studies.drafting import new_study
from readerstudy.studies.models import Example, Method, Question, Selection, Study
from readerstudy.studies.presets import PRESETS, PUBLISHED, RECOMMENDED, preset_named
from readerstudy.studies.protocol import (
    LATER_FIELDS,
    LATER_QUESTION_FIELDS,
    PROTOCOL_FIELDS,
    protocol,
    protocol_sha256,
)
from readerstudy.studies.selection import Draw
from tests.builders import make_study, make_user, open_now

pytestmark = pytest.mark.django_db
# Fields of a study that are no part of its protocol: who, when, and what the protocol's hash is kept in.
OUTSIDE = {
    *("id", "state", "previous_version", "from_spreadsheets", "preset", "protocol_sha256", "truth_salt"),
    "kept_outside_limits",
    "kind_texts",  # in the protocol as `kinds`: what opening fixed of them (kinds_shown.py)
    *("created_by", "created_at", "opened_by", "opened_at", "closed_by", "closed_at"),
    *("archived_by", "archived_at"),
}
IN_ORDER = "the protocol lists them by it"
OF_THE_ROW = "a number of the database, or the study itself"
# Fields of what a study is made of that its protocol does not name, each with the reason.
OUTSIDE_PARTS = {
    Method: {"id": OF_THE_ROW, "study": OF_THE_ROW, "position": IN_ORDER},
    Question: {
        "id": OF_THE_ROW,
        "study": OF_THE_ROW,
        "position": IN_ORDER,
        "kept_outside_limits": "how its numbers came to be",
    },
    Selection: {
        "id": OF_THE_ROW,
        "study": OF_THE_ROW,
        "kept_outside_limits": "how its numbers came to be",
        "created_by": "who",
        "created_at": "when",
    },
    Example: {"id": OF_THE_ROW, "study": OF_THE_ROW, "selection": "the draws are listed by themselves"},
}
OF_A_PREDICTION = {"case", "pathology", "model", "probability"}


@pytest.fixture
def root(client):
    client.force_login(make_user("root", is_staff=True))
    return client


def test_presets_name_fields_that_exist_and_both_decide_about_each():
    recommended, published = PRESETS[RECOMMENDED], PRESETS[PUBLISHED]
    assert set(recommended.study) == set(published.study) <= {field.name for field in Study._meta.fields}
    assert set(recommended.draw) == set(published.draw) <= {field.name for field in dataclasses.fields(Draw)}


def test_the_published_preset_is_what_a_study_did_before_there_were_presets():
    older = Study(slug="older", title="Older")
    published = new_study("Published", preset=PUBLISHED)
    assert {name: getattr(published, name) for name in PRESETS[PUBLISHED].study} == {
        name: getattr(older, name) for name in PRESETS[PUBLISHED].study
    }
    assert preset_named("") is PRESETS[PUBLISHED]
    with pytest.raises(ValidationError, match="There is no preset “best”"):
        preset_named("best")


def test_new_studies_choose_the_steps_of_integrated_gradients_for_each_image(root):
    recommended, published = new_study("Recommended"), new_study("Published", preset=PUBLISHED)
    assert (recommended.render_parameters, published.render_parameters) == ({"steps": 0}, {})
    recommended.render_parameters["steps"] = 7
    assert new_study("Another").render_parameters == {"steps": 0}  # a preset is nobody's to change
    for study, steps in ((new_study("Third"), 0), (published, 50)):
        page = root.get(f"/studies/{study.slug}/explanations/")
        assert page.context["form"].initial["steps"] == steps
        assert "0: chosen for each image" in page.content.decode()


def test_the_page_asks_first_and_recommends(root):
    page = root.get("/studies/new/").content.decode()
    assert page.index("Recommended.") < page.index("Published 2021.") < page.index('name="title"')
    assert root.post("/studies/new/", {"title": "Which?", "public_title": "Pilot"}).headers["Location"] == (
        "/studies/pilot/"
    )
    recommended = Study.objects.get(slug="pilot")
    assert (recommended.preset, recommended.order, recommended.panel_titles) == ("recommended", "mixed", "neutral")
    assert (recommended.title, recommended.reader_title) == ("Which?", "Pilot")
    root.post("/studies/new/", {"title": "Again", "preset": "published-2021"})
    published = Study.objects.get(slug="again")
    assert (published.preset, published.order, published.panel_titles) == ("published-2021", "blocks", "techniques")
    assert published.reader_title == "Again"
    assert "Begun with the preset Published 2021." in root.get("/studies/again/").content.decode()


def test_a_preset_that_does_not_exist_is_refused_in_words(root):
    response = root.post("/studies/new/", {"title": "Best", "preset": "best"})
    assert "best is not one of the available choices" in response.content.decode()
    assert not Study.objects.exists()


def test_every_field_of_a_study_is_in_its_protocol_or_named_here():
    fields = {field.name for field in Study._meta.fields}
    assert fields == {*PROTOCOL_FIELDS, *LATER_FIELDS, *OUTSIDE}


@pytest.mark.parametrize("part", OUTSIDE_PARTS)
def test_every_field_of_a_studys_parts_is_in_its_protocol_or_named_here(part):
    study = make_study()
    draw = {"batch": study.examples.first().prediction.case.batch, "seed": 1, "created_by": make_user("root")}
    Selection.objects.create(study=study, **draw)
    for name, first in LATER_QUESTION_FIELDS.items():
        study.questions.update(**{name: _another(first)})
    (told, *_) = protocol(study)[f"{part._meta.model_name}s"]
    if part is Example:
        assert set(told) >= OF_A_PREDICTION
        told = (set(told) - OF_A_PREDICTION) | {"prediction"}
    fields = {field.name for field in (*part._meta.fields, *part._meta.many_to_many)}
    assert fields == {*told, *OUTSIDE_PARTS[part]}


def test_fields_of_their_first_meaning_are_not_in_the_protocol_so_that_older_hashes_verify():
    study = make_study()
    plain = protocol(study)
    assert set(plain) == {*PROTOCOL_FIELDS, "methods", "questions", "selections", "examples"}
    assert set(plain["questions"][0]) == {"key", "text", "minimum", "maximum", "low_label", "high_label"}
    defaults = Study(slug="x", title="x")
    assert {name: getattr(defaults, name) for name in LATER_FIELDS} == LATER_FIELDS
    assert {name: getattr(Question(), name) for name in LATER_QUESTION_FIELDS} == LATER_QUESTION_FIELDS


def _another(value):
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else f"{value}-other"


@pytest.mark.parametrize("name", LATER_FIELDS)
def test_another_value_of_a_later_field_is_part_of_the_protocol_and_frozen(name):
    study = make_study()
    before = protocol_sha256(study)
    setattr(study, name, _another(LATER_FIELDS[name]))
    assert name in protocol(study)
    assert protocol_sha256(study) != before
    opened = open_now(Study.objects.get(pk=study.pk))
    setattr(opened, name, _another(LATER_FIELDS[name]))
    with pytest.raises(ValidationError, match="its protocol is fixed"):
        opened.save()


def test_later_question_fields_are_loaded_again_from_a_protocol():
    study = make_study()
    study.questions.filter(key="feature").update(about_explanation=True)
    loaded = [LoadedQuestion(**question) for question in protocol(study)["questions"]]
    assert [question.about_explanation for question in loaded] == [False, True]
