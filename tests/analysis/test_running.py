"""What `analyze` gathers beside the answers: overlap of stored maps with masks, the plan's date, its messages."""

import io
from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from readerstudy.analysis.gathering import about_study, design_entries, localisation_table, plan_fixed_at
from readerstudy.cases.loading.masks import mask_png
from readerstudy.cases.models import save_file
from readerstudy.explanations.models import Explanation
from readerstudy.studies.models import Look, Study
from tests.builders import add_image, make_reader, make_reads, make_response, make_study, open_now

pytestmark = pytest.mark.django_db


def add_map(example, kind, values):
    stored = io.BytesIO()
    np.save(stored, values.astype(np.float32))
    explanation = Explanation.objects.create(
        prediction=example.prediction, kind=kind, key=kind, status=Explanation.Status.DONE
    )
    save_file(explanation.map, stored.getvalue(), ".npy", str(explanation.pk))
    explanation.save()
    example.explanations.add(explanation)


def test_overlap_is_measured_within_the_crop_for_each_map_of_a_method():
    study = make_study(examples=2)
    example = study.examples.get(number=1)
    case = example.prediction.case
    add_image(case, seed=1, side=448)
    inside = np.zeros((448, 448), bool)
    inside[168:224, 168:224] = True
    case.crop_x = case.crop_y = 112
    case.crop_size = 224
    case.save()
    truth = case.truths.get()
    save_file(truth.mask, mask_png(inside), ".png", case.public_id)
    truth.save()
    right = np.zeros((224, 224))
    right[56:112, 56:112] = 1
    add_map(example, "input_gradient", right + np.linspace(0, 0.1, 224))
    add_map(example, "latentshift_map", np.roll(right, 28, axis=1) + np.linspace(0, 0.1, 224))
    add_map(example, "guided_backprop", right)  # of no method
    add_map(example, "latentshift_animation", right)  # the still map stands for both
    study.methods.filter(key="B").update(kinds=["latentshift_map", "latentshift_animation"])
    rows = localisation_table(study).to_dict("records")
    assert [(row["example"], row["method"], row["kind"]) for row in rows] == [
        ("1", "A", "input_gradient"), ("1", "B", "latentshift_map"),
    ]  # fmt: skip
    assert [row["iou"] for row in rows] == pytest.approx([1, 1 / 3])


def test_a_map_that_cannot_be_read_is_left_out(caplog):
    study = make_study(examples=2)
    example = study.examples.get(number=1)
    truth = example.prediction.case.truths.get()
    save_file(truth.mask, mask_png(np.eye(300, dtype=bool)), ".png", "x")
    truth.save()
    add_map(example, "input_gradient", np.zeros((224, 224)))
    assert localisation_table(study).empty
    assert "input_gradient of example 1" in caplog.text


def test_the_plan_is_fixed_by_opening_but_not_by_loading():
    study = open_now(make_study(examples=1))
    assert plan_fixed_at(study) == study.opened_at.isoformat(timespec="seconds")
    study.from_spreadsheets = True
    assert plan_fixed_at(study) is None
    study.opened_at = study.created_at - timedelta(days=1)  # as the loaded export says
    assert plan_fixed_at(study)


def test_the_report_is_told_what_methods_showed_and_who_looked():
    study = make_study(examples=1)
    Look.objects.create(study=study, what="export long", why="backup")
    about = about_study(study)
    assert about.kinds == {"A": ["Input gradients"], "B": ["Latent Shift map"]}
    assert about.design[0] == ("Reads", "one for each method, 0 days or more between a reader's reads")
    assert "counterbalanced across readers" in about.design[1][1]
    study.from_spreadsheets, study.opened_at = True, study.created_at
    assert design_entries(study) == []
    assert f"{timezone.now():%Y-%m-%d}" in about.looks[0] and "export long: backup" in about.looks[0]


def test_the_command_writes_a_report_and_records_the_look(tmp_path):
    study = open_now(make_study("half", examples=4))
    for assignment in make_reads(make_reader(study))[0].assignments.all():
        make_response(assignment, study.questions.first(), 3)
    said = StringIO()
    with pytest.raises(CommandError, match="say why you look"):
        call_command("analyze", study="half", output=tmp_path / "out", stdout=said)
    assert not (tmp_path / "out").exists()
    call_command("analyze", study="half", output=tmp_path / "out", why="safety", stdout=said)
    assert "4 responses" in said.getvalue() and (tmp_path / "out" / "report.html").is_file()
    assert [(look.what, look.why) for look in study.looks.all()] == [("analysis", "safety")]
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(CommandError, match=r"thesis\.txt"):
        call_command("analyze", study="half", output=tmp_path / "out", why="safety", stdout=said)
    with pytest.raises(CommandError, match="--output DIR, or --store"):
        call_command("analyze", study="half")
    with pytest.raises(CommandError, match="no study"):
        call_command("analyze", study="none", output=tmp_path / "out")
    Study.objects.filter(pk=study.pk).update(analysis_plan={"zero_rule": "none"})
    with pytest.raises(CommandError, match=r"failed\. .*zero.rule"):
        call_command("analyze", study="half", store=True, stdout=said)
