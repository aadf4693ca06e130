"""The power page: whose components it shows, what it computes, what it refuses."""

import pytest
from django.utils import timezone

from readerstudy.analysis.models import Analysis
from readerstudy.statistics.mrmc import Pilot, cases_needed, power
from readerstudy.studies.models import Study
from tests.builders import make_member, make_study

COMPONENTS = {
    "n_cases": 114,
    "var_tr": 2.004e-4,
    "error": 8.0229e-4,
    "cov1": 3.4661e-4,
    "cov2": 3.4407e-4,
    "cov3": 2.3903e-4,
}
ASKED = {
    "effect": 0.0438, "aim": "difference", "margin": 0, "mode": "random_readers", "alpha": 0.05, "target": 0.8,
    "readers": "3, 10", "cases": "114, 165", **COMPONENTS,
}  # fmt: skip


@pytest.fixture
def study(db, client) -> Study:
    study = make_study("next")
    client.force_login(make_member(study, "rosa", "researcher"))
    results = {
        "mrmc": [{"question": "confidence", "power": {"pilot": COMPONENTS}}, {"question": "feature", "power": None}]
    }
    Analysis.objects.create(study=study, status="done", results=results)
    return study


def close(study: Study) -> None:
    now = timezone.now()
    Study.objects.filter(pk=study.pk).update(state=Study.State.CLOSED, opened_at=now, closed_at=now)


def test_it_shows_power_and_cases_needed(client, study):
    page = client.get("/studies/next/power/", ASKED)
    pilot = Pilot(**COMPONENTS)
    few, many = page.context["rows"]
    assert [cell["value"] for cell in many["power"]] == [power(pilot, 10, 114, 0.0438), power(pilot, 10, 165, 0.0438)]
    assert [cell["enough"] for cell in many["power"]] == [False, True]
    assert many["cases_needed"] == cases_needed(pilot, 10, 0.0438)
    assert few["cases_needed"] is None
    text = page.content.decode()
    assert "none suffice" in text
    assert "<strong>0.81</strong>" in text


def test_a_closed_studys_components_fill_the_form(client, study):
    close(study)
    page = client.get("/studies/next/power/")
    assert page.context["questions"] == ["confidence"]
    assert page.context["form"]["error"].value() == COMPONENTS["error"]
    assert "those of <strong>confidence</strong>" in page.content.decode()


def test_an_open_studys_components_are_not_shown(client, study):
    page = client.get("/studies/next/power/?question=confidence")
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
        ({"cov1": 0.01}, "cannot exceed the error variance"),
        ({"error": "nan"}, "Enter a number"),
    ],
)
def test_it_says_what_is_wrong_with_the_input(client, study, changed, sentence):
    page = client.get("/studies/next/power/", {**ASKED, **changed})
    assert page.status_code == 200
    assert page.context["rows"] == []
    assert sentence in page.content.decode()
