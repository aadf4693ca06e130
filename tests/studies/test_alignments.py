"""Counterfactual alignment on researchers' pages and in the downloads."""

import csv
import io

import pytest
from django.test import Client
from django.utils import timezone

from readerstudy.analysis.gathering import alignment_of_study
from readerstudy.exchange.dictionary import ALIGNMENT
from readerstudy.exchange.export import data_dictionary, export
from readerstudy.reading.models import Exclusion
from readerstudy.statistics.plan import AnalysisPlan
from readerstudy.studies.models import Study
from tests.builders import add_walk, make_member, make_study

pytestmark = pytest.mark.django_db
PAGE = "/studies/trial/explanations/"
CHART = PAGE + "alignment/{}.svg"


@pytest.fixture
def study() -> Study:
    """Four examples: 1 and 2 have outputs along the shift, 3 is of an earlier version, 4 has no explanation."""
    study = make_study()
    first, second, third, _ = study.examples.order_by("number")
    add_walk(first)
    add_walk(second, slope=-0.25)
    old = add_walk(third)
    old.record = {name: old.record[name] for name in ("lambdas", "predictions")}
    old.save()
    return study


@pytest.fixture
def client(study: Study) -> Client:
    client = Client()
    client.force_login(make_member(study, "ann", "researcher"))
    return client


def test_a_chart_for_each_example_and_old_ones_said_plainly(client: Client) -> None:
    page = client.get(PAGE).content.decode()
    assert CHART.format(1) in page and CHART.format(2) in page and CHART.format(3) not in page
    assert 'alt="Correlation with Cardiomegaly: Mass −1.00 (change +0.100)"' in page
    assert "1 example was rendered by an earlier version" in page and "association" in page
    chart = client.get(CHART.format(1))
    assert chart["Content-Type"] == "image/svg+xml" and "sandbox" in chart["Content-Security-Policy"]
    assert b"Mass" in chart.content and "−0.200".encode() in chart.content, "from 0.7 unshifted down to 0.5"
    assert [client.get(CHART.format(number)).status_code for number in (3, 4, 99)] == [404, 404, 404]


def test_a_study_without_latent_shift_says_nothing_of_it(client: Client, study: Study) -> None:
    for example in study.examples.all():
        example.explanations.clear()
    assert "move along" not in client.get(PAGE).content.decode()


def test_the_page_takes_a_fixed_number_of_queries(client: Client, study: Study, django_assert_max_num_queries) -> None:
    client.get(PAGE)
    with django_assert_max_num_queries(18):  # four of them for measures, of which there are none here
        client.get(PAGE)


def rows(study: Study) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(export(study, "alignment")))))


def test_the_table_has_a_row_for_each_example_and_other_finding(study: Study) -> None:
    found = rows(study)
    assert list(found[0]) == [column.name for column in ALIGNMENT]
    seen = [(row["example"], row["pathology"], row["finding"], row["correlation"], row["change"]) for row in found]
    assert seen == [
        ("1", "Cardiomegaly", "Mass", "1.0", "-0.2"), ("1", "Cardiomegaly", "Still", "", "0.0"),
        ("2", "Cardiomegaly", "Mass", "-1.0", "0.1"), ("2", "Cardiomegaly", "Still", "", "0.0"),
    ]  # fmt: skip
    described = csv.DictReader(io.StringIO("".join(data_dictionary(study))))
    assert [row["column"] for row in described if row["table"] == "alignment"] == list(found[0])


def test_an_excluded_example_is_marked_and_not_analysed(study: Study) -> None:
    exclusion = Exclusion.objects.create(study=study, example=study.examples.get(number=1), why="motion blur")
    assert [row["excluded"] for row in rows(study)] == ["1", "1", "0", "0"]
    part = alignment_of_study(study, AnalysisPlan())
    assert [(row.finding, row.n, row.mean_correlation) for row in part.rows] == [("Mass", 1, -1), ("Still", 0, None)]
    assert "1 example is left out here" in (part.note or "")
    exclusion.lifted_at = timezone.now()
    exclusion.save()
    assert alignment_of_study(study, AnalysisPlan()).rows[0].n == 2


def test_it_is_downloaded_without_a_reason_for_it_tells_no_truth(client: Client, study: Study) -> None:
    answer = client.get("/studies/trial/results/tables/alignment/")
    body = b"".join(answer.streaming_content).decode()
    assert answer.status_code == 200 and "trial-alignment.csv" in answer["Content-Disposition"] and "Mass" in body
    assert not study.looks.exists()
    assert client.get("/studies/trial/results/tables/long/").status_code == 403
    assert b"alignment" in client.get("/studies/trial/results/dictionary/").content
