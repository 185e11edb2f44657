"""The experiment that would show a difference: how many seeds, or test reviews, it takes.

A plan takes the variances found in an experiment for the true ones. More seeds divide the variance between seeds and
the interaction; the variance over reviews stays, so below some difference no number of seeds is enough. The test is the
report's (``interval.contrasts``), and its power is averaged over the variances that the planned seeds may show: with
two or three seeds these differ so much from the true one that the power at the true one is up to 15 points off.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import lru_cache

import numpy as np
from scipy.special import chdtri, ndtr, ndtri, stdtrit

from sentiment_transfer.statistics.interval import ENOUGH_SEEDS, LEVEL, POWER, Variances, with_estimated_seeds

MOST_SEEDS = 200  # larger plans are not told apart
DRAWS = 250  # of the variances between the planned seeds; 1,000 change the number by one in a hundred


def seeds_needed(
    models: Variances,
    weights: np.ndarray,
    true_difference: float,
    alpha: float = 1 - LEVEL,
    power: float = POWER,
    extra_variance: float = 0.0,
) -> int | None:
    """The smallest number of seeds, equal for all models, at which ``weights @ models.means`` would be significant.

    It is found with probability ``power`` by a two-sided test at ``alpha`` if it is truly ``true_difference``.
    ``weights`` is (m,); models of weight 0 take no part. ``extra_variance`` as in ``interval.contrasts``.

    The number is 2 or more, and ``MOST_SEEDS + 1`` where it takes more than ``MOST_SEEDS``. None where infinitely many
    seeds would not be enough, because there are too few test reviews: see ``smallest_with_any_seeds`` and
    ``reviews_needed``.

    Raises ValueError where a model has one seed: its variance between seeds is unknown.
    """
    reviews, seeds = _variance_parts(models, weights, extra_variance)
    aim = abs(true_difference)
    if aim <= _normal_quantiles(alpha, power) * math.sqrt(reviews):
        return None
    counts = range(ENOUGH_SEEDS, MOST_SEEDS + 1)
    return ENOUGH_SEEDS + bisect_left(
        counts, power, key=lambda count: _power(aim, reviews, seeds / count, count, alpha)
    )


def _power(aim: float, reviews: float, seeds: np.ndarray, count: int, alpha: float) -> float:
    """The probability that a true difference of ``aim`` is significant with ``count`` seeds per model.

    ``reviews`` is the variance over reviews, ``seeds`` (m,) the true variance of the mean of each model's seeds.
    """
    shown = seeds * _shown_variances(count, len(seeds))
    standard_error, degrees_of_freedom = with_estimated_seeds(
        np.full(len(shown), reviews), shown, np.full(len(seeds), count)
    )
    bound = stdtrit(degrees_of_freedom, 1 - alpha / 2) * standard_error
    true_error = math.sqrt(reviews + seeds.sum())
    if true_error == 0:
        return float(aim > 0)
    return float(np.mean(ndtr((aim - bound) / true_error) + ndtr((-aim - bound) / true_error)))


@lru_cache(maxsize=MOST_SEEDS)
def _shown_variances(count: int, models: int) -> np.ndarray:
    """The variance that ``count`` seeds show / the true one, (draws, models): every quantile once per model."""
    ratios = chdtri(count - 1, (np.arange(DRAWS) + 0.5) / DRAWS) / (count - 1)
    return np.random.default_rng(0).permuted(np.tile(ratios, (models, 1)), axis=1).T


def smallest_with_any_seeds(
    models: Variances,
    weights: np.ndarray,
    alpha: float = 1 - LEVEL,
    power: float = POWER,
    extra_variance: float = 0.0,
) -> float:
    """The smallest true difference that these test reviews would show with infinitely many seeds, as a fraction.

    Arguments and errors as in ``seeds_needed``.
    """
    reviews, _ = _variance_parts(models, weights, extra_variance)
    return _normal_quantiles(alpha, power) * math.sqrt(reviews)


def reviews_needed(
    models: Variances,
    weights: np.ndarray,
    true_difference: float,
    n: int,
    alpha: float = 1 - LEVEL,
    power: float = POWER,
) -> int:
    """The number of test reviews below which no number of seeds would show ``true_difference``, which is not 0.

    ``n`` reviews are those that ``models`` were scored on; the variance over reviews falls as 1/n. With finitely many
    seeds it takes more. Other arguments and errors as in ``seeds_needed``.
    """
    smallest = smallest_with_any_seeds(models, weights, alpha, power)
    return math.ceil(n * (smallest / true_difference) ** 2)


def _variance_parts(models: Variances, weights: np.ndarray, extra_variance: float) -> tuple[float, np.ndarray]:
    """The contrast's variance over reviews alone, and that between single seeds of each model that takes part."""
    taking_part = np.flatnonzero(weights)
    if (models.counts[taking_part] < 2).any():
        raise ValueError("a plan needs two seeds of every model: one says nothing about other seeds")
    squared = np.square(weights)
    reviews = weights @ models.examples @ weights - squared @ models.interaction + extra_variance
    return max(float(reviews), 0.0), (squared * models.seeds * models.counts)[taking_part]


def _normal_quantiles(alpha: float, power: float) -> float:
    return float(ndtri(1 - alpha / 2) + ndtri(power))
