"""A line of scores against the logarithm of the number of parameters."""

from __future__ import annotations

import math

import numpy as np

DOUBLINGS_PER_DECADE = math.log2(10)


def slope_weights(parameters: np.ndarray) -> np.ndarray:
    """The least-squares slope per doubling as weights of the scores, (m,): it is linear in them.

    ``parameters`` (m,) hold at least two different numbers; ValueError otherwise. The slope's interval
    (``interval.contrasts``) is for these sizes with other seeds and other reviews, not for sizes in between or beyond:
    that would take a law that holds exactly.
    """
    distance = np.log2(parameters) - np.log2(parameters).mean()
    if not np.ptp(distance) > 0:
        raise ValueError("a slope needs two sizes")
    return np.asarray(distance / (distance**2).sum())


def line(parameters: np.ndarray, scores: np.ndarray) -> tuple[float, float, float | None]:
    """Score at one parameter, slope per doubling, and root mean square distance from the line (None for two sizes)."""
    x = np.log2(parameters)
    slope = float(slope_weights(parameters) @ scores)
    start = float(scores.mean() - slope * x.mean())
    left = scores - (start + slope * x)
    return start, slope, float(np.sqrt(np.mean(left**2))) if len(np.unique(parameters)) > 2 else None
