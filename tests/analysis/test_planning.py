"""The power page: whose components it shows, what it computes, what it refuses."""

from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from readerstudy.analysis.models import Analysis
from readerstudy.analysis.pilots import ENDPOINTS
from readerstudy.statistics.mrmc import Pilot, cases_needed, power
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.statistics.results import analyse
from readerstudy.statistics.scores.power import ScoreVariance, patients_needed
from readerstudy.statistics.scores.power import power as score_power
from readerstudy.statistics.stored import to_json
from readerstudy.studies.models import Study
from tests.builders import make_member, make_reader, make_reads, make_response, make_study, make_user
from tests.statistics.frames import crossover

COMPONENTS = {
    "n_cases": 114,
    "var_tr": 2.004e-4,
    "error": 8.0229e-4,
    "cov1": 3.4661e-4,
    "cov2": 3.4407e-4,
    "cov3": 2.3903e-4,
}
ASKED = {
    "endpoint": "auc",
    "effect": 0.0438, "aim": "difference", "margin": 0, "mode": "random_readers", "alpha": 0.05, "target": 0.8,
    "readers": "3, 10", "cases": "114, 165", **COMPONENTS,
}  # fmt: skip


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    found = to_json(analyse(crossover(readers=3, examples=40), AnalysisPlan(bootstrap_replicates=100)))
    found["mrmc"][0]["power"]["pilot"] |= COMPONENTS
    found["mrmc"][1]["power"] = None
    return found


@pytest.fixture
def study(db, client, results) -> Study:
    study = make_study("next", examples=8)
    client.force_login(make_member(study, "rosa", "researcher"))
    Analysis.objects.create(study=study, status="done", results=results)
    return study


def close(study: Study) -> None:
    now = timezone.now()
    Study.objects.filter(pk=study.pk).update(state=Study.State.CLOSED, opened_at=now, closed_at=now)


def test_it_shows_power_and_cases_needed(client, study):
    page = client.get("/studies/next/power/", ASKED)
    pilot = Pilot(**COMPONENTS)
    few, many = page.context["rows"]
    assert [cell.value for cell in many.power] == [power(pilot, 10, 114, 0.0438), power(pilot, 10, 165, 0.0438)]
    assert [cell.enough for cell in many.power] == [False, True]
    assert many.needed == cases_needed(pilot, 10, 0.0438)
    assert few.needed is None
    text = page.content.decode()
    assert "none suffice" in text
    assert "<strong>0.81</strong>" in text


def test_readers_of_one_method_each_are_planned_from_how_readers_differ(client, study):
    asked = {**ASKED, "layout": "nested", "var_tr": "", "cov1": ""}
    page = client.get("/studies/next/power/", {**asked, "var_r_in_t": 1e-3})
    wanted = Pilot(**COMPONENTS | {"var_tr": None, "cov1": None, "var_r_in_t": 1e-3})
    many = page.context["rows"][1]
    assert many.power[0].value == power(wanted, 10, 114, 0.0438, paired_readers=False)
    page = client.get("/studies/next/power/", asked)
    assert page.context["rows"] == [] and "is needed for a study so laid out" in page.content.decode()


def test_a_closed_studys_components_fill_the_form(client, study):
    close(study)
    page = client.get("/studies/next/power/?endpoint=auc")
    assert page.context["questions"] == ["confidence"]
    assert page.context["form"]["error"].value() == COMPONENTS["error"]
    assert "those of <strong>confidence</strong> in this study" in page.content.decode()


def test_a_closed_studys_scores_fill_the_form_of_its_planned_endpoint(client, study):
    page = client.get("/studies/next/power/")
    assert page.context["endpoint"] == "scores_TP" and page.context["form"]["sd_error"].value() is None
    close(study)
    page = client.get("/studies/next/power/")
    assert page.context["questions"] == ["confidence", "feature"]
    sds = {name: page.context["form"][f"sd_{name}"].value() for name in ("reader", "patient", "case", "error")}
    assert sds["error"] > 0.3
    asked = {f"sd_{name}": value for name, value in sds.items()} | {
        "effect": 0.3, "aim": "difference", "margin": 0, "mode": "readers_and_patients", "alpha": 0.05, "target": 0.8,
        "readers": "5, 10", "patients": "30", "cases": 1,
    }  # fmt: skip
    rows = client.get("/studies/next/power/", asked).context["rows"]
    variance = ScoreVariance.from_sds(**sds)
    assert [row.power[0].value for row in rows] == [score_power(variance, readers, 30, 0.3) for readers in (5, 10)]
    assert rows[1].needed == patients_needed(variance, 10, 0.3)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_before_the_first_study_the_published_ones_variances_answer(client, db, endpoint):
    client.force_login(make_user("root", is_staff=True))
    assert "/power/" in client.get("/").content.decode()
    page = client.get("/power/", {"endpoint": endpoint})
    unknown = endpoint in ("auc", "specificity")  # how readers of one method differ, from two readers
    assert ("cannot be told from two" in page.content.decode()) == unknown
    form = page.context["form"]
    asked = {"endpoint": endpoint} | {
        bound.name: bound.value() if bound.value() not in (None, "") else next(iter(bound.field.choices))[0]
        for bound in form
        if bound.name != "var_r_in_t"
    }
    rows = client.get("/power/", asked).context["rows"]
    assert len(rows) == 6 and all(0 <= cell.value <= 1 for row in rows for cell in row.power)
    assert [cell.value for cell in rows[-1].power] == sorted(cell.value for cell in rows[-1].power)


def test_a_closed_studys_decisions_give_variances_of_shares(client, study):
    study.questions.filter(key="feature").update(minimum=1, maximum=2)
    close(study)
    page = client.get("/studies/next/power/", {"endpoint": "sensitivity", "source": "study", "threshold": "x"})
    assert page.status_code == 200 and page.context["questions"] == []  # this study has no answers
    assert page.context["threshold"] == 4
    assert "a threshold on the question" in page.content.decode()
    accept = study.questions.get(key="feature")
    rng = np.random.default_rng(1)
    for code in ("R1", "R2"):
        for assignment in (one for read in make_reads(make_reader(study, code)) for one in read.assignments.all()):
            for question in (accept, study.questions.get(key="confidence")):
                make_response(assignment, question, int(rng.integers(1, 3)) + (0 if question == accept else 2))
    page = client.get("/studies/next/power/", {"endpoint": "sensitivity"})
    assert page.context["questions"] == ["confidence"]  # 4 is not on the scale of the other
    page = client.get("/studies/next/power/", {"endpoint": "sensitivity", "threshold": 2, "question": "feature"})
    assert page.context["questions"] == ["feature"]  # of the other all answers are 3 or 4: all would be trusted
    assert page.content.decode().count('name="question" value="feature"') == 2


def test_an_open_studys_components_are_not_shown(client, study):
    page = client.get("/studies/next/power/?endpoint=auc&source=study&question=confidence")
    assert page.context["form"]["error"].value() is None
    assert str(COMPONENTS["error"]) not in page.content.decode()
    assert "once it is closed" in page.content.decode()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"readers": "1, 5"}, "between 2 and 200"),
        ({"readers": "many"}, "whole numbers separated by commas"),
        ({"cases": ""}, "This field is required"),
        ({"aim": "non_inferiority"}, "needs a margin above 0"),
        ({"cov1": ""}, "is needed for a study so laid out"),
        ({"cov1": 0.01}, "cannot exceed the error variance"),
        ({"error": "nan"}, "Enter a number"),
        (dict.fromkeys(("var_tr", "error", "cov1", "cov2", "cov3"), 0), "leave nothing to chance"),
    ],
)
def test_it_says_what_is_wrong_with_the_input(client, study, changed, sentence):
    page = client.get("/studies/next/power/", {**ASKED, **changed})
    assert page.status_code == 200
    assert page.context["rows"] == []
    assert sentence in page.content.decode()
