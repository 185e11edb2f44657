"""The memory that a run needs, told before anything large is allocated."""

from __future__ import annotations

import numpy as np
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from sentiment_transfer.config.schema import Config
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import OutOfMemory, UserError
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
from sentiment_transfer.model.network import meta_network
from sentiment_transfer.model.objective import state_bytes
from sentiment_transfer.model.packed.network import why_padded
from sentiment_transfer.model.tokenizer import vocabulary_size
from sentiment_transfer.runs.classifier import encoder_of
from sentiment_transfer.runs.language_stage import sizes
from sentiment_transfer.training.trainer import parts_per_step


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
        encoder_of(config),
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
