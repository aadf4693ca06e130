"""Explanations as subjects of metrics: a kind's own computation on other pixels or models; results as arrays."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explain.evaluate.metric import Subject
from explain.methods.contract import Result, explained
from explain.methods.kind import Kind, Need, Value

INPUT_RANGE = 2048.0  # of pixels, which lie in [-1024, 1024]


@dataclass(frozen=True)
class Renderer:
    """What Subject.render is: one kind with the parameters and the target of one explanation."""

    kind: Kind
    target: int
    parameters: Mapping[str, Value] = field(default_factory=dict)
    batch_size: int = 8

    def __call__(self, pixels: np.ndarray, models: Mapping[Need, nn.Module]) -> Sequence[Result]:
        """pixels: (N, H, W) in about [-1024, 1024]. Raises what the kind raises."""
        x = as_input(pixels, models["classifier"])
        targets = torch.full((len(x),), self.target, device=x.device)
        return explained([self.kind], x, targets, models, lambda _: self.parameters, self.batch_size)[
            self.kind.name
        ].results


def subject_of(
    result: Result,
    render: Renderer,
    pixels: np.ndarray,
    models: Mapping[Need, nn.Module],
    mask: np.ndarray | None = None,
    confounder: np.ndarray | None = None,
    of_image: dict[Hashable, Any] | None = None,
) -> Subject:
    """One kind's result for one case as a Subject. pixels: (H, W), the case as the model sees it.

    of_image: the same for all kinds of one image, target and set of models; see Subject.once.
    """
    moves = render.kind.shows == "animation"
    return Subject(
        map=map_of(result), mask=mask, frames=array_of(result.frames) if moves else None, pixels=pixels,
        target=render.target, models=models, record=result.record, signed=array_of(result.signed),
        confounder=confounder, render=render, batch_size=render.batch_size,
        of_image={} if of_image is None else of_image,
    )  # fmt: skip


def map_of(result: Result) -> np.ndarray | None:
    """The map of a result, float32 (H, W). Of two frames without a map, right and down, how far each pixel moves."""
    found, frames = array_of(result.map), array_of(result.frames)
    if found is None and frames is not None and len(frames) == 2:
        found = np.hypot(frames[0], frames[1])
    return found


def maps_of(subject: Subject, pixels: np.ndarray, models: Mapping[Need, nn.Module]) -> np.ndarray:
    """The maps (N, H, W) that the subject's kind makes of other pixels (N, H, W), or by other models."""
    if subject.render is None:
        raise ValueError("the kind cannot be computed again here")
    maps = [map_of(result) for result in subject.render(pixels, models)]
    if any(each is None for each in maps):
        raise ValueError("the kind makes no map")
    return np.stack([each for each in maps if each is not None])


def as_input(pixels: np.ndarray, model: nn.Module) -> Tensor:
    """(N, H, W) or (H, W) as what a model is given: (N, 1, H, W) of its own type and device."""
    own = next(model.parameters(), torch.zeros(0))
    return torch.from_numpy(np.ascontiguousarray(pixels)).reshape(-1, 1, *pixels.shape[-2:]).to(own)


def array_of(tensor: Tensor | None) -> np.ndarray | None:
    return None if tensor is None else tensor.detach().float().cpu().numpy()
