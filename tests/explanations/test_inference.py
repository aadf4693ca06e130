"""The loop that predict and precompute share, and what predict does with it."""

import io
import threading

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from readerstudy.cases.models import Prediction
from readerstudy.explanations import probabilities as predicting
from readerstudy.explanations.batch_size import BatchSize
from readerstudy.explanations.inference import OUT_OF_MEMORY, Done, Inference
from tests.builders import add_image, make_batch

pytestmark = pytest.mark.torch


def squares(inputs):
    return [value * value for value in inputs]


def run(items, read=lambda item: item, compute=squares, size=4, alike=lambda item: None):
    batch = BatchSize(size, 64, settled=True)
    found = [one for group in Inference(read, compute, batch, alike).run(items) for one in group]
    outputs = {one.item: one.output if isinstance(one, Done) else one.why for one in found}
    assert len(found) == len(items)
    return outputs, batch


def test_the_next_batch_is_read_while_one_is_computed():
    read_so_far, fifth = [], threading.Event()

    def read(item):
        read_so_far.append(item)
        if item == 4:
            fifth.set()
        return item

    def compute(inputs):
        if 0 in inputs:
            assert fifth.wait(10), "the second batch is not read before the first is computed"
        return squares(inputs)

    assert run(range(8), read, compute)[0] == {n: n * n for n in range(8)}


def test_only_neighbours_that_are_alike_share_a_batch():
    groups = []
    run([0, 2, 1, 3, 4], compute=lambda inputs: groups.append(inputs) or squares(inputs), alike=lambda n: n % 2)
    assert groups == [[0, 2], [1, 3], [4]]


@pytest.mark.parametrize("error", ["cuda", "cpu", "host"])
def test_out_of_memory_halves_the_batch_for_good(error):
    import torch

    errors = {"cuda": torch.OutOfMemoryError("CUDA out of memory"), "host": MemoryError(),
              "cpu": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 B")}  # fmt: skip
    sizes = []

    def compute(inputs):
        sizes.append(len(inputs))
        if len(inputs) > 2:
            raise errors[error]
        return squares(inputs)

    outputs, batch = run(range(12), compute=compute, size=8)
    assert outputs == {n: n * n for n in range(12)}
    assert sizes == [8, 4, 2, 2, 4, 2, 2, 4, 2, 2] and batch.size == 2  # the last four had been read ahead


def test_one_that_cannot_be_read_or_computed_fails_alone():
    def read(item):
        if item == 1:
            raise OSError("no such file")
        return item

    def compute(inputs):
        if 2 in inputs:
            raise TypeError("not this one")
        if 3 in inputs:
            raise MemoryError
        return squares(inputs)

    outputs, _ = run(range(5), read, compute)
    assert outputs == {0: 0, 4: 16, 1: "the image cannot be read: no such file", 2: "TypeError: not this one",
                       3: OUT_OF_MEMORY}  # fmt: skip


@pytest.fixture
def ward(db):
    batch = make_batch("ward", cases=5)
    for seed, case in enumerate(batch.cases.order_by("id")):
        add_image(case, seed)
    Prediction.objects.all().delete()
    return batch


def predict(**options):
    output = io.StringIO()
    call_command("predict", batch="ward", model="demo", device="cpu", stdout=output, stderr=output, **options)
    return output.getvalue()


def probabilities():
    rows = Prediction.objects.order_by("case_id", "pathology")
    return np.array(rows.values_list("probability", flat=True))


def test_predict_in_shards_is_predict(ward):
    assert "Predicted 3 cases of ward with demo on cpu; 0 had predictions already" in predict(shard="1/2")
    assert set(Prediction.objects.values_list("case_id", flat=True)) == {
        case.pk for case in list(ward.cases.order_by("id"))[::2]
    }
    assert "Predicted 0 cases of ward with demo on cpu; 3 had" in predict(shard="1/2")
    assert "Predicted 2 cases of ward with demo on cpu; 0 had" in predict(shard="2/2")
    in_parts = probabilities()
    Prediction.objects.all().delete()
    predict(batch_size=5)
    assert len(in_parts) == 30 and np.allclose(in_parts, probabilities(), atol=1e-5)
    with pytest.raises(CommandError, match="i from 1 to n"):
        predict(shard="3/2")
    with pytest.raises(CommandError, match="auto or a number"):
        predict(batch_size="many")


def test_predict_survives_running_out_of_memory(ward, monkeypatch):
    forward, sizes = predicting.probabilities, []

    def short_of_memory(classifier, inputs, device):
        sizes.append(len(inputs))
        if len(inputs) > 2:
            raise MemoryError
        return forward(classifier, inputs, device)

    monkeypatch.setattr(predicting, "probabilities", short_of_memory)
    assert "Predicted 5 cases" in predict(batch_size=5)
    assert sizes == [5, 2, 3, 1, 2] and len(probabilities()) == 30


def test_a_failure_is_told_and_the_rest_predicted(ward):
    broken = ward.cases.order_by("id")[1]
    broken.pixels.storage.delete(broken.pixels.name)
    with pytest.raises(CommandError, match="1 case could not be predicted"):
        predict()
    assert len(probabilities()) == 24
