"""The splits that a run uses, and what the audit says of all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sentiment_transfer.data.audit import audit_overlap, audit_split
from sentiment_transfer.data.base import Split
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.tokens import TokenStore


@dataclass(frozen=True)
class ReviewSet:
    """One split of one dataset as a run uses it: its reviews and, once tokenised, their tokens."""

    name: str
    split: Split
    reviews: Reviews
    tokens: TokenStore | None = None


Keys = Mapping[tuple[str, str], np.ndarray]  # (dataset, split) -> row_keys


def audit_sets(train: Sequence[ReviewSet], scored: Sequence[ReviewSet], keys: Keys) -> dict[str, Any]:
    """``splits`` {dataset: {split: ...}} and ``overlaps`` of every training split with every scored one."""
    splits: dict[str, dict[str, Any]] = {}
    for s in [*train, *scored]:
        splits.setdefault(s.name, {})[s.split] = audit_split(s.reviews, keys[s.name, s.split]).to_dict()
    overlaps = [
        {"train": of.name, "scored": other.name, "split": other.split}
        | audit_overlap(of.reviews, other.reviews, keys[of.name, of.split], keys[other.name, other.split]).to_dict()
        for of in train
        for other in scored
    ]
    return {"splits": splits, "overlaps": overlaps}
