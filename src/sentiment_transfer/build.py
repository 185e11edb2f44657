"""From a run's configuration to its parts: data, tokenizer, classifier."""

from __future__ import annotations

import numpy as np
from omegaconf import DictConfig
from transformers import PreTrainedTokenizerBase

from sentiment_transfer.config import Weights
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.datasets import make_dataset
from sentiment_transfer.device import choose_accelerator, choose_precision
from sentiment_transfer.errors import OutOfMemory, UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.memory import GIB, Recipe, available, need, runs_at_once, what_would_fit
from sentiment_transfer.model.network import load_network, longest_input, outline
from sentiment_transfer.model.packed.network import why_padded
from sentiment_transfer.model.tokenizer import BUILTIN, load_tokenizer
from sentiment_transfer.model.vocabulary import tokens_of

SCRATCH = BUILTIN + "scratch"


def make_data(config: DictConfig) -> TransferDataModule:
    """The source and targets of a run; nothing is read yet."""
    groups = [
        {
            name: make_dataset(
                str(name),
                dataset,
                data_dir=config.paths.data_dir,
                cache_dir=config.paths.cache_dir,
                seed=config.data.seed,
            )
            for name, dataset in group.items()
        }
        for group in (config.source, config.targets)
    ]
    return TransferDataModule(
        *groups,
        batch_size=config.trainer.batch_size,
        accumulate=config.trainer.accumulate * config.trainer.memory_split,
        max_length=config.data.max_length,
        seed=config.seed,
        dedup=config.data.dedup,
        oracle=config.trainer.oracle,
        targets_required=config.data.targets_required,
        score_batch_tokens=max(1, config.data.score_batch_tokens // config.trainer.memory_split),
        num_workers=config.data.num_workers,
        cache_dir=config.paths.cache_dir,
    )


def make_tokenizer(config: DictConfig, data: TransferDataModule) -> PreTrainedTokenizerBase:
    """The run's tokenizer; ``builtin:scratch`` learns its own from the training texts, which must be read."""
    return load_tokenizer(
        config.model.encoder,
        tokenizer=config.model.tokenizer,
        revision=config.model.revision,
        texts=(text for s in data.train_sets for batch in s.reviews.text_batches() for text in batch),
    )


def make_classifier(
    config: DictConfig, data: TransferDataModule, tokenizer: PreTrainedTokenizerBase
) -> SentimentClassifier:
    """The encoder with its head. Raises UserError where ``data.max_length`` is more than it has positions for."""
    network = load_network(
        config.model.encoder,
        classes=data.classes,
        vocabulary=len(tokenizer),
        seed=config.seed,
        revision=config.model.revision,
        random_weights=config.model.weights == Weights.random,
        dropout=config.model.dropout,
        freeze_embeddings=config.model.freeze_embeddings,
        gradient_checkpointing=config.model.gradient_checkpointing,
        lora_rank=config.model.lora_rank,
    )
    longest = longest_input(network)
    if longest is not None and config.data.max_length > longest:
        raise UserError(
            f"data.max_length={config.data.max_length} is more than the {longest} tokens that {config.model.encoder} "
            f"has positions for: use data.max_length={longest} or less."
        )
    return SentimentClassifier(
        network,
        classes=data.classes,
        seed=config.seed,
        learning_rate=config.optimizer.learning_rate,
        weight_decay=config.optimizer.weight_decay,
        warmup_ratio=config.optimizer.warmup_ratio,
        betas=(config.optimizer.beta1, config.optimizer.beta2),
        eps=config.optimizer.eps,
        dev_names=[s.name for s in data.dev_sets],
        packed=config.trainer.packed,
        cache_dir=config.paths.cache_dir,
    )


def memory_needed(config: DictConfig, data: TransferDataModule, tokenizer: PreTrainedTokenizerBase) -> str:
    """What training needs and what there is, as a sentence. Raises UserError where it cannot fit, with what would.

    The data must be tokenised; the network is not loaded for it.
    """
    network = outline(
        config.model.encoder, classes=data.classes, vocabulary=len(tokenizer), revision=config.model.revision
    )
    network.get_input_embeddings().requires_grad_(not config.model.freeze_embeddings)
    accelerator = choose_accelerator(config.trainer.accelerator)
    lengths = np.concatenate([s.tokens.lengths for s in data.train_sets if s.tokens is not None])
    recipe = Recipe(
        batch_size=config.trainer.batch_size,
        accumulate=config.trainer.accumulate * config.trainer.memory_split,
        tokens=int(lengths.max()),
        mean_tokens=float(lengths.mean()),
        packed=config.trainer.packed and why_padded(network) is None,
        half=choose_precision(config.trainer.precision, accelerator) != "32-true",
        checkpointing=config.model.gradient_checkpointing,
        trimmed_rows=len(tokens_of(data.stores, tokenizer)) if config.model.trim_vocabulary else None,
        lora_rank=config.model.lora_rank,
    )
    one, room = need(network, recipe), available(accelerator)
    if room is None:
        return f"Memory: {one.sentence()}."
    if one.total > room:
        option = what_would_fit(network, recipe, room)
        instead = f"Type {option}." if option else "It needs a larger device, or several: trainer.strategy=fsdp."
        kind = OutOfMemory if option and option.startswith("trainer.memory_split") else UserError  # a sweep splits
        raise kind(f"This run needs {one.sentence()}. The {accelerator} has {room / GIB:.1f} GiB free. {instead}")
    several = runs_at_once(one, room)
    return f"Memory: {one.sentence()}; {room / GIB:.1f} GiB free, room for {several} such run{'s' * (several > 1)}."


def honesty_labels(config: DictConfig) -> list[str]:
    """What must be said wherever the run's numbers are shown."""
    labels = []
    encoder = config.model.encoder
    if encoder == SCRATCH:
        labels.append("trained from scratch")
    elif encoder.startswith(BUILTIN):
        labels.append("demo encoder")
    elif config.model.weights == Weights.random:
        labels.append("random weights")
    if any(dataset.kind == "demo" for group in (config.source, config.targets) for dataset in group.values()):
        labels.append("demo data")
    return labels
