"""Units of work done in this process, in processes, and by a real Dask cluster: the same rows, the same bytes."""

import hashlib
import io
import os
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from readerstudy.cases.models import Batch, Prediction
from readerstudy.common.version import software
from readerstudy.explanations.executors import dask as dask_module
from readerstudy.explanations.executors.choosing import executor
from readerstudy.explanations.executors.dask import Dask
from readerstudy.explanations.executors.local import Here, Processes
from readerstudy.explanations.inference import Done
from readerstudy.explanations.model_loading import ModelName, ModelNames, ModelsUnavailable, find, held
from readerstudy.explanations.models import Explanation, ExplanationFile, Measurement
from readerstudy.explanations.planning import Options
from readerstudy.explanations.predicting import predict
from readerstudy.explanations.units import Unit, cut
from readerstudy.studies.models import Study
from readerstudy.studies.precomputing import Part, precompute
from tests.builders import add_image, make_batch, make_study
from tests.explanations.cluster import Cluster
from tests.explanations.small_work import Squares
from tests.tiny_models import save_tiny_weights

CLASSIFIER, AUTOENCODER = "tests.tiny_models.TinyClassifier", "tests.tiny_models.TinyAutoencoder"


def load(item: int) -> int:
    if item == 4:
        raise OSError("no such file")
    return item


def outcomes(groups) -> dict:
    found = [one for group in groups for one in group]
    assert len(found) == len({one.item for one in found})
    return {one.item: one.output if isinstance(one, Done) else one.why for one in found}


def test_units_are_neighbours_that_are_alike():
    assert list(cut([1, 3, 5, 2, 7], 2, lambda item: item % 2)) == [[1, 3], [5], [2], [7]]
    assert list(cut([], 2, lambda item: 0)) == []


def test_in_processes_every_item_is_done_once_and_what_kills_its_process_fails_alone():
    items = [1, 3, 5, 2, 4, 6, 8]
    with Processes(2) as processes:
        assert processes.call(os.getpid) != os.getpid()
        found = outcomes(processes.run(Squares(deadly=5, bad=6), items, load, 2))
    why = found.pop(5)
    assert found == {1: 1, 3: 9, 2: 4, 4: "the image cannot be read: no such file", 6: "bad", 8: 64}
    assert why == "the worker that did this died, 3 times: it may need more memory than a worker has"


def test_one_is_named_at_a_time():
    with pytest.raises(ModelsUnavailable, match="--workers or --scheduler"), executor(2, "tcp://127.0.0.1:1"):
        pass
    with pytest.raises(ModelsUnavailable, match="is an address such as tcp://"), executor(1, "127.0.0.1"):
        pass
    with executor() as here:
        assert isinstance(here, Here)


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setattr(dask_module, "_CONNECT_SECONDS", 0.5)
    with pytest.raises(ModelsUnavailable, match="No Dask scheduler answers at tcp:"):
        Dask("tcp://127.0.0.1:1")


def test_a_worker_with_other_software_does_nothing():
    other = Unit(Squares(), (3,), (3,), {"readerstudy": "0.0.1"})
    with pytest.raises(ModelsUnavailable, match=r"asked for by 0\.0\.1: install the same on both"):
        other.perform()
    assert replace(other, version=software()).perform() == [Done(3, 9)]


@pytest.mark.torch
def test_a_worker_with_other_weights_does_nothing(tmp_path):
    weights = save_tiny_weights(tmp_path)[0]
    names = ModelNames(ModelName(CLASSIFIER, weights), device="cpu", may_import=frozenset([CLASSIFIER]))
    known = find(names).names
    assert known.classifier.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert held(known) is held(known)
    other = replace(known, classifier=replace(known.classifier, sha256="0" * 64))
    with pytest.raises(ModelsUnavailable, match="give all workers the same weights"):
        held(other)


@pytest.fixture
def weights(tmp_path):
    return save_tiny_weights(tmp_path)


def ward(name: str, cases: int) -> Batch:
    batch = make_batch(name, cases, pathologies=("Cardiomegaly",))
    for seed, case in enumerate(batch.cases.order_by("id")):
        add_image(case, seed)
    Prediction.objects.filter(case__batch=batch).update(model=CLASSIFIER)
    return batch


@pytest.fixture
def study(db) -> Study:
    """Eight examples; the methods show a map, and an animation that needs the autoencoder."""
    study = make_study(batch=ward("ward", cases=8))
    study.methods.filter(key="B").update(kinds=["latentshift_animation"])
    return study


def options(weights, **more) -> Options:
    return Options(
        device="cpu", batch_size=1, classifier=CLASSIFIER, weights=weights[0], autoencoder=AUTOENCODER,
        autoencoder_weights=weights[1], **more,
    )  # fmt: skip


def kept(study: Study) -> dict:
    """Everything that is stored of what examples show: keys, records, maps and files to the byte."""
    found = {}
    for row in Explanation.objects.prefetch_related("files"):
        content = hashlib.sha256(row.map.read()).hexdigest() if row.map else ""
        files = {(file.role, file.sha256, file.width) for file in row.files.all()}
        assert row.status == "done" and row.examples.get().study == study
        found[row.key] = (row.prediction_id, row.kind, content, files, row.record, row.libraries, row.model)
    assert len(found) == Explanation.objects.count() == 16
    return found


def forget() -> None:
    ExplanationFile.objects.all().delete()
    Explanation.objects.all().delete()


def probabilities(batch: Batch) -> dict:
    """What is predicted for a batch of four, to the bit; it is taken away."""
    rows = Prediction.objects.filter(case__batch=batch)
    found = {row[:2]: row[2:] for row in rows.values_list("case_id", "pathology", "probability", "weights_sha256")}
    assert len(found) == len(rows) == 8
    rows.delete()
    return found


def measured(weights, **more) -> dict:
    """What evaluate finds with both models, to the bit; it is taken away."""
    said = io.StringIO()
    call_command(
        "evaluate", study="trial", metrics="frames_follow_classifier,frames_look_real", device="cpu", model=CLASSIFIER,
        weights=weights[0], autoencoder=AUTOENCODER, autoencoder_weights=weights[1], stdout=said, stderr=said, **more,
    )  # fmt: skip
    assert "Measured 16 values of trial on cpu" in said.getvalue(), said.getvalue()
    found = {row[:2]: row[2] for row in Measurement.objects.values_list("explanation_id", "metric", "value")}
    Measurement.objects.all().delete()
    return found


@pytest.mark.torch
def test_a_process_of_its_own_stores_what_this_process_does(study, weights):
    assert precompute(study, Part(), options(weights)).made == 16
    before = kept(study)
    forget()
    with Processes(1) as workers:
        assert precompute(study, Part(), options(weights, executor=workers)).made == 16
    assert kept(study) == before


@pytest.mark.torch
def test_a_cluster_whose_worker_is_killed_stores_what_this_process_does(study, weights, tmp_path, monkeypatch):
    precompute(study, Part(), options(weights))
    before = kept(study)
    forget()
    with Cluster(tmp_path) as cluster:
        with Dask(cluster.address) as workers:
            client, killed = workers._client, []
            client.wait_for_workers(2, timeout=120)
            pids = client.run(os.getpid)

            def kill_one_at_work(done: int) -> None:
                busy = [address for address, keys in client.processing().items() if keys]
                if done and not killed:
                    killed.append(busy[0])
                    cluster.kill(pids[busy[0]])

            result = precompute(study, Part(), options(weights, executor=workers), kill_one_at_work)
        assert killed and result.made == 16 and not result.failed
        assert kept(study) == before
        again = io.StringIO()
        call_command(
            "precompute", study="trial", device="cpu", model=CLASSIFIER, weights=weights[0], autoencoder=AUTOENCODER,
            autoencoder_weights=weights[1], scheduler=cluster.address, stdout=again, stderr=again,
        )  # fmt: skip
        assert "16 existed, 0 failed. Nothing to do." in again.getvalue()

        over_cluster = measured(weights, scheduler=cluster.address)
        assert len(over_cluster) == 16 and over_cluster == measured(weights)

        second = ward("second", cases=4)
        Prediction.objects.filter(case__batch=second).delete()
        predict(second, CLASSIFIER, device="cpu", batch_size=2, weights=weights[0], by_operator=True)
        in_process = probabilities(second)
        one_left = io.StringIO()
        call_command(
            "predict", batch="second", model=CLASSIFIER, weights=weights[0], device="cpu", batch_size=2,
            scheduler=cluster.address, stdout=one_left, stderr=one_left,
        )  # fmt: skip
        assert "Predicted 4 cases of second" in one_left.getvalue() and probabilities(second) == in_process

        for pid in set(pids.values()) - {pids[killed[0]]}:
            cluster.kill(pid)
        monkeypatch.setattr(dask_module, "_LOOK_SECONDS", 0.2)
        monkeypatch.setattr(dask_module, "WAIT_FOR_WORKERS", 0.1)
        with pytest.raises(CommandError, match="has had no worker"):
            call_command("predict", batch="second", model=CLASSIFIER, scheduler=cluster.address, stderr=one_left)

        monkeypatch.setattr(dask_module, "WAIT_FOR_WORKERS", 120.0)
        monkeypatch.setattr(dask_module, "_CONNECT_SECONDS", 0.5)

        def lose_the_scheduler(item: int) -> int:
            cluster.kill(cluster.processes[0].pid)
            return item

        with (
            pytest.raises(ModelsUnavailable, match=r"The scheduler at tcp://.* is gone"),
            Dask(cluster.address) as lost,
        ):
            list(lost.run(Squares(), [1, 2], lose_the_scheduler, 1))
