"""The number of labels at which a curve over label budgets reaches a level: an estimate with its confidence set.

Between two budgets the curve is taken to be a straight line over the logarithm of their size, so its distance
from the level is a linear combination of means at any number of labels in between, with an interval. The numbers of
labels at which that interval contains 0 are the confidence set of the crossing (an inverted test, as in Fieller 1954
for a ratio).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression

from sentiment_transfer.statistics.interval import Variances, contrasts, intervals, variances
from sentiment_transfer.statistics.resampling import Scored

STEPS = 200  # grid points between the smallest and the largest budget
Runs = Mapping[tuple[int, int], Scored]  # (seed, sample seed) -> one run, all on the same reviews


class Crossing(NamedTuple):
    """Where a curve reaches a level, in labels; None where it is beyond the smallest or the largest budget."""

    estimate: float | None
    low: float | None
    high: float | None
    above: bool  # the curve is worse than the level at every budget, by its means
    surely_above: bool  # the intervals exclude the level at every budget, the curve being worse
    surely_below: bool  # the same, the curve being better


def over_runs(models: Sequence[Runs]) -> Variances:
    """Means over runs of several models, with the variance over other seeds, other samples and other reviews.

    Where each sample of examples goes with one seed, the two are one factor. Where seeds and samples are crossed, the
    variances of both means are added, which counts the interaction twice and errs on the wide side.
    """
    totals = variances([_joined(runs) for runs in models])
    for place, runs in enumerate(models):
        values = {key: float(scored.values[0]) for key, scored in runs.items()}
        levels = [sorted({key[factor] for key in values}) for factor in (0, 1)]
        crossed = all(1 < len(level) < len(values) for level in levels)
        if crossed:
            means = [
                [np.mean([value for key, value in values.items() if key[factor] == level]) for level in levels[factor]]
                for factor in (0, 1)
            ]
            totals.seeds[place] = sum(np.var(level_means, ddof=1) / len(level_means) for level_means in means)
            totals.interaction[place] = 0.0
            totals.counts[place] = min(map(len, levels))
    return totals


def _joined(runs: Runs) -> Scored:
    """The runs of one model together: (runs,) and (runs, draws)."""
    return Scored(
        np.concatenate([scored.values for scored in runs.values()]),
        np.concatenate([scored.replicates for scored in runs.values()]),
    )


def crossing(sizes: Sequence[int], curve: Sequence[Runs], level: Runs, n: int, *, lower_is_better: bool) -> Crossing:
    """The number of labels at which ``curve`` is as good as ``level``.

    ``sizes`` are the labels of each of its budgets, ascending, two or more; ``n`` is the number of test reviews. For
    the estimate the means are made monotone first (isotonic regression): a drop with more labels is taken for noise.
    """
    models = over_runs([*curve, level])
    sign = 1.0 if lower_is_better else -1.0
    places = np.log2(np.asarray(sizes, dtype=float))
    grid = np.unique(np.concatenate([np.linspace(places[0], places[-1], STEPS), places]))
    weights = np.stack([*(np.interp(grid, places, unit) for unit in np.eye(len(places))), np.full(len(grid), -1.0)], 1)
    low, high = intervals(contrasts(sign * weights, models, extra_variance=1 / n**2))
    open_below, open_above = low <= 0, high >= 0  # not certainly worse; not certainly better
    excess = isotonic_regression(sign * (models.means[:-1] - models.means[-1]), increasing=False).x
    return Crossing(
        estimate=_zero(places, excess),
        low=None if open_below[0] or not open_below.any() else float(2 ** grid[np.argmax(open_below)]),
        high=None if open_above[-1] or not open_above.any() else float(2 ** grid[np.flatnonzero(open_above)[-1]]),
        above=bool(excess[-1] > 0),
        surely_above=not open_below.any(),
        surely_below=not open_above.any(),
    )


def _zero(places: np.ndarray, excess: np.ndarray) -> float | None:
    """The number of labels at which the falling line through ``excess`` (k,) is 0."""
    if excess[0] < 0 or excess[-1] > 0:
        return None
    after = int(np.argmax(excess <= 0))
    if after == 0:
        return float(2 ** places[0])
    fraction = excess[after - 1] / (excess[after - 1] - excess[after])
    return float(2 ** (places[after - 1] + fraction * (places[after] - places[after - 1])))
