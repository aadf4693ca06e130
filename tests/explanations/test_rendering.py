"""The unit of work of precompute with stubs for models, images and files: what of a batch fails, and what it costs."""

from types import SimpleNamespace

import numpy as np
import pytest

from readerstudy.explanations import rendering
from readerstudy.explanations.computing import Computed
from readerstudy.explanations.inference import OUT_OF_MEMORY
from readerstudy.explanations.rendering import Rendering, Wanted

pytestmark = pytest.mark.torch
GOOD, BAD = "input_gradient", "guided_backprop"


@pytest.fixture
def sizes(monkeypatch):
    """Of each batch in which both kinds were computed together."""
    models = SimpleNamespace(device="cpu", made_on=lambda: None, classifier=None, autoencoder=None, generator=None)
    monkeypatch.setattr(rendering, "held", lambda names: models)
    monkeypatch.setattr(rendering, "encode", lambda shows, made, radiograph: [])
    return []


def failing(monkeypatch, sizes, error):
    """Whenever the kind BAD is computed."""

    def compute(inputs, pathologies, kinds, *rest):
        if len(kinds) == 2:
            sizes.append(len(inputs))
        if BAD in kinds:
            raise error
        return [{kind: Computed(None) for kind in kinds} for _ in inputs]

    monkeypatch.setattr(rendering, "compute", compute)


def render(count, batch_size):
    """By kind, the errors of all items."""
    image = SimpleNamespace(radiograph=lambda: SimpleNamespace(model_input=lambda: np.zeros((1, 2, 2), np.float32)))
    items = [Wanted(number, "Effusion", (GOOD, BAD)) for number in range(count)]
    done = [one for group in Rendering(None, {}, batch_size).over(items, lambda wanted: image) for one in group]
    return {kind: [one.output.kinds[kind].error for one in done] for kind in (GOOD, BAD)}


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate 9 TiB"), RuntimeError("can't allocate memory")])
def test_a_kind_for_which_memory_is_short_fails_alone(sizes, monkeypatch, error):
    failing(monkeypatch, sizes, error)
    assert render(3, batch_size=2) == {GOOD: [""] * 3, BAD: [OUT_OF_MEMORY] * 3}
    assert sizes == [2, 1, 1, 1]


def test_a_failing_kind_does_not_decide_the_size_of_batches(sizes, monkeypatch):
    failing(monkeypatch, sizes, TypeError("not this one"))
    assert render(32, batch_size=0)[GOOD] == [""] * 32
    assert sizes == [4] * 8  # a second batch that counts would double it


def test_what_cannot_be_encoded_says_why_without_words_of_its_own(sizes, monkeypatch):
    monkeypatch.setattr(
        rendering, "compute", lambda inputs, names, kinds, *rest: [dict.fromkeys(kinds, Computed(None))]
    )

    def encode(*_):
        raise ValueError

    monkeypatch.setattr(rendering, "encode", encode)
    assert render(1, batch_size=1) == {GOOD: ["ValueError"], BAD: ["ValueError"]}
