"""The tokenizer and the classifier that a run's configuration asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase

from sentiment_transfer.config.model_options import Weights
from sentiment_transfer.config.objective_options import CrossEntropyConfig
from sentiment_transfer.config.protocol import starts_from_source_run
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.typed import plain
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.device import choose_accelerator, choose_precision
from sentiment_transfer.model.network import encoder_location, load_network, longest_input
from sentiment_transfer.model.objective import Loss, make_loss, refuse_unusable
from sentiment_transfer.model.tokenizer import BUILTIN, load_tokenizer, vocabulary_size
from sentiment_transfer.model.ulmfit.classifier import UlmfitClassifier
from sentiment_transfer.runs.language_stage import corpora, is_ulmfit, sizes
from sentiment_transfer.training.trainer import parts_per_step

SCRATCH = BUILTIN + "scratch"


def make_tokenizer(config: Config, data: TransferDataModule, source: Path | None = None) -> PreTrainedTokenizerBase:
    """The run's tokenizer.

    ``builtin:scratch`` learns its own from the training texts, which must be read, or uses that of the ``source`` run
    whose weights it starts from.
    """
    learnt_before = source is not None and config.model.encoder == SCRATCH and config.model.tokenizer is None
    learnt_from = [*(s.reviews for s in data.train_sets), *corpora(config, data)]
    return load_tokenizer(
        encoder_of(config),
        tokenizer=f"{source}/model" if learnt_before else config.model.tokenizer,
        revision=config.model.revision,
        texts=(text for reviews in learnt_from for batch in reviews.text_batches() for text in batch),
    )


def make_classifier(
    config: Config, data: TransferDataModule, tokenizer: PreTrainedTokenizerBase, *, pretrained: bool = True
) -> SentimentClassifier:
    """The encoder with its head; not ``pretrained``, for the weights of a run. Raises UserError where
    ``data.max_length`` is more than it has positions for."""
    network = load_network(
        encoder_of(config),
        classes=data.classes,
        vocabulary=vocabulary_size(tokenizer),
        seed=config.seed if config.model.init_seed is None else config.model.init_seed,
        revision=config.model.revision,
        random_weights=config.model.weights == Weights.random,
        dropout=config.model.dropout,
        freeze_embeddings=config.model.freeze_embeddings,
        gradient_checkpointing=config.model.gradient_checkpointing,
        lora_rank=config.model.lora_rank,
        layers=config.model.layers,
        sizes=sizes(config.model, tokenizer),
        pooling=None if config.model.pooling is None else config.model.pooling.name,
        frozen=config.model.freeze,
        reinit_top=config.model.reinit_top if pretrained else None,  # a run's layers have been trained since
    )
    longest = longest_input(network)
    if longest is not None and config.data.max_length > longest:
        raise UserError(
            f"data.max_length={config.data.max_length} is more than the {longest} tokens that {config.model.encoder} "
            f"has positions for: use data.max_length={longest} or less."
        )
    learning_rate = config.optimizer.learning_rate
    if starts_from_source_run(config) and config.protocol.learning_rate is not None:
        learning_rate = config.protocol.learning_rate
    kind = UlmfitClassifier if is_ulmfit(config.model) else SentimentClassifier
    return kind(
        network,
        classes=data.classes,
        seed=config.seed,
        learning_rate=learning_rate,
        weight_decay=config.optimizer.weight_decay,
        warmup_ratio=config.optimizer.warmup_ratio,
        optimizer=config.optimizer,
        schedule=config.schedule,
        layer_decay=config.optimizer.layer_decay,
        loss=training_loss(config, data),
        dev_names=[s.name for s in data.dev_sets],
        packed=config.trainer.packed,
        cache_dir=config.paths.cache_dir,
    )


def training_loss(config: Config, data: TransferDataModule) -> Loss | None:
    """The loss of training; None for the mean cross-entropy, and where nothing is trained."""
    if config.loss == CrossEntropyConfig() or not data.train_sets:
        return None
    labels = np.concatenate([s.reviews.labels for s in data.train_sets])[data.epoch_rows]
    return make_loss(config.loss, data.classes, np.bincount(labels, minlength=len(data.classes)).tolist())


def refuse_unusable_objective(config: Config, devices: int = 1) -> None:
    """Raise UserError where the optimiser, the schedule or the loss cannot be made or cannot be used in this run."""
    trainer = config.trainer
    refuse_unusable(
        config.optimizer,
        config.schedule,
        config.loss,
        precision=choose_precision(trainer.precision, choose_accelerator(trainer.accelerator)),
        fsdp=trainer.strategy == "fsdp",
        cut=parts_per_step(trainer, devices) * devices > 1,
    )


def encoder_of(config: Config) -> str:
    return encoder_location(plain(config.model), config.paths.cache_dir)
