"""The unit of work of predict: stored images -> a classifier's outputs. No Django here (units.py)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from readerstudy.explanations.batch_size import BatchSize
from readerstudy.explanations.inference import Done, Failed, Inference
from readerstudy.explanations.model_loading import ModelNames, held
from readerstudy.explanations.units import StoredImage

if TYPE_CHECKING:
    from explain.models.registry import LoadedClassifier

Row = NDArray[np.float32]  # the columns of the classifier


@dataclass(frozen=True)
class Predicting:
    """Items are numbers. batch_size 0 means: found by trying."""

    names: ModelNames
    batch_size: int = 0

    def over(
        self, items: Sequence[int], load: Callable[[int], StoredImage]
    ) -> Iterator[list[Done[int, Row] | Failed[int]]]:
        models = held(self.names)
        loop = Inference[int, Row, Row](
            lambda number: load(number).radiograph().model_input(),
            lambda inputs: probabilities(models.classifier, np.stack(inputs), models.device),
            BatchSize.of_device(models.device, self.batch_size),
        )
        return loop.run(items)

    def alike(self, item: int) -> Hashable:
        return None


def probabilities(classifier: LoadedClassifier, inputs: Row, device: str) -> list[Row]:
    """A row (columns of the classifier,) for each radiograph of (N, 1, 224, 224), in exact float32."""
    import torch

    from explain.methods.modes import exact_float32

    with torch.inference_mode(), exact_float32(torch.device(device)):
        found = classifier.module(torch.from_numpy(inputs).to(device))
        return list(found.float().cpu().numpy())
