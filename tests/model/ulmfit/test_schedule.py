from __future__ import annotations

from itertools import pairwise

import pytest

from sentiment_transfer.model.ulmfit.classifier import (
    SlantedTriangular,
    StagedTriangles,
    discriminative_rates,
    trained_groups,
)


def published(step: int, steps: int, cut_frac: float = 0.1, ratio: float = 32) -> float:
    """Equation 3 of arXiv 1801.06146, with a peak of 1."""
    cut = int(steps * cut_frac)
    p = step / cut if step < cut else 1 - (step - cut) / (cut * (1 / cut_frac - 1))
    return (1 + p * (ratio - 1)) / ratio


@pytest.mark.parametrize("steps", [10, 100, 1240])
def test_the_slanted_triangle_is_the_published_one(steps: int) -> None:
    ours = SlantedTriangular(steps)
    assert [ours(step) for step in range(steps)] == pytest.approx([published(step, steps) for step in range(steps)])


def test_the_triangle_rises_from_a_32nd_to_its_peak_and_falls_back() -> None:
    triangle = SlantedTriangular(100)
    assert [triangle(step) for step in (0, 5, 10, 55, 100)] == pytest.approx([1 / 32, 16.5 / 32, 1, 16.5 / 32, 1 / 32])
    assert max(map(triangle, range(101))) == triangle(10)


@pytest.mark.parametrize(("steps", "cut_frac"), [(1, 0.1), (7, 0.1), (13, 0.1), (50, 0.0), (3, 0.9)])
def test_the_triangle_is_never_below_a_32nd_nor_above_the_peak(steps: int, cut_frac: float) -> None:
    factors = [SlantedTriangular(steps, cut_frac)(step) for step in range(steps + 2)]
    assert min(factors) >= 1 / 32 and max(factors) <= 1


def test_every_thawing_epoch_has_a_triangle_and_the_others_share_one() -> None:
    staged = StagedTriangles(steps=700, epochs=7, groups=5, cut_frac=0.1)
    for epoch in range(4):
        assert [staged(100 * epoch + step) for step in (0, 10)] == pytest.approx([1 / 32, 1])
    assert [staged(step) for step in (400, 430, 565)] == pytest.approx([1 / 32, 1, 16.5 / 32])
    assert staged(699) < 0.05


def test_fewer_epochs_than_groups_still_end_with_a_triangle() -> None:
    staged = StagedTriangles(steps=20, epochs=2, groups=5, cut_frac=0.1)
    assert [staged(step) for step in (0, 1, 10, 11)] == pytest.approx([1 / 32, 1, 1 / 32, 1])


def test_each_layer_below_has_its_rate_divided_by_2_6() -> None:
    rates = discriminative_rates(0.01, 5)
    assert rates[-1] == 0.01
    assert [above / below for below, above in pairwise(rates)] == pytest.approx(4 * [2.6])
    assert discriminative_rates(0.01, 3, factor=1) == 3 * [0.01]


def test_one_more_group_is_trained_every_epoch() -> None:
    assert [trained_groups(epoch, 5) for epoch in range(7)] == [1, 2, 3, 4, 5, 5, 5]
