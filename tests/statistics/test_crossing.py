"""How many labels a level is worth: where the curve crosses it, with an interval that holds as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from sentiment_transfer.statistics.crossing import Runs, crossing, over_runs
from sentiment_transfer.statistics.interval import variances
from sentiment_transfer.statistics.resampling import DRAWS, Scored

SIZES = (8, 32, 128, 512)


def runs(mean: float, rng: np.random.Generator, count: int = 3, spread: float = 0.01, noise: float = 0.01) -> Runs:
    """Runs scattered by ``spread`` over seeds and together by ``noise`` over reviews, each with a draw of its own."""
    values = mean + rng.normal(0, noise) + rng.normal(0, spread, count)
    reviews = rng.normal(0, noise, DRAWS)  # every run answers the same
    return {(i, i): Scored(values[i : i + 1], (values[i] + reviews)[None]) for i in range(count)}


def curve(errors: tuple[float, ...], rng: np.random.Generator, **of_runs: float) -> list[Runs]:
    return [runs(error, rng, **of_runs) for error in errors]


def test_the_crossing_lies_where_the_curve_does() -> None:
    rng = np.random.default_rng(0)
    exact = {"spread": 1e-6, "noise": 1e-6}
    found = crossing(
        SIZES, curve((0.4, 0.3, 0.2, 0.1), rng, **exact), runs(0.25, rng, **exact), 2000, lower_is_better=True
    )
    assert found.estimate == pytest.approx(64, rel=0.01)  # half way from 32 to 128 over the logarithm
    assert found.low is not None and found.high is not None
    assert 60 < found.low < found.estimate < found.high < 68


def test_scores_that_rise_are_turned_round() -> None:
    rng = np.random.default_rng(0)
    exact = {"spread": 1e-6, "noise": 1e-6}
    found = crossing(
        SIZES, curve((0.6, 0.7, 0.8, 0.9), rng, **exact), runs(0.75, rng, **exact), 2000, lower_is_better=False
    )
    assert found.estimate == pytest.approx(64, rel=0.01)


@pytest.mark.parametrize(("level", "above"), [(0.02, True), (0.6, False)])
def test_a_level_beyond_the_curve_is_beyond_it(level: float, above: bool) -> None:
    rng = np.random.default_rng(1)
    found = crossing(SIZES, curve((0.4, 0.3, 0.2, 0.1), rng), runs(level, rng), 2000, lower_is_better=True)
    assert found.estimate is None
    assert (found.surely_above, found.surely_below) == (above, not above)


def test_what_cannot_be_ruled_out_is_left_open() -> None:
    rng = np.random.default_rng(2)
    level = runs(0.11, rng, spread=0.03)
    found = crossing(SIZES, curve((0.4, 0.3, 0.2, 0.1), rng, spread=0.03), level, 2000, lower_is_better=True)
    assert found.high is None and not found.surely_above


def test_a_flat_curve_says_nothing() -> None:
    rng = np.random.default_rng(3)
    found = crossing(SIZES, curve((0.2, 0.2, 0.2, 0.2), rng), runs(0.2, rng), 2000, lower_is_better=True)
    assert (found.low, found.high) == (None, None)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """500 experiments with three runs at each point and a true crossing at 64 labels."""
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(500):
        found = crossing(SIZES, curve((0.4, 0.3, 0.2, 0.1), rng), runs(0.25, rng), 2000, lower_is_better=True)
        held += (found.low or 0) <= 64 <= (found.high or np.inf)
    assert 0.92 <= held / 500 <= 0.99


def test_runs_with_a_draw_of_their_own_are_like_seeds() -> None:
    one = runs(0.2, np.random.default_rng(5))
    mine = over_runs([one])
    theirs = variances([Scored(*(np.concatenate(part) for part in zip(*one.values(), strict=True)))])
    assert mine.seeds == theirs.seeds and mine.counts == theirs.counts == [3]


def test_crossed_seeds_and_draws_count_no_more_than_their_levels() -> None:
    """Two seeds and three draws that differ by the seed alone: six runs, but two independent ones."""
    rng = np.random.default_rng(6)
    of_seed = (0.1, 0.2)
    resampled = rng.normal(0.1, 0.001, (1, DRAWS))
    crossed = {(s, d): Scored(np.array([of_seed[s]]), resampled) for s in (0, 1) for d in range(3)}
    found = over_runs([crossed])
    assert found.counts.tolist() == [2]
    assert found.seeds[0] == pytest.approx(np.var(of_seed, ddof=1) / 2)
