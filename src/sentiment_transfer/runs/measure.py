"""Measurements of a run's test sets apart from the model's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from sentiment_transfer.data.base import ReviewSet
from sentiment_transfer.data.features import (
    characters_of,
    count_tokens,
    occurring,
    review_features,
    token_kinds,
    token_shares,
)
from sentiment_transfer.data.tokens import token_store, tokenizer_digest
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.results.record import RunResult, Tokens, size_caveat

SPLITS = {"train": "training", "dev": "development", "test": "test"}  # in a caveat


@dataclass(frozen=True)
class Measured:
    """A test set's token shares, and the columns FEATURES of its predictions, each (n,)."""

    tokens: Tokens
    features: dict[str, np.ndarray]


def measure(split: ReviewSet, data: TransferDataModule, trained_on: np.ndarray | None) -> Measured:
    """Measure a tokenised test set of ``data``; ``trained_on`` are the ids in the source's training texts."""
    assert split.tokens is not None and data.tokenizer is not None
    counts = count_tokens(split.tokens, token_kinds(data.tokenizer), trained_on)
    characters = characters_of(split.reviews)
    module = data.source[split.name] if split.name in data.source else data.targets[split.name]
    return Measured(
        tokens=cast(Tokens, token_shares(counts, characters)),
        features=review_features(split.reviews, counts, characters, module.domains(), module.tags()),
    )


def size_caveats(sets: Sequence[ReviewSet]) -> list[str]:
    """The caveats about splits of which the user has a part."""
    return [
        size_caveat(s.name, SPLITS[s.split], len(s.reviews), s.reviews.part_of)
        for s in sets
        if s.reviews.part_of is not None
    ]


def source_tokens(data: TransferDataModule) -> np.ndarray | None:
    """The token ids in the source's training texts, (largest id + 1,) bool; None if nothing is trained on them."""
    stores = [s.tokens for s in data.train_sets if s.name in data.source and s.tokens is not None]
    return occurring(stores) if stores else None


def recorded_source_tokens(data: TransferDataModule, trained: RunResult | None) -> np.ndarray | None:
    """The same of the training texts of an earlier run, whose sources are those of ``data``.

    None if they cannot be read, or are not as many as the run was trained on (a few of each class).
    """
    if trained is None or not data.source or data.tokenizer is None:
        return None
    digest, stores = tokenizer_digest(data.tokenizer), []
    for name, module in data.source.items():
        reviews = module.reviews("train")
        entry = trained["scores"].get(name)
        if entry and "label_budget" in entry and entry["label_budget"]["total"] != len(reviews):
            return None
        max_length = trained["config"]["data"]["max_length"]
        stores.append(token_store(reviews, data.tokenizer, max_length, data.cache_dir, digest))
    return occurring(stores)
