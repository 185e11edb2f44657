"""Texts as token ids for the network, and the reason where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sentiment_transfer.data.tokens import cut

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

AT_ONCE = 1_000  # texts that the tokenizer's threads share: more hold more memory and are no faster

EMPTY = "empty text"
NOT_TEXT = "not text"
UNDECODABLE = "undecodable text"


def why_unusable(text: object) -> str:
    """Why there can be no answer to ``text``; empty where there can. Lone surrogates stand for undecodable bytes."""
    if text is None:
        return EMPTY
    if not isinstance(text, str):
        return NOT_TEXT
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return UNDECODABLE
    return "" if text.strip() else EMPTY


def token_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int) -> list[np.ndarray]:
    """The ids (length,) int32 of each text, cut as in training."""
    return [
        cut(ids, max_length)
        for begin in range(0, len(texts), AT_ONCE)
        for ids in _whole(tokenizer, list(texts[begin : begin + AT_ONCE]))
    ]


def _whole(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:  # a slow tokenizer
        return tokenizer(texts, verbose=False)["input_ids"]
    # The ids alone: transformers' own call builds masks, types and offsets in Python, 1.6 times as long.
    backend.no_truncation()
    backend.no_padding()
    return [encoding.ids for encoding in backend.encode_batch_fast(texts)]
