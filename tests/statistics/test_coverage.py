"""Intervals hold the truth as often as they say, and claims are false as seldom. Few experiments here;
``make coverage-of-intervals`` runs 2,000 in each of many worlds."""

from __future__ import annotations

import pytest
from benchmarks.coverage_of_intervals import MODELS, measure
from benchmarks.simulated_experiments import World

EXPERIMENTS = 600  # the standard error of a coverage is then about 0.6 % (three intervals each, correlated)


@pytest.mark.parametrize(
    ("metric", "world"),
    [
        ("error", World(400, 3, (-1.2,) * MODELS, (0.0,) * MODELS)),
        ("error", World(1000, 3, (-1.2, -1.4, -1.6), (0.15,) * MODELS)),
        ("error", World(400, 5, (-1.2,) * MODELS, (0.5,) * MODELS)),
        ("f1_positive", World(400, 3, (-0.8,) * MODELS, (0.15,) * MODELS, positive_share=0.3)),
    ],
    ids=["no seed variance", "some", "much", "F1, uneven classes"],
)
def test_95_percent_intervals_hold_the_truth(metric: str, world: World) -> None:
    held = measure(world, metric, EXPERIMENTS)
    for kind in ("mean", "difference", "slope"):
        assert 0.92 < held[kind] < 0.98, kind


def test_claims_of_a_difference_are_seldom_false() -> None:
    held = measure(World(400, 3, (-1.2,) * MODELS, (0.15,) * MODELS), "error", EXPERIMENTS)
    assert held["false"] < 0.065  # 5 % and 1.7 standard errors


def test_percentiles_over_three_seeds_are_too_narrow() -> None:
    """Why the report does not use them."""
    held = measure(World(400, 3, (-1.2,) * MODELS, (0.5,) * MODELS), "error", 200)
    assert held["percentiles"] < 0.85 < held["mean"]
