"""Tests of two models and of many at once."""

from __future__ import annotations

import numpy as np
from scipy.special import bdtr


def pairs(m: int) -> np.ndarray:
    """The weights of ``second - first`` for every pair of m models, (m (m - 1) / 2, m); first before second."""
    first, second = np.triu_indices(m, k=1)
    weights = np.zeros((len(first), m))
    weights[np.arange(len(first)), first] = -1
    weights[np.arange(len(first)), second] = 1
    return weights


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> tuple[int, int, float]:
    """Reviews that only the first, and only the second, answered rightly, and the exact two-sided p of their balance.

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
    """Adjusted p-values, (m,): those below 0.05 hold together with at most 5 % risk of one false among them.

    Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(holm_factors(p)[order] * p[order]), 1.0)
    return adjusted


def holm_factors(p: np.ndarray) -> np.ndarray:
    """What Holm multiplies each p-value by, (m,): m for the smallest, 1 for the largest."""
    ranks = np.argsort(np.argsort(p, kind="stable"), kind="stable")
    return np.asarray(len(p) - ranks)
