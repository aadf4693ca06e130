"""Draws matched on probability, halves that vary, and the checklist's warning of what gives the truth away."""

import random
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from django.core.management import call_command

from readerstudy.cases.models import Batch, Case, Prediction, Truth
from readerstudy.studies import telling
from readerstudy.studies.checklist import checklist
from readerstudy.studies.drafting import new_study
from readerstudy.studies.matching import matched_pairs, unmatched
from readerstudy.studies.models import Selection
from readerstudy.studies.selection import Draw, select_examples, unmatched_sentence
from readerstudy.studies.telling import auc_and_p
from tests.builders import make_study, make_user

NAMES = ("Effusion", "Mass")


@dataclass(frozen=True)
class Film:
    probability: float
    patient: str = ""


def films(*probabilities, side="p"):
    return [Film(p, f"{side}{i}") for i, p in enumerate(probabilities)]


def batch_of(true, false, name="films"):
    """For each pathology a case for each probability; every case is another patient."""
    batch = Batch.objects.create(name=name, source="here")
    for pathology in NAMES:
        for label, probabilities in ((True, true), (False, false)):
            for index, probability in enumerate(probabilities):
                key = f"{pathology[:3]}{label}{index}"
                case = Case.objects.create(batch=batch, patient_key=key, sex="F", age=50)
                Truth.objects.create(case=case, pathology=pathology, label=label)
                Prediction.objects.create(case=case, pathology=pathology, model="demo", probability=probability)
    return batch


def drawn(study):
    truths = {(t.case_id, t.pathology): t.label for t in Truth.objects.all()}
    return [
        (p.pathology, truths[p.case_id, p.pathology], p.probability, example.practice)
        for example in study.examples.select_related("prediction")
        for p in [example.prediction]
    ]


# --- Pairs


def test_as_many_pairs_as_there_can_be():
    """A greedy choice gives .60 the partner .62, and .64 none."""
    pairs = matched_pairs(films(0.60, 0.64, side="t"), films(0.62, 0.57, side="f"), 0.04, 9)
    assert sorted((t.probability, f.probability) for t, f in pairs) == [(0.60, 0.57), (0.64, 0.62)]


def test_pairs_are_within_the_caliper_and_of_two_patients():
    rng = random.Random(4)
    true = films(*(rng.uniform(0.5, 1) for _ in range(80)), side="t")
    false = films(*(rng.uniform(0.5, 1) for _ in range(50)), side="f")
    pairs = matched_pairs(true, false, 0.02, 1000)
    assert len(pairs) > 40
    assert all(abs(t.probability - f.probability) <= 0.02 + 1e-9 for t, f in pairs)
    assert len({t.patient for t, _ in pairs}) == len({f.patient for _, f in pairs}) == len(pairs)
    assert matched_pairs([Film(0.7, "same")], [Film(0.7, "same")], 0.1, 9) == []


def test_many_films_of_one_probability_are_paired_without_handing_each_on():
    """Tables round: thousands of films may have 0.57. Each new one took the place of all before it, by recursion."""
    true, false = films(*[0.57] * 1500, side="t"), films(*[0.57] * 1500, side="f")
    assert len(matched_pairs(true, false, 0.05, 1500)) == 1500


def test_unmatched_counts_both_sides():
    assert unmatched([0.6, 0.9], [0.61, 0.62], 0.05) == 1
    assert unmatched([0.9], [0.6], 0.05) == 2


# --- Draws


@pytest.mark.django_db
def test_a_matched_draw_leaves_no_probability_that_stands_alone():
    """Unmatched, the true positives would lie high and the false ones low."""
    overlap = [0.61, 0.63, 0.66, 0.70, 0.72]
    batch = batch_of([0.95, 0.96, 0.97, 0.98, 0.99, *overlap], [*overlap, 0.51, 0.52, 0.53, 0.54, 0.55])
    study = make_study()
    selection = select_examples(study, batch, Draw(per_pathology=8, practice=2, seed=1, caliper=0.03), replace=True)
    scored = [row[:3] for row in drawn(study) if not row[3]]
    for name in NAMES:
        true = [p for pathology, label, p in scored if pathology == name and label]
        false = [p for pathology, label, p in scored if pathology == name and not label]
        assert len(true) == len(false) == 4
        assert unmatched(true, false, 0.03) == 0
    assert selection.parameters["caliper"] == 0.03 and selection.parameters["unmatched"] == {}
    practice = [row for row in drawn(study) if row[3]]
    assert abs(practice[0][2] - practice[1][2]) <= 0.03 + 1e-9


@pytest.mark.django_db
def test_what_cannot_be_matched_is_drawn_and_said_with_numbers(client):
    batch = batch_of([0.9, 0.91, 0.92], [0.6, 0.61, 0.62])
    root = make_user("root", is_staff=True)
    client.force_login(root)
    study = new_study("Trial", root)
    data = {"batch": batch.pk, "per_pathology": 4, "practice": 0, "threshold": 0.5, "seed": 0, "one_per_patient": "on"}
    page = client.post("/studies/trial/examples/", data | {"caliper": "0.05", "vary_halves": "0"}, follow=True)
    said = "Not matched on probability: 4 of Effusion, 4 of Mass have no example of the other kind within 0.05."
    assert said in page.content.decode()
    assert study.examples.count() == 8
    assert said in " ".join(check.text for check in checklist(study) if check.state == "warning")


@pytest.mark.django_db
def test_a_preset_decides_how_the_page_and_the_command_draw(client, capsys):
    batch_of([0.7, 0.71, 0.72], [0.7, 0.71, 0.72])
    root = make_user("root", is_staff=True)
    client.force_login(root)
    for preset, caliper, vary in (("recommended", 0.05, 1), ("published-2021", None, 0)):
        study = new_study(preset, root, preset=preset)
        initial = client.get(f"/studies/{study.slug}/examples/").context["form"].initial
        assert (initial["caliper"], initial["vary_halves"]) == (caliper, vary)
        call_command("select_examples", study=study.slug, batch="films", per_pathology=2)
        parameters = Selection.objects.get(study=study).parameters
        assert (parameters["caliper"], parameters["vary_halves"]) == (caliper, vary)
    call_command("select_examples", study="recommended", batch="films", per_pathology=2, caliper=0, replace=True)
    assert Selection.objects.get(study__slug="recommended").parameters["caliper"] is None


@pytest.mark.django_db
@pytest.mark.parametrize("caliper", [None, 0.05])
def test_halves_vary_with_the_seed_and_hold_the_total(caliper):
    probabilities = [0.60 + 0.002 * i for i in range(12)]
    batch = batch_of(probabilities, probabilities)
    study = make_study()
    seen = set()
    for seed in range(8):
        draw = Draw(per_pathology=8, seed=seed, vary_halves=2, caliper=caliper)
        select_examples(study, batch, draw, replace=True)
        for name in NAMES:
            halves = [label for pathology, label, _, _ in drawn(study) if pathology == name]
            assert len(halves) == 8 and 2 <= sum(halves) <= 6
            seen.add(sum(halves))
    assert len(seen) > 2
    again = [drawn(study) for _ in range(2) if select_examples(study, batch, draw, replace=True)]
    assert again[0] == again[1]


@pytest.mark.django_db
def test_halves_that_vary_never_leave_a_kind_out():
    batch = batch_of([0.7, 0.72], [0.7, 0.72])
    study = make_study()
    select_examples(study, batch, Draw(per_pathology=2, vary_halves=5), replace=True)
    assert sum(label for _, label, _, _ in drawn(study)) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("caliper", [None, 0.05])
def test_halves_vary_no_further_than_there_are_cases(caliper):
    batch = batch_of([0.70, 0.72], [0.70, 0.71, 0.72, 0.73])
    study, seen = make_study(), set()
    for seed in range(8):
        draw = Draw(per_pathology=4, seed=seed, vary_halves=1, caliper=caliper)
        select_examples(study, batch, draw, replace=True)
        seen |= {sum(label for pathology, label, _, _ in drawn(study) if pathology == name) for name in NAMES}
    assert seen == {1, 2}


# --- What tells


def test_the_p_value_is_that_of_all_splits():
    auc, p = auc_and_p(np.arange(12.0), np.arange(12) >= 6)
    assert auc == 1 and p == pytest.approx(2 / 924)
    rng = np.random.default_rng(3)
    labels = rng.permutation(np.repeat([True, False], 60))
    assert auc_and_p(rng.normal(size=120), labels)[1] > 0.05
    assert auc_and_p(labels + rng.normal(size=120), labels)[1] < 0.001


def test_the_p_value_of_many_is_that_of_permutations(monkeypatch):
    rng = np.random.default_rng(5)
    labels = rng.permutation(np.repeat([True, False], 60))
    for values in (labels + 3 * rng.normal(size=120), np.round(2 * labels + 4 * rng.normal(size=120)), labels * 1.0):
        p = auc_and_p(values, labels)[1]
        with monkeypatch.context() as few:
            few.setattr(telling, "_MANY", 1000)
            drawn = auc_and_p(values, labels)[1]
        assert p == pytest.approx(drawn, abs=4 * (max(drawn, 1e-4) / 9_999) ** 0.5)  # four standard errors of the draw


def test_the_p_value_of_a_large_study_takes_little_memory():
    labels = np.arange(4000) % 2 == 0
    tracemalloc.start()
    auc, p = auc_and_p(np.arange(4000.0), labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert auc == pytest.approx(0.5, abs=0.001) and p > 0.9
    assert peak < 10 * 2**20  # 9,999 permutations of 4,000 ranks are 300 MB, and each thing looked at has its own


@pytest.mark.django_db
def test_the_checklist_warns_of_a_probability_that_tells_and_names_no_example():
    study = make_study()
    select_examples(study, batch_of([0.9, 0.91, 0.92], [0.6, 0.61, 0.62]), Draw(per_pathology=6), replace=True)
    said = [check.text for check in checklist(study) if check.state == "warning" and "alone separates" in check.text]
    assert len(said) == 1
    assert said[0].startswith("The probability as shown alone separates true from false positives")
    assert "1.00 over 12 examples" in said[0]
    study.show_probability = "hidden"
    assert not [check.text for check in checklist(study) if "alone separates" in check.text]


@pytest.mark.django_db
def test_the_checklist_warns_of_facts_that_tell_and_not_of_chance():
    study = make_study()
    batch = batch_of([0.7, 0.71, 0.72, 0.73], [0.7, 0.71, 0.72, 0.73])
    select_examples(study, batch, Draw(per_pathology=8), replace=True)
    assert not [check.text for check in checklist(study) if "alone separates" in check.text]
    positive = Truth.objects.filter(label=True).values("case")
    Case.objects.filter(pk__in=positive).update(view="AP")
    Case.objects.exclude(pk__in=positive).update(view="PA")
    said = [check.text for check in checklist(study) if "alone separates" in check.text]
    assert len(said) == 1 and said[0].startswith("The view (PA)")


def test_no_sentence_where_everything_is_matched():
    assert unmatched_sentence(Selection(parameters={"caliper": 0.05, "unmatched": {}})) == ""
    assert unmatched_sentence(Selection(parameters={})) == ""
