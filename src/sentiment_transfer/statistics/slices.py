"""Errors on slices of a test set, and their differences from the rest of it.

An error is a mean over reviews, so that resampling the reviews infinitely often has a closed form: a variance over
reviews, divided by their number. Seeds, reviews and their interaction are crossed as in ``interval``. All sums below
add up over disjoint reviews, so that the rest of a test set is the whole less the slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sentiment_transfer.statistics.interval import Contrasts, Variances, contrasts

SMALLEST = 30  # reviews: a slice, or a rest, of fewer is not tested


class Errors(NamedTuple):
    """The errors of several models (``m``) on one group of reviews, as sums over the reviews."""

    n: int
    wrong: tuple[np.ndarray, ...]  # of each model, (seeds,): wrong predictions
    products: np.ndarray  # (m, m) of the fractions of two models' seeds that are wrong on a review

    def without(self, part: Errors) -> Errors:
        """The errors on the other reviews."""
        wrong = tuple(whole - inside for whole, inside in zip(self.wrong, part.wrong, strict=True))
        return Errors(self.n - part.n, wrong, self.products - part.products)

    @property
    def large_enough(self) -> bool:
        return self.n >= SMALLEST

    @property
    def by_seed(self) -> list[np.ndarray]:
        """The error of each model's seeds, (seeds,) each."""
        return [wrong / self.n for wrong in self.wrong]


def errors(wrong: Sequence[np.ndarray], groups: np.ndarray) -> list[Errors]:
    """The errors on each group of reviews.

    ``wrong`` holds a model's predictions each, (seeds, n) bool, all on the same reviews; ``groups`` is (k, n) bool.
    """
    members = groups.astype(np.float32).T  # (n, k)
    counts = [(model.astype(np.float32) @ members).astype(np.float64) for model in wrong]  # whole numbers
    fractions = np.stack([model.mean(axis=0) for model in wrong])  # (m, n)
    return [
        Errors(
            int(inside.sum()),
            tuple(of_model[:, place] for of_model in counts),
            fractions[:, inside] @ fractions[:, inside].T,
        )
        for place, inside in enumerate(groups)
    ]


def covariance(group: Errors) -> np.ndarray:
    """Of the models' fractions of wrong seeds over single reviews, (m, m)."""
    means = np.array([by_seed.mean() for by_seed in group.by_seed])
    return np.asarray((group.products - group.n * np.outer(means, means)) / max(group.n - 1, 1))


def variances(group: Errors) -> Variances:
    """Each model's error on the group, a mean over seeds, with the parts of its variance."""
    by_seed = group.by_seed
    counts = np.array([len(values) for values in by_seed])
    return Variances(
        means=np.array([values.mean() for values in by_seed]),
        examples=covariance(group) / group.n,
        seeds=_variances_between(by_seed) / counts,
        interaction=_interaction(group) / counts,
        counts=counts,
    )


def differences(slice_: Errors, rest: Errors) -> Variances:
    """Each model's error on a slice less that on the rest: of the same networks, on other reviews."""
    inside, outside = variances(slice_), variances(rest)
    by_seed = [one - other for one, other in zip(slice_.by_seed, rest.by_seed, strict=True)]
    return Variances(
        means=inside.means - outside.means,
        examples=inside.examples + outside.examples,
        seeds=_variances_between(by_seed) / inside.counts,
        interaction=inside.interaction + outside.interaction,
        counts=inside.counts,
    )


def difference_contrasts(weights: np.ndarray, slice_: Errors, rest: Errors, whole: Errors) -> Contrasts:
    """``weights`` (c, m) of the models' differences between a slice and the rest of ``whole``.

    The variance over reviews is at least that over all reviews of the test set: a small slice without a single error
    has a variance of 0, and would be called different by mistake.
    """
    over_all = covariance(whole)
    missing = [np.maximum(_quadratic(weights, over_all - covariance(part)), 0.0) / part.n for part in (slice_, rest)]
    return contrasts(weights, differences(slice_, rest), extra_variance=1 / slice_.n**2 + missing[0] + missing[1])


def _quadratic(weights: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return np.asarray(((weights @ matrix) * weights).sum(axis=1))


def _variances_between(by_seed: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([values.var(ddof=1) if len(values) > 1 else 0.0 for values in by_seed])


def _interaction(group: Errors) -> np.ndarray:
    """Seed x review variance of a single seed's error, (m,); 0 for one seed."""
    parts = np.zeros(len(group.wrong))
    for model, (wrong, by_seed) in enumerate(zip(group.wrong, group.by_seed, strict=True)):
        if len(wrong) > 1:
            # A prediction is 0 or 1: the sum of its squares is that of the predictions.
            squares = wrong.sum() - len(wrong) * group.products[model, model]
            own = squares / group.n - ((by_seed - by_seed.mean()) ** 2).sum()
            parts[model] = own / (len(wrong) - 1) / group.n
    return np.maximum(parts, 0.0)
