"""Labelled reviews of a target as a part of what a run trains on: which of them, and how often each in an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sentiment_transfer.data.audit import EMPTY, row_keys
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.errors import UserError


@dataclass(frozen=True)
class Labelled:
    """What a run may know of the labels of one dataset.

    Args:
        name: the dataset: a target, or the source where it is trained on alone.
        shots: reviews per class; None for the whole training split.
        sample_seed: which of them, where ``shots`` are named.
        alone: the run goes through these reviews and no others; a source's are those of an earlier run.
        rows_per_epoch: where ``alone``, repeat the reviews until an epoch has at least so many.
        share: where not ``alone``, repeat the reviews until they are about this share of an epoch.
    """

    name: str
    shots: int | None = None
    sample_seed: int = 0
    alone: bool = False
    rows_per_epoch: int = 0
    share: float | None = None


def few_examples(train: Reviews, test: Reviews, labelled: Labelled) -> Reviews:
    """``shots`` reviews of every class of ``train``, in file order.

    Draws are nested: the first reviews of a larger one are those of a smaller one of the same ``draw``, so that a curve
    over ``shots`` is paired. No text is drawn twice, and none that ``test`` holds (case, width and punctuation folded).
    Raises UserError where a class has fewer.
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
            raise UserError(
                f"protocol.shots={labelled.shots} is more than {labelled.name} has: its training split holds "
                f"{len(rows):,} different {name} reviews that are not in the test set. Use at most that many, or "
                "leave protocol.shots out: protocol=supervised and protocol=joint take the whole split."
            )
        drawn.append(np.random.default_rng([labelled.sample_seed, label]).permutation(rows)[: labelled.shots])
    return train.take(np.sort(np.concatenate(drawn)))


def epoch_rows(names: Sequence[str], sizes: Sequence[int], labelled: Labelled | None) -> np.ndarray:
    """The rows of one epoch over several sets, counted through all of them, (n,) int64: each once, unless ``labelled``
    has some repeated or others left out."""
    if labelled is None or (labelled.shots is None and labelled.share is None):
        return np.arange(sum(sizes))
    ends = np.cumsum(sizes)
    place = names.index(labelled.name)
    own = np.arange(ends[place] - sizes[place], ends[place])
    if labelled.alone:
        return np.tile(own, max(1, -(-labelled.rows_per_epoch // len(own))))
    others = np.setdiff1d(np.arange(ends[-1]), own)
    share = labelled.share or 0.0
    return np.concatenate([others, np.tile(own, max(1, round(share / (1 - share) * len(others) / len(own))))])
