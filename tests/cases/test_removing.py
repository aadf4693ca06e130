"""A batch that no study uses can be removed, whole: rows, files, history. What is kept says who did it and why."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage

from readerstudy.cases.cleaning import clean_up
from readerstudy.cases.models import Batch, BatchRemoval, Case, Prediction, Truth, save_file
from readerstudy.cases.removing import remove_batch
from readerstudy.explanations.models import Explanation, ExplanationFile
from readerstudy.jobs.queueing import ask
from readerstudy.studies.seen import SeenTruth
from tests.builders import add_image, make_batch, make_study, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ward() -> Batch:
    """Two cases with image, mask, prediction and an explanation of two files."""
    batch = make_batch("ward", cases=2)
    for number, case in enumerate(batch.cases.all()):
        add_image(case, seed=number)
        truth = case.truths.get()
        save_file(truth.mask, b"mask", ".png", salt=case.public_id)
        truth.save()
        explanation = Explanation(prediction=case.predictions.get(), kind="input_gradient", key="k", status="done")
        save_file(explanation.map, b"map", ".npy", salt=case.public_id)
        explanation.save()
        layer = ExplanationFile(explanation=explanation, role="layer", format="image/png", width=1, height=1)
        save_file(layer.file, b"layer", ".png", salt=case.public_id)
        layer.save()
    return batch


def files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_rows_files_and_history_go_and_the_reason_stays(ward, client):
    other = make_batch("other", cases=1)
    root = make_user("root", is_staff=True)
    client.force_login(root)
    page = client.get("/batches/ward/remove/").content.decode()
    assert "2 cases with images" in page and "Kept:" in page
    assert len(files()) == 8
    client.post("/batches/ward/remove/", {"why": "the consent was withdrawn"})
    assert [batch.name for batch in Batch.objects.all()] == ["other"]
    assert files() == []
    assert not Explanation.objects.exists() and not ExplanationFile.objects.exists()
    for model in (Case, Truth, Prediction, Truth.history.model):
        assert model.objects.count() == 1, "the other batch's"
    removal = BatchRemoval.objects.get()
    assert (removal.name, removal.by, removal.why, removal.files_left) == (
        "ward",
        root,
        "the consent was withdrawn",
        [],
    )
    assert removal.counts == {"cases": 2, "labels": 2, "predictions": 2, "explanations": 2}
    assert "the consent was withdrawn" in client.get("/batches/").content.decode()
    assert other.cases.get().truths.exists()


def test_without_a_reason_or_while_a_draft_or_a_job_uses_it_nothing_is_removed(ward, client):
    client.force_login(make_user("root", is_staff=True))
    assert "This field is required" in client.post("/batches/ward/remove/", {"why": " "}).content.decode()
    job = ask("predict", "batch/ward", "Predict", None, batch="ward", model="demo")
    with pytest.raises(ValidationError, match="wait until it has ended"):
        remove_batch(ward, "no longer needed", None)
    job.delete()
    make_study("trial", batch=ward)
    assert "used by “The trial study”" in client.get("/batches/ward/remove/").content.decode()
    with pytest.raises(ValidationError, match="used by “The trial study”"):
        remove_batch(ward, "no longer needed", None)
    assert len(files()) == 8 and Explanation.objects.count() == 2 and not BatchRemoval.objects.exists()


def test_who_has_seen_a_radiographs_truth_is_remembered_where_another_batch_holds_it(ward):
    twin = make_batch("twin", cases=1).cases.get()
    add_image(twin, seed=0)  # the same pixels as the ward's first
    ann, first, second = make_user("ann"), *ward.cases.all()
    for case in (first, second):
        SeenTruth.objects.create(user=ann, case=case)
    remove_batch(ward, "loaded twice", None)
    assert [(row.user, row.case) for row in SeenTruth.objects.all()] == [(ann, twin)]
    assert default_storage.exists(twin.pixels.name)


def test_a_large_batchs_other_files_are_left_to_the_cleaning_and_shared_ones_stay(ward, monkeypatch, client):
    monkeypatch.setattr("readerstudy.cases.removing._AT_ONCE", 3)
    other, shared = make_batch("other", cases=1).cases.get(), ward.cases.first().display.name
    Case.objects.filter(pk=other.pk).update(display=shared)
    client.force_login(make_user("root", is_staff=True))
    page = client.post("/batches/ward/remove/", {"why": "no longer needed"}, follow=True).content.decode()
    assert "has 5 files of it still to remove" in page and not Case.objects.filter(batch=ward).exists()
    assert 5 <= len(files()) <= 6, "three less, or two and the shared one"
    assert clean_up().interrupted_removals == 1
    assert [path.name for path in files()] == [Path(shared).name] and clean_up().interrupted_removals == 0


def test_a_removal_that_was_cut_off_is_finished_by_the_hourly_cleaning(ward, monkeypatch):
    def cut_off(name: str) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="killed"):
        patch.setattr(default_storage, "delete", cut_off)
        remove_batch(ward, "no longer needed", None)
    assert not Batch.objects.exists() and len(files()) == 8
    assert clean_up().interrupted_removals == 1
    assert files() == [] and BatchRemoval.objects.get().files_left == []
