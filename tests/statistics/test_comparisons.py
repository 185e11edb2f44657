"""McNemar, Holm and the line through sizes, against statsmodels; a family of contrasts, tested together."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels
from statsmodels.stats.multitest import multipletests

from sentiment_transfer.statistics.comparisons import (
    ALPHA,
    family_tests,
    holm,
    holm_factors,
    mcnemar,
    pairs,
    slope_weights,
)
from sentiment_transfer.statistics.interval import Contrasts, intervals, minimum_detectable_difference, p_values

SIZES = np.array([278e6, 560e6, 3.5e9, 10.7e9])
ERRORS = np.array([0.11, 0.09, 0.085, 0.07])


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 20), st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_mcnemar_agrees_with_statsmodels(only_first: int, only_second: int, both: int, neither: int) -> None:
    first = np.repeat([True, False, True, False], [only_first, only_second, both, neither])
    second = np.repeat([False, True, True, False], [only_first, only_second, both, neither])
    table = [[both, only_first], [only_second, neither]]
    expected = mcnemar_of_statsmodels(table, exact=True).pvalue if only_first + only_second else 1.0
    assert mcnemar(first, second) == (only_first, only_second, pytest.approx(expected))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_holm_agrees_with_statsmodels(p: list[float]) -> None:
    with patch("gc.collect"):  # which each call asks for: nearly a second in a process that has run many tests
        expected = multipletests(p, method="holm")[1]
    assert holm(np.array(p)) == pytest.approx(expected)


def test_holm_multiplies_the_smallest_by_their_number() -> None:
    assert holm_factors(np.array([0.3, 0.01, 0.02])).tolist() == [1, 3, 2]


def test_pairs_are_second_minus_first() -> None:
    assert pairs(3).tolist() == [[-1, 1, 0], [-1, 0, 1], [0, -1, 1]]
    assert pairs(1).shape == (0, 1)


def test_groups_are_corrected_as_one_family() -> None:
    values, errors = np.array([0.1, 0.02, -0.05]), np.array([0.02, 0.02, 0.02])
    family = Contrasts(values, errors, np.array([4.0, 8.0, 1e6]))
    groups = [Contrasts(*(part[:1] for part in family)), Contrasts(*(part[1:] for part in family))]
    tests = family_tests(groups)
    p = p_values(family)
    assert [test.value for test in tests] == values.tolist()
    assert [(test.low, test.high) for test in tests] == list(
        zip(*map(np.ndarray.tolist, intervals(family)), strict=True)
    )
    assert [test.p_holm for test in tests] == holm(p).tolist()
    detectable = minimum_detectable_difference(family, ALPHA / holm_factors(p))
    assert [test.minimum_detectable_difference for test in tests] == detectable.tolist()
    assert {test.family_size for test in tests} == {3}


def test_no_contrasts_are_no_family() -> None:
    assert family_tests([]) == []


def test_slope_is_that_of_least_squares() -> None:
    fitted = sm.OLS(ERRORS, sm.add_constant(np.log2(SIZES))).fit()
    assert slope_weights(SIZES) @ ERRORS == pytest.approx(fitted.params[1])


def test_one_size_has_no_slope() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        slope_weights(np.array([1e6, 1e6]))
