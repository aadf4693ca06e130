"""Our own kinds and metrics pass what outsiders' must; kinds and metrics with one fault each do not."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from explain.evaluate import localisation
from explain.evaluate.metrics import METRICS, Metric, Subject
from explain.methods.contract import Request, Result, Results, checked_results, explained, stills
from explain.methods.gradients import input_gradients
from explain.methods.kind import Form, Kind
from explain.methods.kinds import KINDS
from explain.testing import check_kind, check_metric, images, tiny_models

# In float32 a batch may differ from single images by rounding, which a kind that iterates lets grow.
ITERATES = {"iterative_delete", "meaningful_perturbation", "additive_perturbation"}


CALLS: list[tuple[str, ...]] = []


@pytest.mark.parametrize("name", KINDS)
def test_our_kinds(name: str) -> None:
    check_kind(KINDS[name], dtype=torch.float64 if name in ITERATES else torch.float32)


@pytest.mark.parametrize("name", METRICS)
def test_our_metrics(name: str) -> None:
    check_metric(METRICS[name])


def gradients(request: Request) -> Tensor:
    return input_gradients(request.classifier, request.x, request.targets)


def mixes_the_batch(request: Request) -> Results:
    return stills(request, gradients(request) + gradients(request).mean(0))


def leaves_training_mode(request: Request) -> Results:
    return stills(request, (request.classifier.eval(), gradients(request))[1])


def changes_its_input(request: Request) -> Results:
    request.x.add_(1)
    return stills(request, gradients(request))


def draws(request: Request) -> Results:
    return stills(request, gradients(request) + torch.rand(1))


def moves_the_generator(request: Request) -> Results:
    torch.rand(1)
    return stills(request, gradients(request))


def gives_doubles(request: Request) -> Results:
    return stills(request, gradients(request).double())


def gives_signs(request: Request) -> Results:
    return stills(request, -gradients(request))


def records_what_it_draws(request: Request) -> Results:
    share = torch.rand(1, generator=torch.Generator().manual_seed(len(CALLS))).item()
    CALLS.append(request.kinds)
    return stills(request, gradients(request), [{"share": [share, 1.0]}] * len(request.x))


def records_the_batch(request: Request) -> Results:
    return stills(request, gradients(request), [{"batch": {"of": str(len(request.x))}}] * len(request.x))


def records_a_tensor(request: Request) -> Results:
    return stills(request, gradients(request), [{"target": target} for target in request.targets])


def records_nan(request: Request) -> Results:
    return stills(request, gradients(request), [{"gap": [1.0, float("nan")]}] * len(request.x))


def records_a_number(request: Request) -> Results:
    return {"faulty": [Result(one, record=1.0) for one in gradients(request)]}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "record, words",
    [
        ({"why": "a\0b"}, "why of the record is not fit for JSON: its text has a NUL"),
        ({"why": [{"deep": ["\\\0"]}]}, "NUL"),
        ({"why": {"\0": 1}}, "NUL"),
        ({"\0": 1}, "NUL"),
        ({"why": [{"deep": "\ud83d"}]}, "surrogates not allowed"),
        ({"why": {"\udc00": 1}}, "surrogates not allowed"),
    ],
)
def test_text_that_no_database_takes_is_refused(record: dict[str, Any], words: str) -> None:
    kind, map = Kind("faulty", "Faulty", "Says.", compute="no.where:compute"), torch.zeros(4, 4)
    with pytest.raises(ValueError, match=words):
        checked_results(kind, {"faulty": [Result(map, record=record)]}, torch.zeros(1, 1, 4, 4))
    fine = {r"\u0000": [r"a\u0000", "Größe 😀", {"n": 1}]}
    assert checked_results(kind, {"faulty": [Result(map, record=fine)]}, torch.zeros(1, 1, 4, 4))


def gives_nothing(request: Request) -> Results:
    return None  # type: ignore[return-value]


def gives_a_list(request: Request) -> Results:
    return [Result(one) for one in gradients(request)]  # type: ignore[return-value]


def gives_another_kind(request: Request) -> Results:
    return {"other": [Result(one) for one in gradients(request)]}


def gives_maps_alone(request: Request) -> Results:
    return {"faulty": list(gradients(request))}  # type: ignore[dict-item]


def gives_arrays(request: Request) -> Results:
    return {"faulty": [Result(one.numpy()) for one in gradients(request)]}  # type: ignore[arg-type]


def gives_small_maps(request: Request) -> Results:
    return stills(request, gradients(request)[:, ::2])


def gives_one_too_few(request: Request) -> Results:
    return stills(request, gradients(request)[1:])


def ignores_the_target(request: Request) -> Results:
    return stills(request, input_gradients(request.classifier, request.x, request.targets * 0))


def gives_no_frames(request: Request) -> Results:
    (name,) = request.kinds
    return {name: [Result(one) for one in gradients(request)]}


def trains(request: Request) -> Results:
    request.classifier.train()
    with torch.enable_grad():
        x = request.x.clone().requires_grad_()
        probabilities = request.classifier(x).gather(1, request.targets[:, None])
        (gradient,) = torch.autograd.grad(probabilities.sum(), x)
    return stills(request, gradient[:, 0].abs())


@pytest.mark.parametrize(
    "faulty, words",
    [
        (mixes_the_batch, "not that of single images"),
        (leaves_training_mode, "leaves a model changed"),
        (changes_its_input, "second time|changes its input|single images"),
        (draws, "second time"),
        (moves_the_generator, "global generator"),
        (gives_doubles, "float64"),
        (gives_signs, "negative"),
        (records_what_it_draws, "second time"),
        (records_the_batch, "not that of single images"),
        (ignores_the_target, "does not have"),
        (trains, "second time|single images"),
    ],
)
def test_a_kind_with_one_fault_fails(faulty: Callable[[Request], Results], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_kind(Kind("faulty", "Faulty", "Says.", compute=f"{__name__}:{faulty.__name__}"))


@pytest.mark.parametrize(
    "faulty, shows, words",
    [
        (gives_small_maps, "still", "give float32"),
        (gives_one_too_few, "still", "2 results for 3 examples"),
        (gives_no_frames, "animation", "each result needs frames"),
        (gives_no_frames, "flow", "two frames"),
        (gives_no_frames, "curve", "lambdas and predictions"),
        (records_a_tensor, "still", "faulty: target of the record is not fit for JSON: Object of type Tensor"),
        (records_nan, "still", "faulty: gap of the record is not fit for JSON"),
        (records_a_number, "still", "faulty: the record is an object of the type float; give a mapping"),
        (gives_nothing, "still", "faulty gave nothing; give a mapping"),
        (gives_a_list, "still", "faulty gave an object of the type list; give a mapping"),
        (gives_another_kind, "still", "faulty gave nothing below its name"),
        (gives_maps_alone, "still", "faulty gave an object of the type Tensor for an example; give a Result"),
        (gives_arrays, "still", "faulty: map is an object of the type ndarray; give a tensor"),
    ],
)
def test_results_of_another_form_are_refused(faulty: Callable[[Request], Results], shows: Form, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_kind(Kind("faulty", "Faulty", "Says.", shows=shows, compute=f"{__name__}:{faulty.__name__}"))


def two_from_one(request: Request) -> Results:
    CALLS.append(request.kinds)
    maps = request.once("maps", lambda: gradients(request))
    return {name: [Result(one) for one in maps] for name in request.kinds}


def a_third(request: Request) -> Results:
    return stills(request, request.once("maps", lambda: pytest.fail("made twice")))


def test_kinds_of_a_group_are_computed_in_one_call_and_others_may_use_it() -> None:
    own, other = f"{__name__}:two_from_one", f"{__name__}:a_third"
    kinds = [
        Kind("one", "One", "Says.", group="pair", compute=own),
        Kind("two", "Two", "Says.", group="pair", compute=own),
        Kind("three", "Three", "Says.", group="pair", compute=other),
    ]
    CALLS.clear()
    made = explained(kinds, images(2), torch.tensor([0, 1]), tiny_models())
    assert CALLS == [("one", "two")]
    assert torch.equal(made["three"].results[1].map, made["one"].results[1].map)


def test_a_model_that_is_not_given_is_named() -> None:
    with pytest.raises(ValueError, match="latentshift_map needs a model that is not given: autoencoder"):
        explained([KINDS["latentshift_map"]], images(1), torch.tensor([0]), {"classifier": tiny_models()["classifier"]})
    gone = Kind("gone", "Gone", "Says.", compute="no_such_package.here:compute")
    with pytest.raises(ValueError, match=r"no_such_package\.here:compute cannot be imported"):
        explained([gone], images(1), torch.tensor([0]), tiny_models())


def half_of_it(subject: Subject) -> float:
    return float("nan")


def wrong_way(subject: Subject) -> float:
    return -localisation.measure_iou_at_mask_area(subject)


def spoils(subject: Subject) -> float:
    np.multiply(subject.map, 2, out=subject.map)
    return 1.0


@pytest.mark.parametrize("faulty, words", [(half_of_it, "nan"), (wrong_way, "its opposite"), (spoils, "its input")])
def test_a_metric_with_one_fault_fails(faulty: Callable[[Subject], float], words: str) -> None:
    needs: Sequence[str] = ("map", "mask")
    with pytest.raises(AssertionError, match=words):
        check_metric(Metric("faulty", "Faulty", tuple(needs), "higher", "nobody", f"{__name__}:{faulty.__name__}"))
