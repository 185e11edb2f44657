"""Lines over languages: what they are in the cases that other programs know, and what is added beyond these."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from benchmarks.coverage_over_languages import measure
from benchmarks.simulated_languages import LanguageWorld

from sentiment_transfer.statistics.interval import contrasts, intervals, variances
from sentiment_transfer.statistics.languages import line_at, line_over_languages
from sentiment_transfer.statistics.resampling import Scored

DISTANCES = np.array([0.1, 0.17, 0.22, 0.3, 0.41, 0.5])
ALONE = np.ones(1)
EXPERIMENTS = 300  # the standard error of a coverage is then 1.3 %


def without_reviews(values: np.ndarray) -> list[Scored]:
    """Scores (languages, seeds) on so many reviews that resampling them changes nothing."""
    return [Scored(row, np.repeat(row[:, None], 10, axis=1)) for row in values]


def scattered(seeds: int, tau: float = 0.05, seed_slope: float = 0.0, of_seed: float = 0.004) -> np.ndarray:
    generator = np.random.default_rng(3)
    languages = 0.1 + 0.3 * DISTANCES + tau * generator.standard_normal(len(DISTANCES))
    slopes = seed_slope * generator.standard_normal(seeds)
    own = of_seed * generator.standard_normal((len(DISTANCES), seeds))
    return languages[:, None] + np.outer(DISTANCES - DISTANCES.mean(), slopes) + own


def test_one_seed_is_a_regression_on_languages() -> None:
    values = scattered(1)
    found = line_over_languages(DISTANCES, [without_reviews(values)], ALONE)
    regression = sm.OLS(values[:, 0], sm.add_constant(DISTANCES)).fit()
    [low], [high] = intervals(found.slope)
    assert (found.intercept, found.slope.values[0]) == pytest.approx(tuple(regression.params))
    assert (low, high) == pytest.approx(tuple(regression.conf_int()[1]))
    assert found.tau == pytest.approx(regression.mse_resid**0.5)


def test_seeds_without_slopes_of_their_own_are_a_mixed_model() -> None:
    """The same standard error and variance of languages as REML with a random intercept of each language."""
    seeds = 40
    values = 100 * scattered(seeds)
    found = line_over_languages(DISTANCES, [without_reviews(values)], ALONE)
    languages = np.repeat(np.arange(len(DISTANCES)), seeds)
    mixed = sm.MixedLM(values.ravel(), sm.add_constant(DISTANCES[languages]), groups=languages).fit(reml=True)
    assert found.slope.values[0] == pytest.approx(mixed.fe_params[1])
    assert found.slope.standard_error[0] == pytest.approx(mixed.bse_fe[1], rel=0.01)
    assert found.tau == pytest.approx(float(mixed.cov_re[0, 0]) ** 0.5, rel=0.01)


def test_a_seeds_own_slope_widens_the_interval() -> None:
    """To that of generalised least squares with the variance that was put in, in its mean over many seeds."""
    seeds, seed_slope, tau = 200, 1.0, 0.01
    values = scattered(seeds, tau, seed_slope)
    found = line_over_languages(DISTANCES, [without_reviews(values)], ALONE)
    spread = ((DISTANCES - DISTANCES.mean()) ** 2).sum()
    expected = found.tau**2 / spread + seed_slope**2 / seeds
    assert found.slope.standard_error[0] == pytest.approx(expected**0.5, rel=0.1)


def test_reviews_that_are_hard_in_far_languages_widen_the_interval() -> None:
    """Shared by all languages in proportion to distance, they are in no language's scatter around the line."""
    values = scattered(1, tau=0.001)
    shift = 0.5 * np.random.default_rng(0).standard_normal(2000)
    far = DISTANCES - DISTANCES.mean()
    replicates = values[:, :, None] + (far[:, None] * shift)[:, None]
    found = line_over_languages(
        DISTANCES, [[Scored(row, draws) for row, draws in zip(values, replicates, strict=True)]], ALONE
    )
    assert found.slope.standard_error[0] == pytest.approx(0.5, rel=0.05)


def test_what_all_languages_share_leaves_the_slope_alone() -> None:
    values = scattered(3)
    shared = np.array([0.3, -0.2, 0.1])
    plain, shifted = (
        line_over_languages(DISTANCES, [without_reviews(each)], ALONE) for each in (values, values + shared)
    )
    assert np.concatenate(shifted.slope) == pytest.approx(np.concatenate(plain.slope))
    assert shifted.tau == pytest.approx(plain.tau)


def test_the_height_in_the_middle_is_the_mean_with_everything_that_all_share() -> None:
    values = scattered(5, tau=0.02)
    values = values + 0.05 * np.random.default_rng(1).standard_normal(5)
    [model] = models = [without_reviews(values)]
    height = line_at(DISTANCES.mean(keepdims=True), DISTANCES, models, ALONE)
    seeds = contrasts(np.ones((1, 1)), variances([Scored(values.mean(axis=0), np.zeros((5, 2)))]))
    assert height.values[0] == pytest.approx(values.mean())
    assert height.standard_error[0] > seeds.standard_error[0]
    ends = line_at(DISTANCES[[0, -1]], DISTANCES, [model], ALONE)
    assert ends.standard_error.min() > height.standard_error[0]


@pytest.mark.parametrize("distances", [np.array([0.1, 0.2]), np.array([0.2, 0.2, 0.2])])
def test_two_languages_or_equally_far_ones_make_no_line(distances: np.ndarray) -> None:
    with pytest.raises(ValueError, match="needs 4"):
        line_over_languages(distances, [without_reviews(np.ones((len(distances), 2)))], ALONE)


@pytest.mark.parametrize(
    "world",
    [
        LanguageWorld(4, 3, 0.01),
        LanguageWorld(6, 1, 0.05, seed_slope=0.0),
        LanguageWorld(6, 5, 0.0, parallel=False),
        LanguageWorld(12, 3, 0.05, n=200),
    ],
    ids=["few languages", "one seed", "not parallel", "many languages"],
)
def test_95_percent_intervals_hold_the_truth(world: LanguageWorld) -> None:
    held = measure(world, EXPERIMENTS)
    assert 0.92 < held["slope"] <= 0.99
    assert 0.92 < held["size"] <= 0.995
    assert held["false"] < 0.08 and held["size false"] < 0.08  # 5 % and 2.4 standard errors
