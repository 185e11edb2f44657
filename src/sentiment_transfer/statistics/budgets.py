"""At how many labels a curve over label budgets reaches a level: an estimate, and what the runs cannot rule out.

Between two budgets the curve is taken to be a straight line over the logarithm of their size, so what it is less the
level is a linear combination of means at any number of labels in between, with an interval of its own. The numbers at
which that interval holds 0 are the confidence set of the crossing (a test inverted, as Fieller 1954 does for a ratio).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression

from sentiment_transfer.statistics.interval import contrasts, intervals
from sentiment_transfer.statistics.resampling import Scored
from sentiment_transfer.statistics.variance import Variances, variances

STEPS = 200  # numbers of labels that are tried between the smallest and the largest budget
Runs = Mapping[tuple[int, int], Scored]  # (seed, draw) -> one run, all on the same reviews


class Crossing(NamedTuple):
    """Where a curve reaches a level, in labels; None where it is beyond the smallest or the largest budget."""

    estimate: float | None
    low: float | None
    high: float | None
    above: bool  # the curve is worse than the level at every budget, by its means
    surely_above: bool  # and that is certain
    surely_below: bool  # the curve is certainly better at every budget


def over_runs(models: Sequence[Runs]) -> Variances:
    """Means over runs of several models, with what other seeds and other draws would change.

    Where every draw has a seed of its own the two are one. Where seeds and draws are crossed, the variances of both
    means are added, which counts the share that belongs to neither twice: on the safe side.
    """
    found = variances([joined(runs) for runs in models])
    for place, runs in enumerate(models):
        values = {key: float(scored.values[0]) for key, scored in runs.items()}
        levels = [sorted({key[factor] for key in values}) for factor in (0, 1)]
        crossed = all(1 < len(of) < len(values) for of in levels)
        if crossed:
            means = [
                [np.mean([value for key, value in values.items() if key[factor] == level]) for level in of]
                for factor, of in enumerate(levels)
            ]
            found.seeds[place] = sum(np.var(of, ddof=1) / len(of) for of in means)
            found.interaction[place] = 0.0
            found.counts[place] = min(map(len, levels))
    return found


def joined(runs: Runs) -> Scored:
    """The runs of one model, one after the other: (runs,) and (runs, draws)."""
    return Scored(
        np.concatenate([scored.values for scored in runs.values()]),
        np.concatenate([scored.replicates for scored in runs.values()]),
    )


def crossing(sizes: Sequence[int], curve: Sequence[Runs], level: Runs, n: int, *, lower_is_better: bool) -> Crossing:
    """The number of labels at which ``curve`` is as good as ``level``.

    ``sizes`` are the labels of each of its budgets, ascending, two or more; ``n`` is the number of test reviews. For
    the estimate the means are made monotone first (more labels of the same draw do no harm, but for the noise).
    """
    found = over_runs([*curve, level])
    sign = 1.0 if lower_is_better else -1.0
    places = np.log2(np.asarray(sizes, dtype=float))
    tried = np.unique(np.concatenate([np.linspace(places[0], places[-1], STEPS), places]))
    weights = np.stack(
        [*(np.interp(tried, places, unit) for unit in np.eye(len(places))), np.full(len(tried), -1.0)], 1
    )
    low, high = intervals(contrasts(sign * weights, found, smallest=1 / n**2))
    open_below, open_above = low <= 0, high >= 0  # not certainly worse; not certainly better
    excess = isotonic_regression(sign * (found.means[:-1] - found.means[-1]), increasing=False).x
    return Crossing(
        estimate=_zero(places, excess),
        low=None if open_below[0] or not open_below.any() else float(2 ** tried[np.argmax(open_below)]),
        high=None if open_above[-1] or not open_above.any() else float(2 ** tried[np.flatnonzero(open_above)[-1]]),
        above=bool(excess[-1] > 0),
        surely_above=not open_below.any(),
        surely_below=not open_above.any(),
    )


def _zero(places: np.ndarray, excess: np.ndarray) -> float | None:
    """Where a line that falls through ``excess`` (k,) is 0, as a number of labels."""
    if excess[0] < 0 or excess[-1] > 0:
        return None
    after = int(np.argmax(excess <= 0))
    if after == 0:
        return float(2 ** places[0])
    share = excess[after - 1] / (excess[after - 1] - excess[after])
    return float(2 ** (places[after - 1] + share * (places[after] - places[after - 1])))
