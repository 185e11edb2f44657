"""Intervals and tests for means over seeds and for anything linear in them: differences, slopes, gaps.

With three to five seeds, the percentiles of a bootstrap that draws seeds are too narrow (``benchmarks/coverage.py``
measures it), because three numbers say little about their own variance. So reviews are resampled and seeds enter
through Student's t, with Satterthwaite's degrees of freedom for a sum of variances, of which that of the reviews is
known well and that of the seeds badly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from sentiment_transfer.statistics.variance import Variances

LEVEL = 0.95
POWER = 0.8
NORMAL = float(ndtri(0.5 + LEVEL / 2))
KNOWN = 1e6  # degrees of freedom of a variance that is as good as known
# The seeds' part counts this many times when the degrees of freedom are taken. Estimated from the variances
# themselves, they are too many just when the seeds happened to agree; with three seeds of one model, nominal 95 %
# then cover down to 92 %. Two and a half times brings them to 93.8-97.2 %, and false claims below 5 % also where one of
# three models' seeds differ ten times as much as the others' (4.7 % of 10,000 simulated experiments; twice: 5.2 %).
SEEDS_COUNT = 2.5


class Contrasts(NamedTuple):
    """Linear combinations of means with standard error and degrees of freedom, each (c,)."""

    values: np.ndarray
    standard_error: np.ndarray
    degrees_of_freedom: np.ndarray


def contrasts(weights: np.ndarray, of: Variances, smallest: float = 0.0) -> Contrasts:
    """``weights @ of.means``; ``weights`` is (c, m).

    Where a model with one seed takes part, the variance is that over reviews alone: nothing is known about its
    other seeds. ``smallest`` is a variance added to that over reviews: one review in n more or less, so that two
    models that happened to answer alike are not called the same beyond doubt.
    """
    examples = np.einsum("ci,ij,cj->c", weights, of.examples, weights, optimize=True) + smallest
    squared = weights**2
    one_seed = (squared @ (of.counts == 1)) > 0
    seeds = np.where(one_seed[:, None], 0.0, squared * of.seeds)  # (c, m)
    # May be less than the scatter over reviews alone, where the seeds happened to agree: keeping the larger of both
    # would be right more often than it says (98.5-99 of 100 times for three seeds that do not differ).
    known = np.maximum(examples - np.where(one_seed, 0.0, squared @ of.interaction), 0.0)
    total = seeds.sum(axis=1)
    doubt = ((SEEDS_COUNT * seeds) ** 2 / np.maximum(of.counts - 1, 1)).sum(axis=1)
    degrees_of_freedom = (SEEDS_COUNT * total + known) ** 2 / np.where(doubt > 0, doubt, 1.0)
    degrees_of_freedom = np.where(doubt > 0, np.minimum(degrees_of_freedom, KNOWN), KNOWN)
    return Contrasts(weights @ of.means, np.sqrt(known + total), degrees_of_freedom)


def intervals(of: Contrasts, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends, each (c,)."""
    half = stdtrit(of.degrees_of_freedom, 0.5 + level / 2) * of.standard_error
    return of.values - half, of.values + half


def p_values(of: Contrasts) -> np.ndarray:
    """Two-sided, that the combination is 0, (c,); below 1 - level just where the interval leaves 0 out."""
    distance = np.abs(of.values) / np.where(of.standard_error > 0, of.standard_error, 1.0)
    return np.where(
        of.standard_error > 0, 2 * stdtr(of.degrees_of_freedom, -distance), np.where(of.values == 0, 1.0, 0.0)
    )


def bounded_intervals(of: Contrasts, n: int, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends for scores in 0..1, each (c,): Wilson's interval with the effective number of reviews.

    A score p with variance v is as uncertain as p (1 - p) / v independent reviews (Korn & Graubard 1998 for surveys);
    ``n`` where all answers were right or all wrong. Stays inside 0..1 and has a width where nothing went wrong.
    """
    spread = of.values * (1 - of.values)
    variance = of.standard_error**2
    effective = np.where((spread > 0) & (variance > 0), spread / np.where(variance > 0, variance, 1.0), n)
    return wilson(of.values, effective, stdtrit(of.degrees_of_freedom, 0.5 + level / 2))


def wilson(share: np.ndarray, n: np.ndarray, quantile: np.ndarray | float = NORMAL) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends for shares of ``n`` independent answers (Wilson 1927)."""
    squared = quantile**2 / n
    middle = (share + squared / 2) / (1 + squared)
    half = np.sqrt(squared * (share * (1 - share) + squared / 4)) / (1 + squared)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def minimum_detectable_difference(
    of: Contrasts, alpha: np.ndarray | float = 1 - LEVEL, power: float = POWER
) -> np.ndarray:
    """The true difference that a two-sided test at ``alpha`` finds with probability ``power``, (c,).

    From the standard errors that were found: what this experiment could have shown, not what another one would.
    """
    return np.asarray(
        (stdtrit(of.degrees_of_freedom, 1 - np.asarray(alpha) / 2) + stdtrit(of.degrees_of_freedom, power))
        * of.standard_error
    )
