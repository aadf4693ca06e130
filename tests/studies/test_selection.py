"""Selection is seeded and balanced, keeps practice patients apart, and names every shortage."""

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from readerstudy.cases.models import Case, Prediction, Truth
from readerstudy.explanations.models import Explanation
from readerstudy.studies.models import Study
from readerstudy.studies.selection import Draw, select_examples
from tests.builders import make_batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch():
    return make_batch("pool", cases=48)


@pytest.fixture
def study():
    return Study.objects.create(slug="pilot", title="Pilot")


def labels(study, practice=False):
    return [
        Truth.objects.get(case=example.prediction.case, pathology=example.prediction.pathology).label
        for example in study.examples.filter(practice=practice).order_by("number")
    ]


def test_it_draws_half_true_and_half_false_of_each_pathology(study, batch):
    select_examples(study, batch, Draw(per_pathology=8, practice=4))
    assert list(study.examples.filter(practice=False).values_list("number", flat=True)) == list(range(1, 17))
    for pathology in ("Cardiomegaly", "Effusion"):
        chosen = study.examples.filter(practice=False, prediction__pathology=pathology)
        assert chosen.count() == 8
    assert sum(labels(study)) == 8
    assert sum(labels(study, practice=True)) == 2
    scored = set(study.examples.filter(practice=False).values_list("prediction__case__patient_key", flat=True))
    practised = set(study.examples.filter(practice=True).values_list("prediction__case__patient_key", flat=True))
    assert not scored & practised


def test_the_same_seed_draws_the_same_and_another_does_not(study, batch):
    draws = []
    for seed in (1, 1, 2):
        select_examples(study, batch, Draw(per_pathology=8, seed=seed), replace=True)
        draws.append(list(study.examples.order_by("number").values_list("prediction_id", flat=True)))
    assert draws[0] == draws[1] != draws[2]


def test_candidates_considered_are_kept(study, batch):
    selection = select_examples(study, batch, Draw(per_pathology=2))
    assert len(selection.candidates) == 48
    assert set(study.examples.values_list("prediction_id", flat=True)) <= set(selection.candidates)


def test_every_shortage_is_named_with_counts_and_nothing_is_stored(study, batch):
    with pytest.raises(ValidationError) as error:
        select_examples(study, batch, Draw(per_pathology=40))
    text = " ".join(error.value.messages)
    assert "Cardiomegaly: 12 of 20 true positives" in text
    assert "Effusion: 12 of 20 false positives" in text
    assert not study.examples.exists() and not study.selections.exists()


def test_below_the_operating_point_is_no_candidate(study, batch):
    Prediction.objects.filter(case__batch=batch).update(probability=0.4)
    with pytest.raises(ValidationError, match="nothing to draw from"):
        select_examples(study, batch, Draw(per_pathology=2))
    select_examples(study, batch, Draw(per_pathology=2, threshold=0.3))
    study.refresh_from_db()
    assert study.operating_point == 0.3


def test_a_pathology_that_is_not_there_and_a_threshold_that_is_none(study, batch):
    with pytest.raises(ValidationError, match=r"no predictions of Efusion\. It has: Cardiomegaly, Effusion"):
        select_examples(study, batch, Draw(per_pathology=2, pathologies=("Efusion",)))
    for threshold in (2.0, -0.1, float("nan")):
        with pytest.raises(ValidationError, match="a probability from 0 to 1"):
            select_examples(study, batch, Draw(per_pathology=2, threshold=threshold))
    with pytest.raises(CommandError, match=r"There is no study “none”\. Studies are made in the browser"):
        call_command("select_examples", study="none", batch="pool")


def test_one_example_per_patient_unless_told_otherwise(study, batch):
    Case.objects.filter(batch=batch).update(patient_key="everyone")
    with pytest.raises(ValidationError, match="Too few"):
        select_examples(study, batch, Draw(per_pathology=2))
    select_examples(study, batch, Draw(per_pathology=2, one_per_patient=False))


def test_models_are_not_mixed_silently(study, batch):
    case = Case.objects.first()
    Prediction.objects.create(case=case, pathology="Effusion", model="other", probability=0.9)
    with pytest.raises(ValidationError, match="choose one of demo, other"):
        select_examples(study, batch, Draw(per_pathology=2))
    select_examples(study, batch, Draw(per_pathology=2, model="demo"))


def test_what_is_rendered_already_is_shown_at_once(study, batch):
    """A second study over rendered cases needs no precompute; other parameters, versions and failures do not count."""
    study.methods.create(key="A", label="Method A", kinds=["input_gradient", "integrated_gradients"], position=1)
    for prediction in Prediction.objects.filter(case__batch=batch):
        made = {"prediction": prediction, "status": "done"}
        Explanation.objects.create(kind="input_gradient", key="ig", **made)
        Explanation.objects.create(kind="integrated_gradients", key="8", parameters={"steps": 8}, **made)
    select_examples(study, batch, Draw(per_pathology=2))
    assert {tuple(e.explanations.values_list("kind", flat=True)) for e in study.examples.all()} == {("input_gradient",)}


def test_the_command_says_what_it_did(study, batch, capsys):
    call_command("select_examples", study="pilot", batch="pool", per_pathology=4, practice=2)
    assert "Selected 8 examples and 2 practice examples" in capsys.readouterr().out
    with pytest.raises(CommandError, match="--replace"):
        call_command("select_examples", study="pilot", batch="pool", per_pathology=4)
    with pytest.raises(CommandError, match="There is no batch"):
        call_command("select_examples", study="pilot", batch="none")
