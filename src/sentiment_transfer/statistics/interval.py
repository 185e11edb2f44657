"""Intervals and tests for means over seeds and for anything linear in them: differences, slopes, gaps.

Every seed of a model predicts the same reviews, so seeds and reviews are crossed: a score is mean + review + seed +
interaction. What other seeds and other reviews would change is the variance of all three. Resampling the reviews alone
gives review + interaction, the scatter between seeds gives seed + interaction; the interaction, counted twice, is taken
off once (Owen 2007, "The pigeonhole bootstrap", section 3, shows that drawing rows and columns at once counts it up to
three times).

With three to five seeds, the percentiles of a bootstrap that draws seeds are too narrow
(``benchmarks/coverage_of_intervals.py`` measures it), because three numbers say little about their own variance. So
reviews are resampled and seeds enter through Student's t, with Satterthwaite's degrees of freedom for a sum of
variances, of which that of the reviews is known well and that of the seeds badly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from sentiment_transfer.statistics.resampling import Scored

LEVEL = 0.95
POWER = 0.8
NORMAL = float(ndtri(0.5 + LEVEL / 2))
KNOWN = 1e6  # degrees of freedom of a variance that is as good as known
# The seeds' part counts this many times when the degrees of freedom are taken. Estimated from the variances
# themselves, they are too many just when the seeds happened to agree; with three seeds of one model, nominal 95 %
# then cover down to 92 %. Two and a half times brings them to 93.8-97.2 %, and false claims below 5 % also where one of
# three models' seeds differ ten times as much as the others' (4.7 % of 10,000 simulated experiments; twice: 5.2 %).
SEEDS_COUNT = 2.5


# Of fewer seeds the scatter says too little: with two, t has one degree of freedom and its quantile is 12.7, so that
# intervals ran beyond every possible score. Theirs cover other reviews alone, as that of one seed does.
ENOUGH_SEEDS = 3


class Variances(NamedTuple):
    """Mean scores of several models (``m``) with the parts of their variance; seeds are independent across models."""

    means: np.ndarray  # (m,) over seeds
    examples: np.ndarray  # (m, m) covariance of the means over resampled reviews
    seeds: np.ndarray  # (m,) variance between seeds / number of seeds; 0 for one seed
    interaction: np.ndarray  # (m,) the share of both above that is seed x review, of the mean; 0 for one seed
    counts: np.ndarray  # (m,) int, number of seeds


def variances(models: Sequence[Scored]) -> Variances:
    """``models[i]`` holds one run per seed; models scored on the same reviews share their resamples."""
    averages = np.stack([model.replicates.mean(axis=0) for model in models])  # (m, draws)
    centred = averages - averages.mean(axis=1, keepdims=True)
    counts = np.array([len(model.values) for model in models])
    return Variances(
        means=np.array([model.values.mean() for model in models]),
        examples=centred @ centred.T / (centred.shape[1] - 1),
        seeds=np.array([model.values.var(ddof=1) if len(model.values) > 1 else 0.0 for model in models]) / counts,
        interaction=np.array([_interaction(model.replicates) if len(model.values) > 1 else 0.0 for model in models])
        / counts,
        counts=counts,
    )


def _interaction(replicates: np.ndarray) -> float:
    """Variance over resamples of each seed's distance from the mean of all, (seeds, draws); 0 for one seed."""
    if len(replicates) == 1:
        return 0.0
    own = replicates - replicates.mean(axis=0)
    return float(own.var(axis=1, ddof=1).sum() / (len(replicates) - 1))


class Contrasts(NamedTuple):
    """Linear combinations of means with standard error and degrees of freedom, each (c,)."""

    values: np.ndarray
    standard_error: np.ndarray
    degrees_of_freedom: np.ndarray


def contrasts(weights: np.ndarray, models: Variances, extra_variance: float = 0.0) -> Contrasts:
    """``weights @ models.means`` with its standard error; ``weights`` is (c, m).

    Where a model with fewer than ``ENOUGH_SEEDS`` takes part, the variance is that over reviews alone: too little is
    known about its other seeds. ``extra_variance`` is added to the variance over reviews: one review in n more or
    less, so that two models that happened to predict alike are not called equal with certainty. The degrees of
    freedom are Satterthwaite's (1946), with the seeds' part multiplied by ``SEEDS_COUNT``.
    """
    examples = np.einsum("ci,ij,cj->c", weights, models.examples, weights, optimize=True) + extra_variance
    squared = weights**2
    few_seeds = (squared @ (models.counts < ENOUGH_SEEDS)) > 0
    seeds = np.where(few_seeds[:, None], 0.0, squared * models.seeds)  # (c, m)
    # May be less than the scatter over reviews alone, where the seeds happened to agree: keeping the larger of both
    # would be right more often than it says (98.5-99 of 100 times for three seeds that do not differ).
    known = np.maximum(examples - np.where(few_seeds, 0.0, squared @ models.interaction), 0.0)
    standard_error, degrees_of_freedom = with_estimated_seeds(known, seeds, models.counts)
    return Contrasts(weights @ models.means, standard_error, degrees_of_freedom)


def with_estimated_seeds(known: np.ndarray, seeds: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard error and degrees of freedom, each (c,), of sums of a known variance and an estimated one per model.

    ``known`` (c,) is the variance over reviews, ``seeds`` (c, m) the part of each model's seeds, estimated from
    ``counts`` (m,) of them.
    """
    total = seeds.sum(axis=1)
    doubt = ((SEEDS_COUNT * seeds) ** 2 / np.maximum(counts - 1, 1)).sum(axis=1)
    degrees_of_freedom = (SEEDS_COUNT * total + known) ** 2 / np.where(doubt > 0, doubt, 1.0)
    degrees_of_freedom = np.where(doubt > 0, np.minimum(degrees_of_freedom, KNOWN), KNOWN)
    return np.sqrt(known + total), degrees_of_freedom


def intervals(combinations: Contrasts, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends of each combination's t interval, each (c,)."""
    half = stdtrit(combinations.degrees_of_freedom, 0.5 + level / 2) * combinations.standard_error
    return combinations.values - half, combinations.values + half


def p_values(combinations: Contrasts) -> np.ndarray:
    """Two-sided p that the combination is 0, (c,); below 1 - level exactly where the interval excludes 0."""
    values, error, degrees_of_freedom = combinations
    distance = np.abs(values) / np.where(error > 0, error, 1.0)
    return np.where(error > 0, 2 * stdtr(degrees_of_freedom, -distance), np.where(values == 0, 1.0, 0.0))


def bounded_intervals(combinations: Contrasts, n: int, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends for scores in 0..1, each (c,): Wilson's interval with the effective number of reviews.

    A score p with variance v is as uncertain as p (1 - p) / v independent reviews (Korn & Graubard 1998 for surveys);
    ``n`` where all predictions were right or all wrong. The interval stays inside 0..1 and never collapses to zero
    width.
    """
    spread = combinations.values * (1 - combinations.values)
    variance = combinations.standard_error**2
    effective = np.where((spread > 0) & (variance > 0), spread / np.where(variance > 0, variance, 1.0), n)
    return wilson(combinations.values, effective, stdtrit(combinations.degrees_of_freedom, 0.5 + level / 2))


def wilson(fraction: np.ndarray, n: np.ndarray, quantile: np.ndarray | float = NORMAL) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends for fractions of ``n`` independent predictions (Wilson 1927)."""
    squared = quantile**2 / n
    middle = (fraction + squared / 2) / (1 + squared)
    half = np.sqrt(squared * (fraction * (1 - fraction) + squared / 4)) / (1 + squared)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def minimum_detectable_difference(
    combinations: Contrasts, alpha: np.ndarray | float = 1 - LEVEL, power: float = POWER
) -> np.ndarray:
    """The true difference that a two-sided test at ``alpha`` finds with probability ``power``, (c,).

    It is taken from the standard errors of this experiment and holds for this experiment alone.
    """
    return np.asarray(
        (
            stdtrit(combinations.degrees_of_freedom, 1 - np.asarray(alpha) / 2)
            + stdtrit(combinations.degrees_of_freedom, power)
        )
        * combinations.standard_error
    )
