"""Is a map fit to be shown? NumPy only."""

import numpy as np
from numpy.typing import ArrayLike


class UnusableMap(ValueError):
    """A map that says nothing: non-finite values, or one value everywhere. An error, never a picture."""


def map_problem(values: ArrayLike) -> str | None:
    """What is wrong with one map (any shape), in words for a person; None if it can be shown."""
    values = np.asarray(values)
    bad = int(values.size - np.isfinite(values).sum())
    if bad:
        return f"{bad} of {values.size} values of the map are not finite"
    if values.size == 0 or values.min() == values.max():
        shown = f"{values.flat[0]:g}" if values.size else "nothing"
        return f"the map is constant ({shown} everywhere): the prediction does not react to the image"
    return None


def require_usable(values: ArrayLike) -> None:
    """Raise UnusableMap unless the map can be shown."""
    problem = map_problem(values)
    if problem:
        raise UnusableMap(problem)
