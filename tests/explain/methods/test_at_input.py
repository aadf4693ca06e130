"""The pass at the image itself that input gradients, class activation maps and integrated gradients share."""

import pytest
import torch
from torch import Tensor, nn

from explain.methods.at_input import Activation, look
from explain.methods.cam import Variant, class_activation
from explain.methods.contract import Made, explained
from explain.methods.gradients import signed_gradients
from explain.methods.kind import Kind, Value
from explain.methods.kinds import KINDS
from explain.models.fast import prepared
from tests.explain.conftest import radiographs
from tests.explain.methods.test_cam import Pooled
from tests.explain.methods.test_settling import Counted

X, TARGETS = radiographs(3, 64), torch.tensor([2, 0, 1])
SHARING = [KINDS[name] for name in ("input_gradient", "integrated_gradients", "grad_cam")]


def made(model: nn.Module, kinds: list[Kind], given: dict[str, Value]) -> dict[str, Made]:
    def values(kind: Kind) -> dict[str, Value]:
        return {p.name: given[p.name] for p in kind.parameters if p.name in given}

    return explained(kinds, X, TARGETS, {"classifier": model}, values, batch_size=2)


def close(found: Tensor, expected: Tensor) -> bool:
    return bool((found - expected).abs().max() <= 1e-6 * expected.abs().max())


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("given", [{"steps": 0}, {"steps": 3, "depth": 2}, {"steps": 0, "features": "before"}])
def test_together_they_are_what_each_is_alone(densenet: nn.Module, given: dict[str, Value], turned: bool) -> None:
    model = prepared(densenet) if turned else densenet
    together = made(model, SHARING[::-1] if turned else SHARING, given)
    for kind in SHARING:
        for shared, alone in zip(together[kind.name].results, made(model, [kind], given)[kind.name].results):
            assert shared.map is not None and alone.map is not None and close(shared.map, alone.map)
            assert shared.record.keys() == alone.record.keys()


@pytest.mark.parametrize("variant", ["grad-cam", "hirescam", "grad-cam++"])
@pytest.mark.parametrize("rectified", [True, False])
def test_one_pass_gives_gradient_and_map(densenet: nn.Module, variant: Variant, rectified: bool) -> None:
    found = look(densenet, X, TARGETS, True, Activation(variant, "features", rectified), batch_size=2)
    assert found.gradient is not None and found.activation is not None
    assert close(found.gradient, signed_gradients(densenet, X, TARGETS))
    assert close(found.activation, class_activation(densenet, X, TARGETS, variant, "features", rectified))
    assert torch.allclose(found.predictions, densenet(X).detach().gather(1, TARGETS[:, None])[:, 0])


@pytest.mark.parametrize("how", ["a copy", "in place"])
def test_a_relu_after_the_features_does_not_cut_the_graph(how: str) -> None:
    x, one = torch.zeros(1, 1, 2, 2), torch.tensor([0])
    found = look(Pooled(how), x, one, True, Activation("grad-cam", "features", True))
    # f = (2 (4 + 1) - (3 + 2 + 1)) / 4 (1 + 0 sum(x)): the map as by hand in test_cam, the gradient 0
    assert found.predictions.tolist() == [1.0] and found.gradient is not None and not found.gradient.any()
    assert found.activation is not None
    assert torch.allclose(found.activation, torch.tensor([[[8.0, -3.0], [0.0, -1.0]]]).relu() / 4)


@pytest.mark.parametrize("kinds", [SHARING[2:], SHARING])
def test_a_depth_that_the_classifier_does_not_have_is_refused_by_name(densenet: nn.Module, kinds: list[Kind]) -> None:
    deepest = made(densenet, kinds, {"steps": 3, "depth": 3})["grad_cam"].results[0].record["layer"]
    with pytest.raises(ValueError, match=f"depth of Grad-CAM is 5.* 3 sizes .*{deepest}.*; give at most 3"):
        made(densenet, kinds, {"steps": 3, "depth": 5})
    (depth,) = (parameter for parameter in SHARING[2].parameters if parameter.name == "depth")
    for value in (0, 6, 1.5, True, "features"):
        assert depth.problem(value) == f"depth must be a whole number from 1 to 5, not {value!r}."


def test_no_image_goes_through_the_classifier_twice(densenet: nn.Module) -> None:
    def images(kinds: list[Kind], given: dict[str, Value]) -> int:
        model = Counted(densenet)
        made(model, kinds, given)
        return model.images

    gradient, integrated, cam = SHARING
    assert images([gradient], {}) == 3 and images([cam], {}) == 1 + 3  # one to find the layers
    settled = images([integrated], {"steps": 0})
    assert images(SHARING, {"steps": 0}) == settled + 1  # its end point is the others' pass
    assert images(SHARING, {"steps": 4}) == 3 * 4 + 3 + 1 + 1  # steps, the pass, grey once, layers


def test_noisy_copies_do_not_ask_for_the_plain_gradient(densenet: nn.Module) -> None:
    model = Counted(densenet)
    noisy = made(model, SHARING[:1], {"samples": 2})["input_gradient"].results[0]
    assert model.images == 3 * 2 and noisy.map is not None
    assert not close(noisy.map, made(densenet, SHARING[:1], {})["input_gradient"].results[0].map)  # type: ignore[arg-type]


def test_another_activation_than_the_shared_one_is_computed_by_itself(densenet: nn.Module) -> None:
    other = Kind("other_cam", "Other", "Another.", parameters=KINDS["grad_cam"].parameters, compute=SHARING[2].compute)

    def values(kind: Kind) -> dict[str, Value]:
        return {"variant": "hirescam", "depth": 2} if kind is other else {}

    both = explained([*SHARING, other], X, TARGETS, {"classifier": densenet}, values)
    hires = class_activation(densenet, X, TARGETS, "hirescam", both["other_cam"].results[0].record["layer"])
    assert close(torch.stack([result.map for result in both["other_cam"].results]), hires)  # type: ignore[misc]
