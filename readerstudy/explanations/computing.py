"""The unit of work of precompute: (pixels, targets, models, parameters) -> maps, frames and records. Pure.

Nothing here knows of the database, so that the same function can run on other hosts. Torch is imported inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.methods.contract import Result, explained
from explain.methods.kind import Kind, Need, Value
from explain.methods.kinds import KINDS

if TYPE_CHECKING:
    from torch import Tensor, nn

    from explain.models.generators import LoadedGenerator
    from explain.models.registry import LoadedAutoencoder, LoadedClassifier


@dataclass(frozen=True)
class Computed:
    """One kind for one example. map: float32 (224, 224); frames: float32 (N, H, W) in the model's range; or None.

    record: what tells how it was made (lambdas, outputs, stop reasons). seconds: the example's share of its batch.
    """

    map: np.ndarray | None
    frames: np.ndarray | None = None
    record: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


def compute(
    inputs: np.ndarray,
    pathologies: Sequence[str],
    kinds: Sequence[str],
    classifier: LoadedClassifier,
    autoencoder: LoadedAutoencoder | None,
    given: Callable[[Kind], Mapping[str, Value]],
    device: str,
    batch_size: int,
    generator: LoadedGenerator | None = None,
) -> list[dict[str, Computed]]:
    """Explain a batch. inputs: float32 (N, 1, 224, 224) in [-1024, 1024]; one pathology each. given: the parameters
    that are set for a kind.

    Returns per example a dict of kind -> Computed. Raises what a kind raises (out of memory included) for the batch.
    """
    import torch

    x = torch.from_numpy(np.ascontiguousarray(inputs)).to(device)
    targets = torch.tensor([classifier.target(name) for name in pathologies], device=device)
    models: dict[Need, nn.Module] = {"classifier": classifier.module}
    if autoencoder is not None:
        models["autoencoder"] = autoencoder.module
    if generator is not None:
        models["generator"] = generator.module
    made = explained([KINDS[kind] for kind in kinds], x, targets, models, given, batch_size)
    return [
        {kind: _computed(made[kind].results[index], made[kind].seconds) for kind in kinds}
        for index in range(len(pathologies))
    ]


def _computed(result: Result, seconds: float) -> Computed:
    def array(tensor: Tensor | None) -> np.ndarray | None:
        return None if tensor is None else tensor.float().cpu().numpy()

    return Computed(array(result.map), array(result.frames), dict(result.record), seconds)
