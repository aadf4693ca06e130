"""Optical flow: which way, and how far, what is seen in one picture lies moved in another. By scikit-image."""

import numpy as np
import torch
from skimage.registration import optical_flow_tvl1

from explain.methods.contract import Request, Result, Results
from explain.methods.latent_shift import records_of, shift_of

_RANGE = (-1024.0, 1024.0)


def optical_flow(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How far each pixel of `start` has moved in `end`: float32 (2, H, W), to the right and down, in pixels.

    start, end: (H, W) in [-1024, 1024], both scaled by that range. Brightness that changes in place gives a flow too,
    though nothing moves. Pictures that are not finite give a flow that is not. Raises ValueError for unequal shapes.

    Reference: Zach, Pock, Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", 2007, as scikit-image
    computes it; Cohen et al., "Gifsplanation via Latent Shift", MIDL 2021, figure 1B.
    """
    if start.shape != end.shape or start.ndim != 2:
        raise ValueError(f"optical flow needs two pictures of one shape, not {start.shape} and {end.shape}")
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        return np.full((2, *start.shape), np.nan, np.float32)
    low, high = _RANGE
    scaled = [((picture - low) / (high - low)).astype(np.float32) for picture in (start, end)]
    down, right = optical_flow_tvl1(*scaled)
    return np.stack([right, down]).astype(np.float32)


def compute(request: Request) -> Results:
    """The kind: from x'_0 to the most faded frame of Latent Shift. Parameter: search."""
    shift = shift_of(request)
    (name,) = request.kinds
    results = []
    for start, frames, record in zip(shift.reconstruction, shift.frames, records_of(request, shift)):
        flow = optical_flow(start.cpu().numpy(), frames[0].cpu().numpy())
        results.append(Result(frames=torch.from_numpy(flow).to(start), record=record))
    return {name: results}
