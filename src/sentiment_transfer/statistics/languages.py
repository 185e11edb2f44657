"""A line over languages: error against typological distance, where the languages are a sample as well.

A mean error on a language is a level, plus the slope times the language's distance, plus an effect of the language
itself, plus effects of seeds and reviews, on all languages or on this one. The scatter of the languages around the line
holds everything that differs by language without regard to distance: the language's own effect, and those of seeds and
reviews in it. So the interval is Student's t with two degrees of freedom fewer than there are languages. Effects that
all languages share, such as the error on the reference, move the level and cancel in the slope.

The scatter cannot hold what goes *with* distance: a seed that transfers worse the farther it goes, or reviews that are
hard in far languages only. Seeds and resampled reviews show it, as more variance along the line than across it, and
this excess is added (as in the quasi-F of languages crossed with seeds). ``benchmarks/coverage_over_languages.py``
measures how often the intervals hold the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from sentiment_transfer.statistics.interval import ENOUGH_SEEDS, KNOWN, LEVEL, SEEDS_COUNT, Contrasts
from sentiment_transfer.statistics.resampling import Scored

LEAST_LANGUAGES = 4  # the fewest that were simulated: three on a line by luck would be called certain
FEW_LANGUAGES = 6  # below, t is so large that only very steep lines are shown
# Few languages may lie on a line by luck, and the interval would be narrower than seeds and reviews alone allow. It
# keeps at least the half-width of their 80 % interval: of 95 %, it would hold the truth in up to 98.7 % where languages
# do not differ, of 80 %, in up to 97.5 %.
FLOOR = float(ndtri(0.9))

Scores = Sequence[Scored]  # of one model, one per language, with the same seeds in the same order


class LanguageLine(NamedTuple):
    """A straight line over distance.

    With one seed its uncertainty is that over languages and reviews, for this network: that other seeds may have
    another slope is not known.
    """

    slope: Contrasts  # one: the change of the score per unit of distance
    intercept: float  # at distance 0, which no language has: extrapolated
    tau: float  # standard deviation of languages around the line beyond seeds and reviews; 0 where these explain it


class _Scatter(NamedTuple):
    """The mean of each language, and how they vary around their line."""

    means: np.ndarray  # (languages,)
    observed: float  # mean square of the languages around the line
    explained: float  # the part of it that seeds and reviews would make by themselves


def line_over_languages(distances: np.ndarray, models: Sequence[Scores], weights: np.ndarray) -> LanguageLine:
    """The least-squares line of ``weights @ models`` over ``distances``.

    ``distances`` is (languages,); ``weights`` (m,) is ``[1.0]`` for one model, ``comparisons.slope_weights(sizes)`` for
    the change per doubling of size. Languages with the same reviews (parallel test sets) share their resamples.

    Raises ValueError for fewer than four languages, or where all are equally far.
    """
    scatter = _scatter(distances, models, weights)
    slope = _along(_steepness(distances)[None], models, weights, scatter)
    return LanguageLine(
        slope=slope,
        intercept=float(scatter.means.mean() - slope.values[0] * distances.mean()),
        tau=float(np.sqrt(max(scatter.observed - scatter.explained, 0.0))),
    )


def line_at(at: np.ndarray, distances: np.ndarray, models: Sequence[Scores], weights: np.ndarray) -> Contrasts:
    """The height of the same line at the distances ``at`` (c,): the mean of all languages that far, not one of them."""
    directions = 1 / len(distances) + np.outer(at - distances.mean(), _steepness(distances))
    return _along(directions, models, weights, _scatter(distances, models, weights))


def _steepness(distances: np.ndarray) -> np.ndarray:
    """The slope as weights of the languages' means, (languages,)."""
    centred = distances - distances.mean()
    return np.asarray(centred / (centred**2).sum())


def _scatter(distances: np.ndarray, models: Sequence[Scores], weights: np.ndarray) -> _Scatter:
    count = len(distances)
    if count < LEAST_LANGUAGES or not np.ptp(distances) > 0:
        raise ValueError(f"a line over languages needs {LEAST_LANGUAGES} of them, not all equally far")
    across = np.linalg.qr(np.column_stack([np.ones(count), distances]), mode="complete")[0].T[2:]
    means = np.array([[scored.values.mean() for scored in model] for model in models])
    combined = weights @ means
    return _Scatter(
        means=combined,
        observed=float(np.mean((across @ combined) ** 2)),
        explained=float(_variance(across, models, weights)[0].mean()),
    )


def _along(directions: np.ndarray, models: Sequence[Scores], weights: np.ndarray, scatter: _Scatter) -> Contrasts:
    """Combinations of the languages' means, (c, languages), which contain nothing across the line.

    The degrees of freedom are Satterthwaite's (1946), with the seeds' part counted ``SEEDS_COUNT`` times.
    """
    languages = len(scatter.means)
    lengths = (directions**2).sum(axis=1)
    along, doubt = _variance(directions, models, weights)
    of_languages = lengths * scatter.observed
    excess = np.maximum(along - lengths * scatter.explained, 0.0)
    total = of_languages + excess
    squares = of_languages**2 / (languages - 2) + np.where(excess > 0, SEEDS_COUNT**2 * doubt, 0.0)
    counted = of_languages + SEEDS_COUNT * excess
    freedom = np.minimum(np.where(squares > 0, counted**2 / np.where(squares > 0, squares, 1.0), KNOWN), KNOWN)
    error = np.sqrt(total)
    lucky = stdtrit(freedom, 0.5 + LEVEL / 2) * error < FLOOR * np.sqrt(along)
    freedom = np.where(lucky, languages - 2, freedom)
    error = np.where(lucky, FLOOR * np.sqrt(along) / stdtrit(freedom, 0.5 + LEVEL / 2), error)
    return Contrasts(directions @ scatter.means, error, freedom)


def _variance(directions: np.ndarray, models: Sequence[Scores], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The variance over seeds and reviews of combinations of the languages' means, (c,), as in ``interval.py``.

    With it the sum of the squares of the seeds' parts, each over its degrees of freedom.
    """
    replicates: np.ndarray = np.zeros(())
    seeds, interaction, squares = np.zeros((3, len(directions)))
    for model, weight in zip(models, weights, strict=True):
        values = directions @ np.stack([scored.values for scored in model])  # (c, seeds)
        draws = np.tensordot(directions, np.stack([scored.replicates for scored in model]), axes=1)  # (c, seeds, draws)
        mean, count = draws.mean(axis=1), values.shape[1]
        replicates = replicates + weight * mean
        if count > 1:
            of_seeds = weight**2 * values.var(axis=1, ddof=1) / count
            own = (draws - mean[:, None]).var(axis=2, ddof=1).sum(axis=1) / (count - 1)
            seeds = seeds + of_seeds
            interaction = interaction + weight**2 * own / count
            squares = squares + of_seeds**2 / (count - 1)
    examples = replicates.var(axis=1, ddof=1)
    if min(len(model[0].values) for model in models) < ENOUGH_SEEDS:
        return examples, np.zeros(len(directions))
    return np.maximum(examples - interaction, 0.0) + seeds, squares
