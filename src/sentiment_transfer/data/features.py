"""Properties of reviews that need no model: length, tokens, script, domain and tag, of each and of all.

Special tokens are never counted. An unknown token counts as not seen in training, since its text was not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.scripts import script_of
from sentiment_transfer.data.tokens import TokenStore

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class TokenKinds:
    """Which ids of a tokenizer stand for no text.

    Attributes:
        special: ids of special tokens, without the unknown token's.
        unknown: the id of the unknown token; None where every text has tokens.
        added: special tokens that a text gets.
    """

    special: tuple[int, ...]
    unknown: int | None
    added: int


def token_kinds(tokenizer: PreTrainedTokenizerBase) -> TokenKinds:
    unknown = tokenizer.unk_token_id
    special = tuple(sorted(set(tokenizer.all_special_ids) - {unknown}))
    return TokenKinds(special, unknown, len(tokenizer("")["input_ids"]))


def occurring(stores: Sequence[TokenStore]) -> np.ndarray:
    """The ids that occur in ``stores``, as (largest id + 1,) bool."""
    found = np.zeros(1 + max(int(store.tokens.max(initial=0)) for store in stores), dtype=bool)
    for store in stores:
        found[store.tokens] = True
    return found


@dataclass(frozen=True)
class TokenCounts:
    """Tokens of n reviews by kind, each (n,) int64, within the maximum length but for ``full``."""

    text: np.ndarray  # without special tokens
    unknown: np.ndarray
    seen: np.ndarray | None  # that occur in the training texts; None where these are not known
    full: np.ndarray  # before truncation, without special tokens


def count_tokens(store: TokenStore, kinds: TokenKinds, trained_on: np.ndarray | None) -> TokenCounts:
    """The tokens of ``store`` by kind; ``trained_on`` is ``occurring`` of the training texts' stores."""
    ids = np.asarray(store.tokens)
    text = ~np.isin(ids, kinds.special)
    unknown = ids == kinds.unknown if kinds.unknown is not None else np.zeros(len(ids), dtype=bool)
    seen = None
    if trained_on is not None:
        within = ids < len(trained_on)
        seen = text & ~unknown & within & trained_on[np.where(within, ids, 0)]
    return TokenCounts(
        text=_per_review(text, store),
        unknown=_per_review(unknown, store),
        seen=None if seen is None else _per_review(seen, store),
        full=np.maximum(np.asarray(store.full_lengths, dtype=np.int64) - kinds.added, 0),
    )


def _per_review(chosen: np.ndarray, store: TokenStore) -> np.ndarray:
    sums = np.concatenate([[0], np.cumsum(chosen, dtype=np.int64)])
    return sums[store.offsets[1:]] - sums[store.offsets[:-1]]


def token_shares(counts: TokenCounts, characters: np.ndarray) -> dict[str, float | None]:
    """``seen`` and ``unknown``, shares of the tokens of all reviews, and ``per_character``, tokens per character."""
    tokens = max(1, int(counts.text.sum()))
    return {
        "seen": None if counts.seen is None else int(counts.seen.sum()) / tokens,
        "per_character": int(counts.full.sum()) / max(1, int(characters.sum())),
        "unknown": int(counts.unknown.sum()) / tokens,
    }


def characters_of(reviews: Reviews) -> np.ndarray:  # (n,) int64
    return np.fromiter((len(text) for batch in reviews.text_batches() for text in batch), np.int64, len(reviews))


def review_features(
    reviews: Reviews,
    counts: TokenCounts,
    characters: np.ndarray,
    domains: Mapping[str, str],
    tags: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """The columns of a predictions file beside the answers, each (n,): see ``results.predictions.FEATURES``.

    ``seen`` is NaN for a review without tokens, and for all where the training texts are not known. ``domains`` and
    ``tags`` are those of single reviews, by id.
    """
    seen = np.full(len(reviews), np.nan, dtype=np.float32)
    if counts.seen is not None:
        np.divide(counts.seen, counts.text, out=seen, where=counts.text > 0, casting="unsafe")
    ids = reviews.ids
    scripts = [script_of(text, reviews.language) for batch in reviews.text_batches() for text in batch]
    return {
        "characters": characters.astype(np.int32),
        "tokens": counts.full.astype(np.int32),
        "seen": seen,
        "script": np.array(scripts, dtype=object),
        "domain": np.array([domains.get(each, reviews.domain) for each in ids], dtype=object),
        "tag": np.array([tags.get(each) for each in ids], dtype=object),
    }
