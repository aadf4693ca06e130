"""The tail that powers are made of, beside SciPy's own distributions."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from readerstudy.statistics.tails import beyond


def test_it_is_the_non_central_t_of_scipy() -> None:
    for reach, df, shift in product(
        (0.01, 1.96, 4.3, 12.7), (1.0, 3.7, 28.4, 500.0), (-40.0, -2.5, 0.0, 0.4, 3.0, 9.0)
    ):
        assert beyond(reach, df, shift) == pytest.approx(float(stats.nct.sf(reach, df, shift)), rel=1e-12, abs=0)
        assert beyond(reach, np.inf, shift) == pytest.approx(float(stats.norm.sf(reach - shift)), rel=1e-12, abs=0)


def test_it_is_zero_where_it_is_too_small_for_a_number_and_nan_without_degrees_of_freedom() -> None:
    assert beyond(4.3, 500.0, -60.0) == 0
    assert np.isnan(beyond(np.nan, np.nan, 1.0))
