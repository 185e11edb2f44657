"""What a run needs before it trains or scores: texts read and tokenised, and the classifier that takes them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

from omegaconf import DictConfig
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.vocabulary import kept_token_ids, trim_vocabulary
from sentiment_transfer.runs.build import make_classifier, make_data, make_tokenizer, memory_needed
from sentiment_transfer.runs.source_model import SourceModel
from sentiment_transfer.training.ranks import ALONE, Ranks

log = logging.getLogger(__name__)


class Parts(NamedTuple):
    data: TransferDataModule
    tokenizer: PreTrainedTokenizerBase
    module: SentimentClassifier


def prepare_training(config: DictConfig, ranks: Ranks = ALONE, start: SourceModel | None = None) -> Parts:
    """The parts of a run, which goes on from the weights of ``start`` where it is given.

    Raises UserError where there is nothing to score, or where it cannot fit into memory, before anything large is
    allocated.
    """
    data = make_data(config, ranks)
    with ranks.main_process_first():  # what it downloads and tokenises, the others find in the cache
        tokenizer = _tokenised(config, data, start.folder if start else None)
        kept_tokens = _kept_token_ids(config, data, tokenizer)
        if ranks.is_main:
            log.info("%s", memory_needed(config, data, tokenizer, kept_tokens, ranks.world_size))
    return Parts(data, tokenizer, _classifier(config, data, tokenizer, kept_tokens, start))


def prepare_scoring(config: DictConfig, trained: Path) -> Parts:
    """The parts of a run that was ``trained`` in that directory; its weights are not loaded."""
    data = make_data(config)
    tokenizer = _tokenised(config, data, trained)
    return Parts(data, tokenizer, _classifier(config, data, tokenizer, _kept_token_ids(config, data, tokenizer)))


def _tokenised(config: DictConfig, data: TransferDataModule, trained: Path | None) -> PreTrainedTokenizerBase:
    data.read()
    if not data.test_sets:
        reasons = "".join(f" {name}: {reason}" for name, reason in data.unavailable.items())
        raise UserError(
            "There is nothing to score the trained model on: the source has no test split, and no target is named or "
            f"can be had. Name one, e.g. targets=indonesian.{reasons}"
        )
    tokenizer = make_tokenizer(config, data, trained)
    data.tokenise(tokenizer)
    return tokenizer


def _kept_token_ids(config: DictConfig, data: TransferDataModule, tokenizer: PreTrainedTokenizerBase) -> Tensor | None:
    """(n,) int64, ascending: the tokens whose embedding rows are kept, None for all."""
    return kept_token_ids(data.stores, tokenizer) if config.model.trim_vocabulary else None


def _classifier(
    config: DictConfig,
    data: TransferDataModule,
    tokenizer: PreTrainedTokenizerBase,
    kept_tokens: Tensor | None,
    start: SourceModel | None = None,
) -> SentimentClassifier:
    module = make_classifier(config, data, tokenizer)
    data.packed = module.packed is not None
    if start:
        start.load_into(module.network)
    if kept_tokens is not None:
        trim_vocabulary(module.network, kept_tokens)
    return module
