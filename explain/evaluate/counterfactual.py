"""Are the frames of a counterfactual animation what they claim to be?

Three properties of progressive exaggeration (Singla et al., "Explanation by Progressive Exaggeration", ICLR 2020,
section 3), each for one example: frames follow the classifier, the unchanged frame is the image, and frames look like
images. The paper judges the last by a distance between sets of images (FID), which one example does not have: here an
image counts as real if the autoencoder can redraw it.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import spearmanr

from explain.evaluate.metric import Subject
from explain.evaluate.subjects import INPUT_RANGE, as_input
from explain.methods.modes import explaining


def measure_compatibility(subject: Subject) -> float:
    """Spearman of f with the order of the frames: 1 if each frame has more of the finding than the one before.

    f is computed from the frames. Raises ValueError for fewer than 2 frames and where f is the same for all.
    """
    x = as_input(subject.array("frames"), subject.models["classifier"])
    if len(x) < 2:
        raise ValueError("there is one frame only: no direction in which the prediction changes was found")
    with explaining(x.device, subject.models["classifier"]), torch.no_grad():
        parts = [subject.models["classifier"](part)[:, subject.target] for part in x.split(subject.batch_size)]
    found = torch.cat(parts).double().cpu().numpy()
    if found.min() == found.max():
        raise ValueError("the prediction is the same for all frames")
    return float(spearmanr(found, np.arange(len(found))).statistic)


def measure_self_consistency(subject: Subject) -> float:
    """Mean |x'_0 - x| over the input's range of 2048, 0 to 1: how much redrawing alone changes the image.

    x'_0 is the frame whose recorded lambda is nearest to 0.
    """
    lambdas, frames = np.asarray(subject.record["lambdas"], float), subject.array("frames")
    if len(lambdas) != len(frames):
        raise ValueError(f"there are {len(frames)} frames, and {len(lambdas)} lambdas in the record")
    unchanged = frames[int(np.abs(lambdas).argmin())]
    return float(np.abs(unchanged.astype(float) - subject.array("pixels")).mean() / INPUT_RANGE)


def measure_data_consistency(subject: Subject) -> float:
    """Mean |D(E(x')) - x'| of the first and last frame, over that of the image: 1 if they are as easily redrawn.

    Over 1: the frames hold what the autoencoder, trained on radiographs, does not know. Frames that come from the same
    autoencoder begin with an advantage, so values below 1 are usual; compare kinds of one autoencoder only.
    """
    autoencoder, frames = subject.models["autoencoder"], subject.array("frames")
    x = as_input(np.stack([frames[0], frames[-1], subject.array("pixels")]), autoencoder)
    with explaining(x.device, autoencoder), torch.no_grad():
        again = autoencoder.decode(autoencoder.encode(x), tuple(x.shape[-2:]))  # type: ignore[operator]
    first, last, image = (again - x).abs().double().mean((1, 2, 3)).tolist()
    if image == 0:
        raise ValueError("the autoencoder redraws the image exactly: nothing can be compared with that")
    return float((first + last) / 2 / image)


def measure_reconstruction_effect(subject: Subject) -> float:
    """|f(D(E(x))) - f(x)|, points of probability: how far what is explained is from what was predicted.

    Source: Cohen et al., MIDL 2021, table K.1.
    """
    classifier, autoencoder = subject.models["classifier"], subject.models["autoencoder"]
    x = as_input(subject.array("pixels"), autoencoder)
    with explaining(x.device, classifier, autoencoder), torch.no_grad():
        again = autoencoder.decode(autoencoder.encode(x), tuple(x.shape[-2:]))  # type: ignore[operator]
        before, after = classifier(torch.cat([x, again]))[:, subject.target].tolist()
    return abs(float(after) - float(before))
