"""McNemar and Holm against statsmodels."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels
from statsmodels.stats.multitest import multipletests

from sentiment_transfer.statistics.comparisons import holm, holm_factors, mcnemar, pairs


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
