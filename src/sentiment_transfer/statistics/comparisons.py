"""Tests of two models, and of a family of contrasts at once; the weights of pairs and of trends over size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import bdtr

from sentiment_transfer.statistics.interval import (
    Contrasts,
    intervals,
    minimum_detectable_difference,
    p_values,
)

ALPHA = 0.05


class ContrastTest(NamedTuple):
    """One contrast of a family that was tested together."""

    value: float
    low: float  # of its own 95 % interval, not adjusted for the family
    high: float
    p: float  # two-sided, below ALPHA exactly where the interval excludes 0
    p_holm: float  # adjusted for the family
    level: float  # that Holm's procedure asked of it: ALPHA for the largest p, less for the others
    minimum_detectable_difference: float  # with 80 % power at that level
    family_size: int


def family_tests(groups: Sequence[Contrasts]) -> list[ContrastTest]:
    """Every contrast of ``groups``, in their order, tested as one family with Holm's correction; none of no groups."""
    if not groups:
        return []
    family = Contrasts(*(np.concatenate(parts) for parts in zip(*groups, strict=True)))
    p = p_values(family)
    levels = ALPHA / holm_factors(p)
    detectable = minimum_detectable_difference(family, levels)
    columns = np.stack([family.values, *intervals(family), p, holm(p), levels, detectable])
    return [ContrastTest._make([*row, len(p)]) for row in columns.T.tolist()]


def pairs(m: int) -> np.ndarray:
    """The weights of ``second - first`` for every pair of m models, (m (m - 1) / 2, m); first before second."""
    first, second = np.triu_indices(m, k=1)
    weights = np.zeros((len(first), m))
    weights[np.arange(len(first)), first] = -1
    weights[np.arange(len(first)), second] = 1
    return weights


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> tuple[int, int, float]:
    """Reviews that only the first, and only the second, got right, and the exact two-sided p of their balance.

    ``first_right``, ``second_right`` are (n,) bool on the same reviews. The p is binomial (McNemar 1947 in its exact
    form): it tests two trained networks, not two ways of training.
    """
    only_first = int(np.sum(first_right & ~second_right))
    only_second = int(np.sum(second_right & ~first_right))
    discordant = only_first + only_second
    if discordant == 0:
        return 0, 0, 1.0
    return only_first, only_second, min(1.0, 2 * float(bdtr(min(only_first, only_second), discordant, 0.5)))


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values, (m,), which control the family-wise error rate.

    Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(holm_factors(p)[order] * p[order]), 1.0)
    return adjusted


def holm_factors(p: np.ndarray) -> np.ndarray:
    """The factors of Holm's p-values, (m,): m for the smallest, 1 for the largest."""
    ranks = np.argsort(np.argsort(p, kind="stable"), kind="stable")
    return np.asarray(len(p) - ranks)


def slope_weights(sizes: np.ndarray) -> np.ndarray:
    """The least-squares slope per doubling as weights of the scores, (m,): it is linear in them.

    ``sizes`` (m,) are parameters or layers. The slope's interval (``interval.contrasts``) is for these sizes with
    other seeds and other reviews, not for sizes in between or beyond: that would take a law that holds exactly.

    Raises ValueError unless at least two sizes differ.
    """
    distance = np.log2(sizes) - np.log2(sizes).mean()
    if not np.ptp(distance) > 0:
        raise ValueError("a slope needs two sizes")
    return np.asarray(distance / (distance**2).sum())
