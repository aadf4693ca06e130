"""VA-GAN: what a trained map generator adds to a radiograph so that it looks like one without the finding.

    x_t = x + t M(x),  t from 0 to 1

M is trained on images with a finding and images without, and knows no classifier: it says how the two sides differ in
this image, not why the classifier predicted what it did. What the classifier says of each x_t is recorded.

Reference: Baumgartner et al., "Visual Feature Attribution using Wasserstein GANs", CVPR 2018, section 3.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explain.methods.batch import checked, chosen
from explain.methods.contract import Request, Result, Results
from explain.methods.kinds import KINDS
from explain.methods.modes import explaining

FRAMES = 11
LAMBDAS = tuple(step / (FRAMES - 1) - 1 for step in range(FRAMES))  # -t: ascending, 0 is the radiograph


@dataclass(frozen=True)
class AddedMaps:
    """Of N examples. added: (N, H, W), M(x). frames: (N, F, H, W), x - lambda M(x) for each of LAMBDAS, from the one
    altered most to x itself. outputs: (N, F, K), all of the classifier; predictions: (N, F), the one explained. Pixels
    are in units of [-1024, 1024], not clipped.
    """

    added: Tensor
    frames: Tensor
    outputs: Tensor
    predictions: Tensor


def added_maps(
    classifier: nn.Module, generator: nn.Module, x: Tensor, targets: Tensor, batch_size: int = 8
) -> AddedMaps:
    """M(x) of each radiograph, the way from x + M(x) to x, and what the classifier says along it.

    classifier: (N, 1, H, W) -> (N, K) probabilities. generator: (N, 1, H, W) -> the same shape, what to add.
    x: float32 (N, 1, H, W) in [-1024, 1024]. targets: int64 (N,). batch_size: images per pass of a model.
    """
    x, targets = checked(x, targets)
    with explaining(x.device, classifier, generator), torch.no_grad():
        added = torch.cat([generator(part) for part in x.split(batch_size)])
        frames = x - torch.tensor(LAMBDAS, dtype=x.dtype, device=x.device)[:, None, None] * added
        passes = frames.reshape(-1, 1, *x.shape[-2:]).split(batch_size)
        outputs = torch.cat([classifier(part).float() for part in passes])
        predictions = chosen(outputs, targets.repeat_interleave(FRAMES))
    shape = (len(x), FRAMES)
    return AddedMaps(added[:, 0], frames, outputs.unflatten(0, shape), predictions.reshape(shape))


def compute(request: Request) -> Results:
    """The kinds of |M(x)|: the map, or with the frames. No parameters."""
    made = added_maps(request.classifier, request.generator, request.x, request.targets, request.batch_size)
    records = [_record(made, n) for n in range(len(request.x))]
    return {
        name: [
            Result(map_, frames if KINDS[name].shows == "animation" else None, record)
            for map_, frames, record in zip(made.added.abs(), made.frames, records)
        ]
        for name in request.kinds
    }


def _record(made: AddedMaps, n: int) -> dict[str, Any]:
    return {
        "lambdas": list(LAMBDAS),
        "lambda_unit": "minus the share of the map that is added",
        "predictions": made.predictions[n].tolist(),
        "prediction_input": made.predictions[n, -1].item(),
        "mean_change": made.added[n].abs().mean().item(),
    }
