"""The table `measures`, and what an analysis takes of it."""

import csv
import io

import pytest
from django.core.management import CommandError, call_command

from readerstudy.analysis.gathering import measured, study_data, study_results
from readerstudy.exchange.dictionary import MEASURES
from readerstudy.explanations.evaluating import chosen_metrics, evaluate
from readerstudy.explanations.models import Measurement
from readerstudy.explanations.planning import Options
from readerstudy.reading.models import Exclusion
from readerstudy.studies.evaluating import of_study
from readerstudy.studies.models import Look
from tests.builders import make_member, make_reader, make_reads, make_response, open_now
from tests.measured import measured_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(monkeypatch):
    """Of four examples, everything measured that needs no model."""
    study = measured_study(monkeypatch)
    evaluate(of_study(study), chosen_metrics(["stored"]), Options())
    return study


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_a_row_for_each_value_and_says_what_is_outdated(study, tmp_path):
    example = study.examples.get(number=2)
    Exclusion.objects.create(study=study, example=example, why="wrong image")
    Measurement.objects.filter(explanation__examples__number=1, metric="hit_rate").update(key="older")
    path, said = tmp_path / "measures.csv", io.StringIO()
    call_command("export_reads", study="trial", format="measures", output=str(path), why="a look", stdout=said)
    rows = table(path)
    assert list(rows[0]) == [column.name for column in MEASURES] and len(rows) == Measurement.objects.count()
    assert f"{len(rows)} rows" in said.getvalue()
    first = next(row for row in rows if (row["example"], row["metric"]) == ("1", "iou_at_mask_area"))
    stored = Measurement.objects.get(
        explanation__examples__number=1, explanation__kind=first["kind"], metric=first["metric"]
    )
    assert (first["truth"], first["methods"], first["current"], float(first["value"])) == ("TP", "A", "1", stored.value)
    assert {row["current"] for row in rows if row["example"] == "1" and row["metric"] == "hit_rate"} == {"0"}
    on_confounder = next(row for row in rows if row["metric"] == "confounder_share")
    assert float(on_confounder["chance"]) == pytest.approx((40 / 240) ** 2, rel=0.05) and on_confounder["truth"] == "FP"
    assert {row["example"] for row in rows if row["excluded"] == "1"} == {"2"}


def test_it_is_given_for_a_reason_until_the_study_is_closed_and_alignment_is_not_truth(study, tmp_path, client):
    open_now(study)
    with pytest.raises(CommandError, match="say why you look"):
        call_command("export_reads", study="trial", format="measures", output=str(tmp_path / "m.csv"))
    call_command(
        "export_reads", study="trial", format="alignment", output=str(tmp_path / "a.csv"), stdout=io.StringIO()
    )
    assert not Look.objects.exists() and table(tmp_path / "a.csv") == []
    client.force_login(make_member(study, "ann", "researcher"))
    assert client.get("/studies/trial/results/tables/measures/").status_code == 403
    client.post("/studies/trial/results/look/", {"why": "maps"})
    answer = client.get("/studies/trial/results/tables/measures/")
    assert answer.status_code == 200 and b"iou_at_mask_area" in b"".join(answer.streaming_content)
    assert Look.objects.filter(what="download measures", why="maps").exists()


def test_an_analysis_takes_what_is_current_for_each_method_that_shows_it(study):
    Measurement.objects.filter(explanation__examples__number=1, metric="hit_rate").update(key="older")
    broken = Measurement.objects.filter(explanation__examples__number=1, metric="iou_at_95").first()
    Measurement.objects.filter(pk=broken.pk).update(value=None, error="the mask is empty")
    taken = measured(study)
    assert (taken.outdated, taken.failed) == (2, 1)
    method, excluded = study.methods.get(key="B"), study.examples.get(number=1)
    study.methods.filter(key="B").update(kinds=["input_gradient"])
    assert measured(study).outdated == 1, "nobody is shown the other kind"
    study.methods.filter(key="B").update(kinds=method.kinds)
    left_out = Exclusion.objects.create(study=study, example=excluded, why="wrong image")
    assert (measured(study).outdated, measured(study).failed) == (0, 0)
    left_out.delete()
    means = taken.table[taken.table["metric"] == "mean_of_map"]
    assert set(zip(means["example"], means["method"], means["kind"])) == {
        (str(number), method, kind)
        for number in range(1, 5) for method, kind in (("A", "input_gradient"), ("B", "latentshift_map"))
    }  # fmt: skip
    reader = make_reader(study)
    for read in make_reads(reader):
        for assignment in read.assignments.all():
            for question in study.questions.all():
                make_response(assignment, question, 2 + assignment.example.number % 3)
    results = study_results(study, study_data(study)).measures
    assert {row.metric for row in results.means} >= {"iou_at_mask_area", "mean_of_map", "confounder_share"}
    assert {(row.method, row.kind, row.n_on + row.n_off) for row in results.wrong_reason} == {
        ("A", "input_gradient", 2), ("B", "latentshift_map", 2),
    }  # fmt: skip
