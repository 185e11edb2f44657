"""The memory that a run needs, estimated from the architecture and the batches before anything is allocated, and the
error of a run that exceeds it.

States (weights, gradients, the optimiser's) are exact. Activations follow Korthikanti et al. (2022, arXiv
2205.05198): 34 bytes per token, layer and hidden unit in 16 bits, twice that in fp32, and 5 bytes per layer, head and
pair of tokens where attention weights are materialised; with gradient checkpointing 2 bytes and one layer in full.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification, PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.freezing import layers_without_gradient
from sentiment_transfer.model.memory_limits import MACHINE, host_room

GIB = 2**30
ULMFIT = "ulmfit"
# Python, torch and the CUDA context. Measured on a CPU: 0.6 GiB.
LIBRARIES = 0.6 * GIB
# ULMFiT's classifier has batches of a hundred shapes, and a CPU process grows with them: from 1.29 GiB after a hundred
# steps to 2.13 GiB after thousands, on SmSA with 384 units.
SHAPE_CACHES = 0.85 * GIB
LANGUAGE_MODEL_TOKENS = 64 * 70  # of one step of ULMFiT's language model; see training/language_model.py


@dataclass(frozen=True)
class TrainingShape:
    """The settings that determine the memory of an architecture."""

    batch_size: int
    micro_batches: int  # per optimiser step, of all devices together
    tokens: int  # of the longest review
    mean_tokens: float
    packed: bool
    low_precision: bool  # 16-bit autocast over fp32 weights
    checkpointing: bool
    trimmed_rows: int | None = None  # of the embedding; None: untrimmed
    lora_rank: int | None = None
    shards: int = 1  # FSDP: devices that share the states
    optimizer_bytes: float = 8.0  # state per trained weight: AdamW's two moments


@dataclass(frozen=True)
class MemoryEstimate:
    """Peak memory on one device, in bytes."""

    weights: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        return self.weights + self.gradients + self.optimizer + self.activations + LIBRARIES

    def sentence(self) -> str:
        """``about 3.1 GiB: weights 0.5, gradients 0.4, optimiser 0.7, activations 0.9, libraries 0.6``"""
        parts = {
            "weights": self.weights,
            "gradients": self.gradients,
            "optimiser": self.optimizer,
            "activations": self.activations,
            "libraries": LIBRARIES,
        }
        listed = ", ".join(f"{name} {bytes_ / GIB:.1f}" for name, bytes_ in parts.items())
        return f"about {self.total / GIB:.1f} GiB: {listed}"


def estimate_memory(network: PreTrainedModel, shape: TrainingShape) -> MemoryEstimate:
    """The peak memory of training ``network``, which may be on the ``meta`` device."""
    config = network.config
    embedding = cast(Tensor, network.get_input_embeddings().weight)
    rows, width = embedding.shape
    parameters = sum(p.numel() for p in network.parameters())
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    if shape.trimmed_rows is not None:
        absent = (rows - min(rows, shape.trimmed_rows)) * width
        parameters -= absent
        trained -= absent if embedding.requires_grad else 0
    layers, hidden, frozen = config.num_hidden_layers, config.hidden_size, layers_without_gradient(network)
    if shape.lora_rank is not None:
        head = sum(p.numel() for n, p in network.named_parameters() if not n.startswith(network.base_model_prefix))
        trained = layers * 2 * 2 * hidden * shape.lora_rank + head
    # FSDP: the largest unit (a layer, or the embeddings) is gathered while it computes, and the next is prefetched.
    largest = max(12 * hidden**2, (shape.trimmed_rows or rows) * width)
    gathered = 2 * 4 * largest if shape.shards > 1 else 0
    copies = 2 * (parameters - embedding.numel()) if shape.low_precision else 0  # 16-bit copies of the fp32 weights
    return MemoryEstimate(
        weights=(4 * parameters + max(0, copies)) / shape.shards + gathered,
        gradients=4 * trained / shape.shards,
        optimizer=shape.optimizer_bytes * trained / shape.shards,
        activations=ulmfit_activations(config, shape)
        if config.model_type == ULMFIT
        else _activations(config, shape, frozen),
    )


def _activations(config: object, shape: TrainingShape, frozen: int) -> float:
    layers, hidden, heads = (
        getattr(config, name) for name in ("num_hidden_layers", "hidden_size", "num_attention_heads")
    )
    reviews = shape.batch_size // shape.micro_batches
    # Packed: one and a half times the mean, for batches far above it. Padded: every review is as long as the longest.
    spread = min(reviews * shape.tokens, 1.5 * reviews * shape.mean_tokens + shape.tokens)
    tokens = spread if shape.packed else reviews * shape.tokens
    width = 1 if shape.low_precision else 2
    one_layer = 34 * width * tokens * hidden
    if not shape.packed:
        one_layer += 5 * width * heads * reviews * shape.tokens**2
    layers -= frozen  # nothing is kept of those, and the one that is being computed takes its room in any case
    if shape.checkpointing:
        return 2 * width * tokens * hidden * layers + one_layer
    return one_layer * max(1, layers)


def ulmfit_activations(config: Any, shape: TrainingShape) -> float:
    """Bytes of the language model's or the classifier's activations, whichever has more: per token an LSTM keeps its
    gates, cell, output and input; dropped weights are a copy; there are four copies of the logits. On SmSA with 384
    units in bf16 a run took 2.13 GiB, and this estimate gives 2.2."""
    width = 2 if shape.low_precision else 4
    widths = [config.embedding_size, *[config.hidden_size] * (config.num_hidden_layers - 1), config.embedding_size]
    layers = list(pairwise(widths))
    token = sum(6 * out + 3 * inputs for inputs, out in layers) * width
    weights = sum(4 * out * (inputs + 2 * out) for inputs, out in layers) * 4
    language_model = LANGUAGE_MODEL_TOKENS * (token + config.vocab_size * (3 * 4 + width))
    return SHAPE_CACHES + weights + max(language_model, shape.batch_size * shape.tokens * token)


def available_memory(accelerator: str) -> float | None:
    """Free bytes of the device; None where the system does not tell."""
    if accelerator == "cuda":
        return float(torch.cuda.mem_get_info()[0])
    room = host_room()
    return None if room is None else max(0.0, room.free)


def available_where(accelerator: str) -> str:
    """Which limit ``available_memory`` stays within, as a part of a sentence; empty where that is the device itself."""
    room = None if accelerator == "cuda" else host_room()
    return "" if room is None or room.limit == MACHINE else f" within the limit of {room.limit}"


def refuse_larger_than_memory(config: PreTrainedConfig, name: str) -> None:
    """Raises UserError where the weights of the architecture in ``config``, in fp32, are more than memory has free:
    before any is allocated."""
    with torch.device("meta"):
        network = AutoModelForSequenceClassification.from_config(config, trust_remote_code=False)
    bytes_ = 4 * sum(tensor.numel() for tensor in [*network.parameters(), *network.buffers()])
    room = available_memory("cpu")
    if room is not None and bytes_ > room:
        raise UserError(
            f"The config.json of {name} asks for {bytes_ / GIB:,.0f} GiB of weights, and {room / GIB:.1f} GiB of "
            "memory are free: it is damaged, or the model needs a larger machine."
        )


def option_that_fits(network: PreTrainedModel, shape: TrainingShape, room: float) -> str | None:
    """The cheapest option with which the run fits into ``room`` bytes, as typed; None where none does."""
    if network.config.model_type == ULMFIT:  # its head normalises over a whole batch, which cannot be split
        sizes = [shape.batch_size >> halved for halved in range(1, shape.batch_size.bit_length())]
        smaller = {f"trainer.batch_size={size}": replace(shape, batch_size=size) for size in sizes}
        return next((option for option, r in smaller.items() if estimate_memory(network, r).total <= room), None)
    options: dict[str, TrainingShape] = {}
    if shape.micro_batches < shape.batch_size:
        whole = [n for n in range(shape.micro_batches + 1, shape.batch_size + 1) if shape.batch_size % n == 0]
        options |= {
            f"trainer.micro_batch_size={shape.batch_size // n}": replace(shape, micro_batches=n)
            for n in whole
            if n % shape.micro_batches == 0
        }
    if not shape.checkpointing:
        options["model.gradient_checkpointing=true"] = replace(shape, checkpointing=True)
        both = replace(shape, micro_batches=shape.batch_size, checkpointing=True)
        options["model.gradient_checkpointing=true trainer.micro_batch_size=1"] = both
    if shape.lora_rank is None and not layers_without_gradient(network):  # adapters take the place of freezing
        lora = replace(shape, lora_rank=16, checkpointing=True)
        name = "model.lora_rank=16 model.gradient_checkpointing=true"
        options |= {name: lora, f"{name} trainer.micro_batch_size=1": replace(lora, micro_batches=shape.batch_size)}
    return next(
        (option for option, changed in options.items() if estimate_memory(network, changed).total <= room), None
    )


def min_fsdp_devices(network: PreTrainedModel, shape: TrainingShape, room: float) -> int | None:
    """The number of devices (2 to 16) with ``room`` bytes each that hold the run sharded (FSDP); None above 16."""
    for devices in (2, 4, 8, 16):
        shared = replace(shape, shards=devices, micro_batches=shape.micro_batches * devices)
        if shape.batch_size % shared.micro_batches == 0 and estimate_memory(network, shared).total <= room:
            return devices
    return None


def concurrent_runs(one: MemoryEstimate, room: float) -> int:
    """The number of such runs that fit into ``room`` bytes together."""
    return max(0, int(room // one.total))
