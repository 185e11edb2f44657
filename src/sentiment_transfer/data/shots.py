"""Labelled reviews of a target in the training data: which of them are used, and how often in an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sentiment_transfer.data.audit import EMPTY, row_keys
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.errors import UserError

SHOTS = "protocol.shots"


@dataclass(frozen=True)
class Labelled:
    """The labels of one dataset that a run trains on.

    Attributes:
        name: the dataset: a target, or the source if it is the only training data.
        shots: reviews per class; None for the whole training split.
        sample_seed: of the sample of ``shots`` reviews.
        alone: the run trains on these reviews only (after an earlier run on the source, if there is one).
        rows_per_epoch: with ``alone``, repeat the reviews until an epoch has at least this many rows.
        fraction: without ``alone``, repeat the reviews until they are about this fraction of an epoch.
        option: that sets ``shots``, for messages.
    """

    name: str
    shots: int | None = None
    sample_seed: int = 0
    alone: bool = False
    rows_per_epoch: int = 0
    fraction: float | None = None
    option: str = SHOTS


def few_examples(train: Reviews, test: Reviews, labelled: Labelled) -> Reviews:
    """``shots`` reviews of every class of ``train``, in file order.

    Samples are nested: of the same ``sample_seed``, a larger one contains a smaller one, so that a curve over ``shots``
    is paired. No text occurs twice, or in ``test`` (case, width and punctuation folded).
    Raises UserError if a class has fewer.
    """
    assert labelled.shots is not None
    keys = row_keys(train)
    first = np.zeros(len(train), dtype=bool)
    first[np.unique(keys, return_index=True)[1]] = True
    free = first & (keys != EMPTY) & ~np.isin(keys, row_keys(test))
    drawn = []
    for label, name in enumerate(train.classes):
        rows = np.flatnonzero(free & (train.labels == label))
        if len(rows) < labelled.shots:
            whole = ", or leave it out: protocol=supervised and protocol=joint take the whole split"
            raise UserError(
                f"{labelled.option}={labelled.shots} is more than {labelled.name} has: its training split holds "
                f"{len(rows):,} different {name} reviews that are not in the test set. Use at most that many"
                f"{whole if labelled.option == SHOTS else ''}."
            )
        drawn.append(np.random.default_rng([labelled.sample_seed, label]).permutation(rows)[: labelled.shots])
    return train.take(np.sort(np.concatenate(drawn)))


def epoch_rows(names: Sequence[str], sizes: Sequence[int], labelled: Labelled | None) -> np.ndarray:
    """The rows of one epoch over several training splits, (n,) int64 into their concatenation: each once, unless
    ``labelled`` repeats or omits some."""
    if labelled is None or (labelled.shots is None and labelled.fraction is None):
        return np.arange(sum(sizes))
    ends = np.cumsum(sizes)
    index = names.index(labelled.name)
    own = np.arange(ends[index] - sizes[index], ends[index])
    if labelled.alone:
        return np.tile(own, max(1, -(-labelled.rows_per_epoch // len(own))))
    others = np.setdiff1d(np.arange(ends[-1]), own)
    fraction = labelled.fraction or 0.0
    return np.concatenate([others, np.tile(own, max(1, round(fraction / (1 - fraction) * len(others) / len(own))))])
