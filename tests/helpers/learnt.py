"""A tokenizer for tests, learnt from the written reviews in all three languages."""

from __future__ import annotations

from copy import deepcopy
from functools import cache

from transformers import PreTrainedTokenizerBase

from sentiment_transfer.data.catalog import WRITTEN_LANGUAGES
from sentiment_transfer.data.written_reviews import written_rows
from sentiment_transfer.model.tokenizer import train_tokenizer


@cache
def _learnt() -> PreTrainedTokenizerBase:
    return train_tokenizer(row.text for language in WRITTEN_LANGUAGES for row in written_rows(language))


def learnt_tokenizer() -> PreTrainedTokenizerBase:
    """One of its own for every caller, who may change it."""
    return deepcopy(_learnt())
