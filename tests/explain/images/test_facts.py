"""Ages, sexes and views: a manifest, a DICOM header and a data set's table are read by the same rules."""

from __future__ import annotations

import warnings

import pytest

from explain.images import facts
from explain.images.radiograph import read_dicom_facts
from readerstudy.cases.loading.manifest import read_manifest
from readerstudy.cases.loading.problems import Problems
from tests.explain.image_files import dicom, greys

AGES = {
    "58": 58,
    "058": 58,
    "058Y": 58,
    "58y": 58,
    "058y": 58,
    "90+": 90,
    ">89": 90,
    "102Y": 90,
    "018M": 1,
    "11M": 0,
    "400D": 1,
    "051W": 0,
    "104W": 2,
    "000Y": 0,
    "10 days": 0,
    "58 years": 58,
    "63.0": 63,
    "63,0": 63,
    "": None,
    "NaN": None,
    "unknown": None,
}
NO_AGES = {"414Y": "between 0 and 120", "148": "between 0 and 120", "-5": "between 0 and 120", "58.5": "whole number"}
NO_AGES |= {"old": "not a number", "Y": "not a number", "1e2": "not a number", "58 or so": "not a number"}
VIEWS = {
    "pa": "PA",
    "AP": "AP",
    "LATERAL": "LATERAL",
    "lateral": "LATERAL",
    "LAT": "LATERAL",
    "L": "L",
    "LL": "LL",
    "Left Lateral": "LL",
    "AP_SUPINE": "AP SUPINE",
    "ap-erect": "AP ERECT",
    "Postero-Anterior": "PA",
    "POSTEROANTERIOR": "PA",
    "ANTERO_POSTERIOR": "AP",
    "": "",
    "unknown": "",
    "N/A": "",
}


def of_manifest(column: str, text: str) -> object:
    problems = Problems()
    (case,) = read_manifest(f'image,{column}\na.png,"{text}"\n'.encode(), problems)
    assert not problems.found
    return getattr(case, column)


def of_dicom(tag: str, text: str, name: str) -> object:
    with warnings.catch_warnings(action="ignore"):
        data = dicom(greys(), 8, **{tag: text})
    return getattr(read_dicom_facts(data), name)


@pytest.mark.parametrize(("text", "years"), AGES.items())
def test_an_age_reads_the_same_from_a_manifest_and_from_dicom(text: str, years: int | None) -> None:
    assert of_manifest("age", text) == years
    found = of_dicom("PatientAge", text, "age")
    assert (found if found is None else min(found, 90)) == years  # the case, not the header, stops at 90


@pytest.mark.parametrize(("text", "said"), NO_AGES.items())
def test_what_is_no_age_is_refused_in_a_manifest_and_unknown_in_dicom(text: str, said: str) -> None:
    problems = Problems()
    read_manifest(f"image,age\na.png,{text}\n".encode(), problems)
    assert [said in str(problem) for problem in problems.found] == [True]
    assert of_dicom("PatientAge", text, "age") is None


@pytest.mark.parametrize(("text", "view"), VIEWS.items())
def test_a_view_reads_the_same_from_a_manifest_and_from_dicom(text: str, view: str) -> None:
    assert of_manifest("view", text) == view
    assert of_dicom("ViewPosition", text, "view") == view


@pytest.mark.parametrize("text", ["Female", "f", "F"])
def test_a_sex_reads_the_same_from_a_manifest_and_from_dicom(text: str) -> None:
    assert of_manifest("sex", text) == of_dicom("PatientSex", text, "sex") == "F"


def test_every_view_is_its_own_name() -> None:
    assert {view: facts.view(view) for view in facts.VIEWS} == {view: view for view in facts.VIEWS}
