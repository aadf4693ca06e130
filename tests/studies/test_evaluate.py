"""evaluate: measures what is missing, once; one bad case is recorded and the rest go on; truth is asked for."""

import io
import json
import shutil
import sys

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from explain.evaluate.metrics import METRICS
from explain.models.digests import file_sha256
from readerstudy.accounts.models import User
from readerstudy.explanations import evaluating, measuring
from readerstudy.explanations.evidence import is_current, known, measurement_key
from readerstudy.explanations.inputs import radiograph
from readerstudy.explanations.model_loading import ModelName, ModelNames, load
from readerstudy.explanations.models import Explanation, Measurement
from readerstudy.explanations.planning import Options
from readerstudy.jobs.models import Job
from readerstudy.jobs.work import Work
from readerstudy.studies.evaluating import of_study
from readerstudy.studies.jobs import ask_for_measures, measure_study
from readerstudy.studies.models import Look, Study
from tests.builders import make_batch, make_member, make_reader, make_study, open_now
from tests.measured import BROKEN, MEAN, add_metrics, explain_batch, mask_png, measured_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(monkeypatch):
    return measured_study(monkeypatch)


def run(**options):
    output = io.StringIO()
    options = {"metrics": "stored", **({} if "batch" in options else {"study": "trial"}), **options}
    try:
        call_command("evaluate", stdout=output, stderr=output, **options)
    except CommandError as error:
        return f"{output.getvalue()}error: {error}"
    return output.getvalue()


def values(metric):
    return dict(Measurement.objects.filter(metric=metric).values_list("explanation_id", "value"))


def test_it_measures_what_goes_with_each_explanation_and_no_model_is_loaded(study):
    torch_before = "torch" in sys.modules
    output = run()
    assert ("torch" in sys.modules) == torch_before
    assert "failed" in output and "0 failed" in output and "error" not in output
    assert len(values("mean_of_map")) == 8
    overlap = values("iou_at_mask_area")
    assert len(overlap) == 4  # the two true positives have masks
    rows = {row.pk: row for row in Explanation.objects.all()}
    for pk, value in overlap.items():
        # the mask is rows and columns 37.3 to 74.7 of 224: the map's highest 37 x 37 or so lie all in it
        assert value > 0.9 if rows[pk].kind == "input_gradient" else value < 0.1
    assert set(values("confounder_share")) == set(rows) - set(overlap)
    row = Measurement.objects.filter(metric="iou_at_mask_area").first()
    assert (row.error, row.version, row.device[:3]) == ("", 1, "cpu") and row.seconds >= 0 and row.measured_at


def test_nothing_is_measured_twice_unless_what_it_was_measured_from_has_changed(study):
    run()
    before = dict(Measurement.objects.values_list("pk", "measured_at"))
    assert "Nothing to do" in run()
    assert dict(Measurement.objects.values_list("pk", "measured_at")) == before
    truth = study.examples.get(number=1).prediction.case.truths.get()
    truth.mask.save("other.png", io.BytesIO(mask_png()))
    output = run()
    again = dict(Measurement.objects.values_list("pk", "measured_at"))
    changed = Measurement.objects.filter(pk__in=[pk for pk in again if again[pk] != before[pk]])
    assert {row.explanation.prediction.case_id for row in changed} == {truth.case_id}
    assert "mean_of_map" not in {row.metric for row in changed} and f"Measured {changed.count()} values" in output
    assert again.keys() == before.keys()
    run(force=True)
    assert not set(Measurement.objects.values_list("measured_at", flat=True)) & set(again.values())


def test_one_bad_case_is_recorded_and_the_rest_go_on(study, monkeypatch):
    add_metrics(monkeypatch, BROKEN)
    first, second = study.examples.get(number=1), study.examples.get(number=3)
    lost = first.explanations.get(kind="input_gradient")
    lost.map.storage.delete(lost.map.name)
    case = second.prediction.case
    case.crop_x, case.crop_y, case.crop_size = 100, 100, 100  # its mask lies outside
    case.save()
    output = run()
    assert "error: " in output and "--force tries them again" in output
    assert (
        f"case {first.prediction.case.public_id}, Cardiomegaly, input_gradient, mean_of_map: the map cannot" in output
    )
    said = Measurement.objects.get(explanation=second.explanations.first(), metric="iou_at_mask_area")
    assert said.value is None and "outside" in said.error
    assert set(Measurement.objects.filter(metric="unlike").exclude(explanation=lost).values_list("error")) == {
        ("TypeError: this metric is broken",)
    }
    assert len([value for value in values("mean_of_map").values() if value is not None]) == 7
    assert "Measured 0 values" in run() and "error: " in run()  # what failed is told again, and not tried


def test_killed_between_two_writes_a_second_run_does_the_rest(study, monkeypatch):
    monkeypatch.setattr(measuring, "MANY", 3)

    def kill(done, total):
        if done:
            raise KeyboardInterrupt

    explanations = list(of_study(study))
    with pytest.raises(KeyboardInterrupt):
        evaluating.evaluate(explanations, [MEAN], Options(), kill)
    assert Measurement.objects.count() == 3
    done = evaluating.evaluate(explanations, [MEAN], Options())
    assert (done.made, done.existing) == (5, 3) and Measurement.objects.count() == 8


@pytest.mark.torch
def test_what_needs_the_model_is_measured_with_the_one_that_made_the_explanation(study, tmp_path):
    import torch

    from tests.tiny_models import save_tiny_weights

    weights, _ = save_tiny_weights(tmp_path)
    model = {"metrics": "probability", "model": "tests.tiny_models.TinyClassifier", "weights": weights, "device": "cpu"}
    assert "it was made with other weights" in run(**model)
    name = model["model"]
    loaded = load(ModelNames(ModelName(name, weights), device="cpu", may_import=frozenset([name]))).classifier
    Explanation.objects.update(weights_sha256=loaded.weights_sha256)
    output = run(**model)
    assert "About 1 second for 8 explanations: 8 images through the classifier." in output
    assert "Measured 8 values of trial on cpu" in output
    row = study.examples.get(number=3).explanations.first()
    x = torch.from_numpy(radiograph(row.prediction.case).model_input())[None]
    assert values("probability")[row.pk] == pytest.approx(float(loaded.module(x)[0, 1]))  # Effusion


@pytest.fixture
def ward_model(study, settings, tmp_path):
    """A folder with a classifier that names no autoencoder; it made the study's explanations."""
    from explain.models.demo_pair import CLASSIFIER_FILE, DEMO_FOLDER, DemoClassifier

    settings.MODEL_ROOT = tmp_path
    folder = tmp_path / "ward"
    folder.mkdir()
    shutil.copy(DEMO_FOLDER / CLASSIFIER_FILE, folder / "model.safetensors")
    config = {"architecture": "demo-classifier", "pathologies": list(DemoClassifier.pathologies)}
    (folder / "config.json").write_text(json.dumps(config))
    sha256 = file_sha256(folder / "model.safetensors")
    Explanation.objects.filter(kind="latentshift_map").delete()
    Explanation.objects.update(model="ward", weights_sha256=sha256)
    study.methods.filter(key="B").update(kinds=["input_gradient"])
    return folder


TWO = {"metrics": "probability,reconstruction_effect", "device": "cpu"}


@pytest.mark.torch
def test_a_classifier_without_an_autoencoder_is_measured_with_what_needs_none(study, ward_model):
    output = run(**TWO)
    assert "ward has no autoencoder of its own, so measures that need one are left out" in output
    assert (
        "Measured 4 values" in output and "0 failed, 4 do not apply" in output and not values("reconstruction_effect")
    )
    assert "Nothing to do" in run(**TWO)
    config = json.loads((ward_model / "config.json").read_text()) | {"autoencoder": "not-here"}
    (ward_model / "config.json").write_text(json.dumps(config))
    output = run(**TWO)
    assert "Measures that need the autoencoder not-here are left out" in output and "Nothing to do" in output
    assert "error: no model is called 'neither'" in run(**TWO, autoencoder="neither")


@pytest.mark.torch
def test_the_autoencoder_that_is_named_belongs_to_the_value_and_the_studys_choice_does_not(study, ward_model):
    from explain.models.demo_pair import AUTOENCODER_FILE, DEMO_FOLDER

    Study.objects.update(chosen_models={"autoencoder": {"name": "demo"}})
    run(**TWO)
    assert not values("reconstruction_effect")
    assert "Measured 4 values" in run(**TWO, autoencoder="demo")
    row = Measurement.objects.filter(metric="reconstruction_effect").first()
    assert row.parameters == {"autoencoder_sha256": file_sha256(DEMO_FOLDER / AUTOENCODER_FILE)}
    assert "Nothing to do" in run(**TWO, autoencoder="demo")
    (of,) = known([row.explanation])
    metric = METRICS["reconstruction_effect"]
    assert is_current(row, metric, of) and row.key != measurement_key(metric, of)
    assert Measurement.objects.get(explanation=row.explanation, metric="probability").parameters == {}


def test_a_kind_without_a_sign_has_nothing_to_do_with_what_needs_one(study):
    one = Explanation.objects.filter(kind="latentshift_map").first()
    signed = Explanation.objects.filter(kind="input_gradient").first()
    assert [of.has_what_it_takes(METRICS["infidelity"]) for of in known([one, signed])] == [False, True]


def test_shards_share_the_cases_and_a_batch_is_measured_whole(study):
    add = [run(shard=f"{index}/3", metrics="mean_of_map") for index in (1, 2, 3)]
    assert [int(output.split("Measured ")[1].split()[0]) for output in add] == [4, 2, 2]
    explain_batch(study.examples.first().prediction.case.batch, ("guided_backprop",))
    assert "Measured 4 values of seen" in run(batch="seen", metrics="mean_of_map")


def test_truth_of_an_open_study_is_used_for_a_reason_that_is_recorded(study):
    open_now(study)
    assert "say why you look" in run() and not Measurement.objects.exists()
    assert "Measured 8 values" in run(metrics="mean_of_map") and not Look.objects.exists()
    assert "0 failed" in run(why="to check the maps")
    look = Look.objects.get()
    assert (look.what, look.why) == ("measures of explanations", "to check the maps")


def test_what_is_asked_for_wrongly_is_refused_in_a_sentence(study):
    assert "No metric is called nonsense; there are iou_at_mask_area" in run(metrics="nonsense")
    assert "There is no batch" in run(batch="none")
    Explanation.objects.all().delete()
    assert "render them first" in run()


PAGE = "/studies/trial/explanations/"


@pytest.fixture
def researcher(study, client):
    client.force_login(make_member(study, "ann", "researcher"))
    return client


def shown(client, **asked):
    """Measures of the page, in order: (example, kind, value of the first measure)."""
    measures = client.get(PAGE, asked).context["measures"]
    return [(one.example.number, one.kind.name, one.first.value) for one in measures.rows], measures


def test_the_page_shows_the_worst_first_and_what_could_not_be_measured_last(study, researcher):
    assert "Nothing is measured yet" in researcher.get(PAGE).content.decode()
    run()
    rows, measures = shown(researcher, by="iou_at_mask_area")
    assert [value for *_, value in rows] == sorted(value for *_, value in rows) and len(rows) == 4
    assert {kind for _, kind, _ in rows[:2]} == {"latentshift_map"}
    assert [one.metric.name for one in measures.rows[0].others][-1] == "mean_of_map"
    only, _ = shown(researcher, by="iou_at_mask_area", kind="input_gradient")
    assert only == [row for row in rows if row[1] == "input_gradient"]
    lower_is_better, _ = shown(researcher, by="mean_of_map")
    assert [value for *_, value in lower_is_better] == sorted((value for *_, value in lower_is_better), reverse=True)
    row = Measurement.objects.get(
        explanation__examples__number=1, explanation__kind="input_gradient", metric="iou_at_95"
    )
    Measurement.objects.filter(pk=row.pk).update(value=None, error="the mask is empty", key="older")
    rows, measures = shown(researcher, by="iou_at_95")
    assert rows[-1] == (1, "input_gradient", None) and not measures.rows[-1].first.current
    page = researcher.get(PAGE, {"by": "iou_at_95"}).content.decode()
    assert "the mask is empty" in page and "outdated" in page
    assert researcher.get(PAGE, {"by": "nonsense", "kind": "x", "page": "-1"}).status_code == 200


def test_measures_that_tell_the_truth_follow_the_one_rule(study, researcher):
    run()
    free = ["mean_of_map"]
    _, measures = shown(researcher)
    assert len(measures.metrics) > 5 and not Look.objects.exists()  # a draft asks no reason
    open_now(study)
    _, measures = shown(researcher, by="iou_at_mask_area")
    assert [metric.name for metric in measures.metrics] == free and measures.metric.name == "mean_of_map"
    assert [one.others for one in measures.rows] == [[]] * 8
    page = researcher.get(PAGE).content.decode()
    assert "Share of the map" not in page and "Say why you look" in page and not Look.objects.exists()
    researcher.post("/studies/trial/examples/truth/", {"why": "maps looked odd"})
    _, measures = shown(researcher, by="iou_at_mask_area")
    assert measures.metric.name == "iou_at_mask_area"
    shown(researcher, by="iou_at_mask_area")
    assert list(Look.objects.values_list("what", "why")) == [("measures of the explanations", "maps looked odd")]


def test_whoever_reads_the_same_radiographs_elsewhere_is_refused(study, researcher):
    run()
    other = make_study("other", batch=make_batch("of-its-own", 1))
    make_reader(other, "R1", User.objects.get(username="ann"))
    other.examples.update(prediction=study.examples.first().prediction)
    assert [metric.name for metric in shown(researcher)[1].metrics] == ["mean_of_map"]
    page = researcher.get(PAGE).content.decode()
    assert "You read in a study of the same radiographs" in page
    with pytest.raises(ValidationError, match="You read in a study"):
        ask_for_measures("study/trial", User.objects.get(username="ann"), {"scope": "stored", "why": "x"})
    assert not Job.objects.exists()


def test_a_job_measures_in_the_queue_that_it_needs(study, researcher, django_user_model):
    ann = django_user_model.objects.get(username="ann")
    researcher.post("/jobs/start/evaluate/study/trial/", {"scope": "stored", "back": PAGE})
    job = Job.objects.get()
    assert (job.kind, job.queue, job.asked_by) == ("evaluate", "default", ann)
    Job.objects.update(state="running")
    said = measure_study(Work(job.pk, job.lease, ann), **job.arguments)
    assert said.startswith("Measured ") and "0 existed" in said and "failed" not in said
    assert Measurement.objects.filter(metric="iou_at_mask_area").count() == 4
    Job.objects.update(state="done")
    researcher.post("/jobs/start/evaluate/study/trial/", {"scope": "model", "back": PAGE})
    second = Job.objects.first()
    assert second.queue == "gpu" and "worker --queues gpu" in researcher.get(PAGE).content.decode()
    Job.objects.update(state="cancelled")
    open_now(study)
    answer = researcher.post("/jobs/start/evaluate/study/trial/", {"scope": "stored", "back": PAGE}, follow=True)
    assert "say why you look" in answer.content.decode() and Job.objects.count() == 2
