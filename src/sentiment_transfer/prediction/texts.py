"""Texts as they are given, and as a network takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_transfer.data.tokenising import in_bounded_time
from sentiment_transfer.data.tokens import cut
from sentiment_transfer.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


TOKENISED_AT_ONCE = 1_000  # texts that the tokenizer's threads share: more take more memory and are no faster

EMPTY = "empty text"
NOT_TEXT = "not text"
UNDECODABLE = "undecodable text"


def unusable_reason(text: object) -> str:
    """Why ``text`` cannot be classified; empty if it can. Lone surrogates stand for undecodable bytes."""
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


def text_list(texts: Any) -> list[Any]:
    """The texts of a list, a Series or an array, with None where one is missing (NaN, NA).

    Raises UserError for a table, naming its columns, and for what holds no texts.
    """
    columns = getattr(texts, "columns", None)
    if columns is None:
        columns = getattr(texts, "column_names", None)
    if columns is not None:
        names = [str(name) for name in columns]
        raise UserError(
            f"The texts are a {type(texts).__name__} with the columns {', '.join(names) or '(none)'}: name that of "
            f"the texts, predict(frame[{(names or ['review'])[0]!r}])."
        )
    if isinstance(texts, bytes | Mapping) or not isinstance(texts, Iterable):
        raise UserError(f"The texts are a {type(texts).__name__}: give a list of texts, or a single text.")
    return [None if is_missing(text) else text for text in texts]


def index_of(texts: Any) -> Any:
    """The index of a pandas Series; None of other texts."""
    index = getattr(texts, "index", None)  # a method of lists
    return None if index is None or callable(index) or not hasattr(texts, "iloc") else index


def is_missing(text: object) -> bool:
    """Whether a value stands for a missing text in a DataFrame: NaN, or pandas' NA and NaT."""
    return (isinstance(text, float) and text != text) or type(text).__name__ in ("NAType", "NaTType")


def token_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int) -> list[np.ndarray]:
    """The token ids of each text, (length,) int32, truncated as in training."""
    return [
        cut(ids, max_length)
        for begin in range(0, len(texts), TOKENISED_AT_ONCE)
        for ids in _untruncated(tokenizer, list(texts[begin : begin + TOKENISED_AT_ONCE]))
    ]


def _untruncated(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:  # a slow tokenizer
        return tokenizer(texts, verbose=False)["input_ids"]
    # The ids alone: transformers' own call builds masks, types and offsets in Python, 1.6 times as long.
    backend.no_truncation()
    backend.no_padding()
    return [encoding.ids for encoding in in_bounded_time(partial(backend.encode_batch_fast, texts), texts)]
