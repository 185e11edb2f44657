"""Metrics on resampled test reviews, all runs at once, as matrix products of resampling weights and 0/1 columns.

A resample gives each review the weight with which it was drawn. Error, accuracy and F1 are ratios of sums over
reviews, so one product of the weights (draws, n) with the columns "right" or "predicted as c" of all runs (n, runs)
holds every resample of every run. Runs on the same reviews share the weights: their differences are paired.

Weights are Poisson with mean 1 rather than multinomial: rows are independent, so a test set of any length is processed
in blocks, and the ratios above differ from multinomial ones by O(1/n) (Hanley & MacGibbon 2006).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

DRAWS = 2000  # the standard error of a bootstrap standard error is then 1.6 %
BLOCK = 8192  # reviews at a time: 64 MB of weights
EVERY = None  # the "class" that every review belongs to: its F1 is the accuracy


class Scored(NamedTuple):
    """A metric of several runs on the same reviews."""

    values: np.ndarray  # (runs,) on the reviews as they are
    replicates: np.ndarray  # (runs, draws) on resampled reviews


def resample(
    gold: np.ndarray,  # (n,) int, index of the class
    predicted: np.ndarray,  # (runs, n) int
    metric: str,
    classes: int,
    *,
    positive: int,  # index of the class that f1_positive is of
    folds: np.ndarray | None = None,  # (n,) int: the metric is the mean over folds, reviews are drawn within each
    draws: int = DRAWS,
    seed: int = 0,  # the same reviews with the same seed give the same resamples in another call
) -> Scored:
    """``metric`` (a key of ``metrics.Scores``) of each run, on the reviews and on ``draws`` resamples of them.

    With ``folds`` it is computed per fold and then averaged, as IndoLEM's number is published (Koto et al. 2020).
    """
    blocks = [np.arange(len(gold))] if folds is None else [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    generator = np.random.default_rng(seed)
    per_fold = [
        _resample_fold(gold[rows], predicted[:, rows], metric, classes, positive, draws, generator) for rows in blocks
    ]
    return Scored(np.mean([s.values for s in per_fold], axis=0), np.mean([s.replicates for s in per_fold], axis=0))


def _resample_fold(
    gold: np.ndarray,
    predicted: np.ndarray,
    metric: str,
    classes: int,
    positive: int,
    draws: int,
    generator: np.random.Generator,
) -> Scored:
    """The first row of the weights is all ones: the reviews as they are."""
    names: list[int | None] = _class_sets(metric, classes, positive)
    hits = np.zeros((len(names), draws + 1, len(predicted)), dtype=np.float32)
    named = np.zeros_like(hits)  # gold and predicted, added up
    for rows in _row_blocks(len(gold)):
        weights = np.vstack([np.ones((1, len(rows)), np.float32), poisson_weights(generator, draws, len(rows))])
        predictions = predicted[:, rows].T
        correct = predictions == gold[rows, None]
        for index, name in enumerate(names):
            if name is EVERY:
                hits[index] += weights @ correct.astype(np.float32)
                named[index] += 2 * weights.sum(axis=1, keepdims=True)
                continue
            in_class = gold[rows] == name
            hits[index] += weights @ (correct & in_class[:, None]).astype(np.float32)
            named[index] += weights @ (predictions == name).astype(np.float32)
            named[index] += (weights @ in_class.astype(np.float32))[:, None]
    scores = mean_f1(hits, named).T.astype(np.float64)
    if metric == "error":
        scores = 1 - scores
    return Scored(scores[:, 0], scores[:, 1:])


def mean_f1(hits: np.ndarray, named: np.ndarray) -> np.ndarray:
    """Mean over the first axis of ``2 hits / named``, leaving out classes that occur neither in gold nor predicted."""
    occurs = named > 0
    f1 = 2 * hits / np.where(occurs, named, 1)
    return np.asarray(f1.sum(axis=0) / np.maximum(occurs.sum(axis=0), 1))


def _class_sets(metric: str, classes: int, positive: int) -> list[int | None]:
    if metric in ("error", "accuracy"):
        return [EVERY]
    if metric == "macro_f1":
        return list(range(classes))
    if metric in ("f1_positive", "f1_positive_mean_folds"):
        return [positive]
    raise ValueError(f"no resampling of {metric}")


def resample_confusion(
    confusion: np.ndarray,  # (classes, classes) counts, rows gold
    metric: str,
    *,
    positive: int,
    value: float,  # the metric itself, where folds cannot be told from the confusion matrix
    draws: int = DRAWS,
    seed: int = 0,
) -> Scored:
    """One run's metric on resampled reviews of which only the counts are known, around ``value``.

    Without the predictions of single reviews, nothing can be paired. Counts vary by their square roots; calls with the
    same ``seed`` vary them together, as if all runs had erred on the same reviews, which gives the widest interval.
    """
    normal = np.random.default_rng(seed).standard_normal((draws, *confusion.shape))
    counts = np.maximum(confusion + np.sqrt(confusion) * normal, 0.0)
    counts = np.concatenate([confusion[None].astype(float), counts])
    if metric in ("error", "accuracy"):
        hits, named = counts.trace(axis1=1, axis2=2)[None], 2 * counts.sum(axis=(1, 2))[None]
    else:
        hits = np.diagonal(counts, axis1=1, axis2=2).T
        named = counts.sum(axis=1).T + counts.sum(axis=2).T
        chosen = slice(None) if metric == "macro_f1" else slice(positive, positive + 1)
        hits, named = hits[chosen], named[chosen]
    scores = mean_f1(hits, named)
    scores = 1 - scores if metric == "error" else scores
    return Scored(np.array([value]), (value + scores[1:] - scores[0])[None])


def _row_blocks(n: int) -> Iterator[np.ndarray]:
    for start in range(0, n, BLOCK):
        yield np.arange(start, min(start + BLOCK, n))


def poisson_weights(generator: np.random.Generator, draws: int, n: int) -> np.ndarray:
    """Independent Poisson(1) weights, (draws, n) float32.

    Looked up from 16 random bits each, 6 times as fast as ``Generator.poisson``; rounding the probabilities to
    2**-16 moves mean and variance by less than 1e-4.
    """
    return _POISSON[generator.integers(0, 1 << 16, size=(draws, n), dtype=np.uint16)]


def _poisson_table() -> np.ndarray:
    """Value of a Poisson(1) variable for each of 2**16 equally likely numbers, float32."""
    cumulative = np.cumsum([math.exp(-1) / math.factorial(k) for k in range(10)])
    return np.searchsorted(cumulative, (np.arange(1 << 16) + 0.5) / (1 << 16)).astype(np.float32)


_POISSON = _poisson_table()
