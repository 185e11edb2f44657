"""The groups that reviews fall into: thirds by length and coverage, and the values of each category."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_transfer.report.analysis.review_groups import review_groups, thirds


def labels(**features: list[object]) -> dict[str, int]:
    """The labels of the groups with their number of reviews."""
    columns = {name: np.array(values, dtype=object) for name, values in features.items()}
    return {group.label: int(group.members.sum()) for group in review_groups(columns)}


@given(st.lists(st.integers(0, 30), max_size=60))
def test_thirds_are_never_empty_and_never_overlap(values: list[int]) -> None:
    bounds = thirds(np.array(values, dtype=np.int64))
    if len(set(values)) < 2:
        assert bounds == []
        return
    counts = [sum(low <= value <= high for value in values) for low, high in bounds]
    assert 2 <= len(bounds) <= 3 and min(counts) > 0 and sum(counts) == len(values)
    assert all(high + 1 == low for (_, high), (low, _) in pairwise(bounds))


def test_without_ties_they_are_thirds() -> None:
    assert thirds(np.arange(1, 301)) == [(1, 100), (101, 200), (201, 300)]


def test_one_value_that_most_reviews_have_stays_together() -> None:
    assert thirds(np.array([1] * 98 + [2, 3])) == [(1, 1), (2, 3)]
    assert thirds(np.array([5, 5, 7, 7])) == [(5, 5), (6, 7)]


def test_lengths_say_their_bounds() -> None:
    characters = [*range(20, 50), *range(80, 110), *range(1113, 1143)]
    assert labels(characters=characters) == {
        "up to 49 characters": 30,
        "50 to 109 characters": 30,
        "110 characters and more": 30,
    }


def test_coverage_is_in_whole_percents() -> None:
    seen = [np.float32(share) for share in [0.29] * 3 + [0.61] * 3 + [1.0] * 3]
    assert labels(seen=seen) == {
        "up to 29 % of tokens seen": 3,
        "30 to 61 % of tokens seen": 3,
        "62 % and more of tokens seen": 3,
    }
    assert "all tokens seen" in labels(seen=[0.99] * 4 + [1.0] * 4)


def test_reviews_of_which_nothing_is_known_are_in_no_group() -> None:
    assert labels(seen=[np.nan] * 5) == {}
    assert labels(seen=[np.nan, 0.5, 0.6]) == {
        "up to 50 % of tokens seen": 1,
        "51 % and more of tokens seen": 1,
    }
    assert labels(tag=[None, "irony", "negation", "negation"]) == {"negation": 2, "irony": 1}


@pytest.mark.parametrize("features", [{}, {"characters": [9] * 5}, {"script": ["Jpan"] * 5}, {"tag": [None] * 5}])
def test_reviews_that_do_not_differ_have_no_groups(features: dict[str, list[object]]) -> None:
    assert labels(**features) == {}
