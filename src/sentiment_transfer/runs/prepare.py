"""Prepare a run: read and tokenise its texts, and build the classifier for them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from sentiment_transfer.config.schema import Config
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.vocabulary import tokens_of, trim_vocabulary
from sentiment_transfer.runs.build import make_classifier, make_data, make_tokenizer, memory_needed
from sentiment_transfer.runs.source_model import SourceModel
from sentiment_transfer.training.ranks import ALONE, Ranks

log = logging.getLogger(__name__)


class Parts(NamedTuple):
    data: TransferDataModule
    tokenizer: PreTrainedTokenizerBase
    module: SentimentClassifier


def prepare_training(config: Config, ranks: Ranks = ALONE, start: SourceModel | None = None) -> Parts:
    """The parts of a run, with the weights of ``start`` if given.

    Raises UserError if there is nothing to score, or if the run does not fit into memory, before anything large is
    allocated.
    """
    data = make_data(config, ranks)
    with ranks.main_process_first():  # it downloads and tokenises into the cache for the others
        tokenizer = _tokenised(config, data, start.folder if start else None)
        kept_token_ids = _kept_token_ids(config, data, tokenizer)
        if ranks.is_main:
            log.info("%s", memory_needed(config, data, tokenizer, kept_token_ids, ranks.world_size))
    return Parts(data, tokenizer, _classifier(config, data, tokenizer, kept_token_ids, start))


def prepare_scoring(config: Config, trained: Path) -> Parts:
    """The parts of the run in the directory ``trained``; its weights are not loaded."""
    data = make_data(config)
    tokenizer = _tokenised(config, data, trained)
    return Parts(data, tokenizer, _classifier(config, data, tokenizer, _kept_token_ids(config, data, tokenizer)))


def _tokenised(config: Config, data: TransferDataModule, trained: Path | None) -> PreTrainedTokenizerBase:
    data.read()
    refuse_nothing_to_score(
        data,
        "There is nothing to score the trained model on: the source has no test split, and no target is named or "
        "available. Name one, e.g. targets=indonesian.",
    )
    tokenizer = make_tokenizer(config, data, trained)
    data.tokenise(tokenizer)
    return tokenizer


def refuse_nothing_to_score(data: TransferDataModule, sentence: str) -> None:
    """Raise UserError if no test set was read, with the reason for each target."""
    if not data.test_sets:
        reasons = "".join(f" {name}: {reason}" for name, reason in data.unavailable.items())
        raise UserError(f"{sentence}{reasons}")


def _kept_token_ids(config: Config, data: TransferDataModule, tokenizer: PreTrainedTokenizerBase) -> Tensor | None:
    """(n,) int64, ascending: the tokens whose embedding rows are kept, None for all."""
    return tokens_of(data.stores, tokenizer) if config.model.trim_vocabulary else None


def _classifier(
    config: Config,
    data: TransferDataModule,
    tokenizer: PreTrainedTokenizerBase,
    kept_token_ids: Tensor | None,
    start: SourceModel | None = None,
) -> SentimentClassifier:
    module = make_classifier(config, data, tokenizer)
    data.packed = module.packed is not None
    if start:
        start.load_into(module.network)
    if kept_token_ids is not None:
        trim_vocabulary(module.network, kept_token_ids)
    return module
