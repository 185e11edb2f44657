"""The line through sizes, against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from sentiment_transfer.statistics.trend import DOUBLINGS_PER_DECADE, line, slope_weights

SIZES = np.array([278e6, 560e6, 3.5e9, 10.7e9])
ERRORS = np.array([0.11, 0.09, 0.085, 0.07])


def test_slope_is_that_of_least_squares() -> None:
    fitted = sm.OLS(ERRORS, sm.add_constant(np.log2(SIZES))).fit()
    start, slope, off = line(SIZES, ERRORS)
    assert (start, slope) == pytest.approx(tuple(fitted.params))
    assert slope_weights(SIZES) @ ERRORS == pytest.approx(fitted.params[1])
    assert off == pytest.approx(np.sqrt(np.mean(fitted.resid**2)))


def test_tenfold_is_log2_of_ten_doublings() -> None:
    start, slope, _ = line(np.array([1e6, 10e6, 100e6]), np.array([0.3, 0.2, 0.1]))
    assert slope * DOUBLINGS_PER_DECADE == pytest.approx(-0.1)
    assert start + slope * np.log2(1e6) == pytest.approx(0.3)


def test_two_sizes_have_no_distance_from_their_line() -> None:
    assert line(SIZES[:2], ERRORS[:2])[2] is None


def test_one_size_has_no_slope() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        slope_weights(np.array([1e6, 1e6]))
