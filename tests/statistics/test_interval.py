"""Intervals and tests agree with independent ones where those apply: seeds alone, reviews alone, many seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import normal_power
from statsmodels.stats.proportion import proportion_confint

from sentiment_transfer.statistics.comparisons import pairs
from sentiment_transfer.statistics.interval import (
    bounded_intervals,
    contrasts,
    intervals,
    minimum_detectable_difference,
    p_values,
    variances,
    wilson,
)
from sentiment_transfer.statistics.resampling import Scored, resample

ONE = np.ones((1, 1))


def seeds_alone(values: list[float]) -> Scored:
    """Scores on so many reviews that resampling them changes nothing."""
    return Scored(np.array(values), np.repeat(np.array(values)[:, None], 10, axis=1))


def reviews_alone(n: int = 800, runs: int = 2) -> tuple[np.ndarray, list[Scored]]:
    """Which answers were wrong, (runs, n), of networks that are correlated over reviews; each a model of one seed."""
    generator = np.random.default_rng(1)
    hard = generator.standard_normal(n)
    wrong = (hard + generator.standard_normal((runs, n))) > 1.2
    gold = generator.integers(0, 2, n)
    found = resample(gold, np.where(wrong, 1 - gold, gold), "error", 2, positive=1, draws=8000)
    return wrong, [Scored(found.values[i : i + 1], found.replicates[i : i + 1]) for i in range(runs)]


def test_mean_over_seeds_alone_is_students_t() -> None:
    values = [0.20, 0.23, 0.22]
    [low], [high] = intervals(contrasts(ONE, variances([seeds_alone(values)])))
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_difference_over_seeds_alone_is_welchs_test() -> None:
    first, second = [0.20, 0.23, 0.22, 0.26, 0.21], [0.18, 0.185, 0.19]
    found = contrasts(pairs(2), variances([seeds_alone(first), seeds_alone(second)]))
    welch = stats.ttest_ind(second, first, equal_var=False)
    [low], [high] = intervals(found)
    expected = welch.confidence_interval()
    assert p_values(found) == pytest.approx([welch.pvalue])
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_one_network_is_wilsons_interval() -> None:
    wrong, models = reviews_alone()
    [low], [high] = bounded_intervals(contrasts(ONE, variances(models[:1])), wrong.shape[1])
    expected = proportion_confint(wrong[0].sum(), wrong.shape[1], method="wilson")
    assert (low, high) == pytest.approx(expected, abs=0.002)


def test_difference_of_two_networks_is_the_paired_test() -> None:
    wrong, models = reviews_alone()
    found = contrasts(pairs(2), variances(models))
    paired = stats.ttest_rel(wrong[1].astype(float), wrong[0].astype(float))
    [low], [high] = intervals(found)
    expected = paired.confidence_interval()
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.002)
    assert p_values(found) == pytest.approx([paired.pvalue], abs=0.02)


def rliable_interval(scores: np.ndarray, draws: int, generator: np.random.Generator) -> tuple[float, float]:
    """The stratified bootstrap of Agarwal et al. 2021 (section 4.1 and appendix A.4): for each task, its runs are
    drawn with replacement, the aggregate is the mean over tasks and runs, the interval is its percentiles."""
    runs, tasks = scores.shape
    drawn = generator.integers(0, runs, (draws, runs, tasks))
    aggregate = np.take_along_axis(scores[None], drawn, axis=1).mean(axis=(1, 2))
    return tuple(np.quantile(aggregate, (0.025, 0.975)).tolist())  # type: ignore[return-value]


def test_mean_over_many_seeds_agrees_with_rliables_stratified_bootstrap() -> None:
    generator = np.random.default_rng(0)
    tasks = 3
    scores = generator.normal([0.1, 0.2, 0.3], [0.01, 0.02, 0.03], (60, tasks))
    found = contrasts(
        np.full((1, tasks), 1 / tasks), variances([seeds_alone(scores[:, t].tolist()) for t in range(tasks)])
    )
    [low], [high] = intervals(found)
    expected = rliable_interval(scores, 20000, generator)
    assert (low, high) == pytest.approx(expected, abs=0.05 * (expected[1] - expected[0]))


def test_seed_times_review_is_counted_once() -> None:
    """Networks that guess: all scatter between them is that of reviews, and the mean has the error of all guesses."""
    generator = np.random.default_rng(0)
    n, seeds = 1000, 40
    gold = generator.integers(0, 2, n)
    found = resample(gold, generator.integers(0, 2, (seeds, n)), "error", 2, positive=1, draws=4000)
    error = contrasts(ONE, variances([found])).standard_error[0]
    assert error == pytest.approx(0.5 / np.sqrt(n * seeds), rel=0.3)


def test_one_seed_beside_several_covers_reviews_alone() -> None:
    _, models = reviews_alone()
    several = Scored(np.array([0.1, 0.2, 0.3]), np.repeat(models[1].replicates, 3, axis=0))
    with_seeds = contrasts(pairs(2), variances([models[0], several])).standard_error[0]
    without = contrasts(pairs(2), variances([models[0], Scored(np.array([0.2]), models[1].replicates)])).standard_error[
        0
    ]
    assert with_seeds == pytest.approx(without)


def test_interval_leaves_zero_out_just_where_p_is_below_5_percent() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        models = [seeds_alone(generator.normal(mean, 0.01, 4).tolist()) for mean in (0.2, 0.213)]
        found = contrasts(pairs(2), variances(models))
        [low], [high] = intervals(found)
        assert (low > 0 or high < 0) == (p_values(found)[0] < 0.05)


def test_score_of_0_or_1_keeps_a_width_and_stays_in_bounds() -> None:
    for value in (0.0, 1.0):
        nothing = Scored(np.array([value] * 3), np.full((3, 10), value))
        [low], [high] = bounded_intervals(contrasts(ONE, variances([nothing])), 400)
        assert 0 <= low < high <= 1
        assert high - low == pytest.approx(wilson(np.array(0.0), np.array(400))[1], rel=1e-4)


def test_same_answers_are_no_difference_but_not_beyond_doubt() -> None:
    _, models = reviews_alone()
    found = contrasts(pairs(2), variances([models[0], models[0]]), extra_variance=1 / 800**2)
    [low], [high] = intervals(found)
    assert p_values(found) == pytest.approx([1.0])
    assert low < 0 < high


def test_without_any_scatter_p_is_0_or_1() -> None:
    same, other = seeds_alone([0.2, 0.2]), seeds_alone([0.3, 0.3])
    assert p_values(contrasts(pairs(2), variances([same, same]))) == pytest.approx([1.0])
    assert p_values(contrasts(pairs(2), variances([same, other]))) == pytest.approx([0.0])


def test_minimum_detectable_difference_has_80_percent_power_by_statsmodels() -> None:
    _, models = reviews_alone()
    found = contrasts(pairs(2), variances(models))
    [smallest] = minimum_detectable_difference(found, 0.01)
    assert normal_power(smallest / found.standard_error[0], nobs=1, alpha=0.01) == pytest.approx(0.8, abs=1e-4)
