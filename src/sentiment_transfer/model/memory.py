"""How much memory a run needs, known from the architecture and the recipe before anything is allocated.

States (weights, gradients, Adam's two moments) are exact. Activations follow Korthikanti et al. (2022, arXiv
2205.05198): 34 bytes per token, layer and hidden unit in 16 bits, twice that in fp32, and 5 bytes per layer, head and
pair of tokens where attention weights are materialised; with gradient checkpointing 2 bytes and one layer in full.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

GIB = 2**30
ULMFIT = "ulmfit"
# What a process holds besides: Python, torch, the CUDA context. Seen on a CPU: 0.6 GiB.
LIBRARIES = 0.6 * GIB
# Of ULMFiT's classifier, whose batches have a hundred shapes: what a CPU process holds after thousands of steps above
# what it holds after a hundred, 2.13 GiB and 1.29 on SmSA with 384 units.
SHAPES = 0.85 * GIB
LANGUAGE_MODEL_TOKENS = 64 * 70  # of one step of ULMFiT's language model; see training/language_model.py


@dataclass(frozen=True)
class Recipe:
    """What decides the need besides the architecture."""

    batch_size: int
    accumulate: int
    tokens: int  # of the longest review that the run has
    mean_tokens: float
    packed: bool
    half: bool  # computes in 16 bits (over fp32 weights)
    checkpointing: bool
    trimmed_rows: int | None = None  # of the embedding; None: all
    lora_rank: int | None = None
    shards: int = 1  # FSDP: devices that share the states


@dataclass(frozen=True)
class Need:
    """Bytes on one device."""

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


def need(network: PreTrainedModel, recipe: Recipe) -> Need:
    """The peak of training ``network``, which may be on the ``meta`` device."""
    config = network.config
    embedding = cast(Tensor, network.get_input_embeddings().weight)
    rows, width = embedding.shape
    parameters = sum(p.numel() for p in network.parameters())
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    if recipe.trimmed_rows is not None:
        absent = (rows - min(rows, recipe.trimmed_rows)) * width
        parameters -= absent
        trained -= absent if embedding.requires_grad else 0
    layers, hidden = config.num_hidden_layers, config.hidden_size
    if recipe.lora_rank is not None:
        head = sum(p.numel() for n, p in network.named_parameters() if not n.startswith(network.base_model_prefix))
        trained = layers * 2 * 2 * hidden * recipe.lora_rank + head
    # FSDP: the largest unit is whole while it computes (a layer, or the embeddings), and the next one is on its way.
    largest = max(12 * hidden**2, (recipe.trimmed_rows or rows) * width)
    gathered = 2 * 4 * largest if recipe.shards > 1 else 0
    copies = 2 * (parameters - embedding.numel()) if recipe.half else 0  # 16-bit copies of the fp32 weights
    return Need(
        weights=(4 * parameters + max(0, copies)) / recipe.shards + gathered,
        gradients=4 * trained / recipe.shards,
        optimizer=8 * trained / recipe.shards,
        activations=(ulmfit_activations if config.model_type == ULMFIT else _activations)(config, recipe),
    )


def _activations(config: object, recipe: Recipe) -> float:
    layers, hidden, heads = (
        getattr(config, name) for name in ("num_hidden_layers", "hidden_size", "num_attention_heads")
    )
    reviews = recipe.batch_size // recipe.accumulate
    # A random batch: the mean, and room for one that is far above it; padded, every review is as long as the longest.
    spread = min(reviews * recipe.tokens, 1.5 * reviews * recipe.mean_tokens + recipe.tokens)
    tokens = spread if recipe.packed else reviews * recipe.tokens
    width = 1 if recipe.half else 2
    one_layer = 34 * width * tokens * hidden
    if not recipe.packed:
        one_layer += 5 * width * heads * reviews * recipe.tokens**2
    if recipe.checkpointing:
        return 2 * width * tokens * hidden * layers + one_layer
    return one_layer * layers


def ulmfit_activations(config: Any, recipe: Recipe) -> float:
    """Of the language model or the classifier, whichever has more: per token an LSTM keeps its gates, cell, output and
    input; dropped weights are a copy; the logits are there four times. Seen on SmSA with 384 units in bf16: 2.13 GiB in
    all, where this makes it 2.2."""
    width = 2 if recipe.half else 4
    widths = [config.embedding_size, *[config.hidden_size] * (config.num_hidden_layers - 1), config.embedding_size]
    layers = list(pairwise(widths))
    token = sum(6 * out + 3 * inputs for inputs, out in layers) * width
    weights = sum(4 * out * (inputs + 2 * out) for inputs, out in layers) * 4
    language_model = LANGUAGE_MODEL_TOKENS * (token + config.vocab_size * (3 * 4 + width))
    return SHAPES + weights + max(language_model, recipe.batch_size * recipe.tokens * token)


def available(accelerator: str) -> float | None:
    """Bytes that the device has free now; None where nobody can tell."""
    if accelerator == "cuda":
        return float(torch.cuda.mem_get_info()[0])
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None
    return float(min(free, _cgroup_limit()))


def _cgroup_limit() -> float:
    try:
        return float(Path("/sys/fs/cgroup/memory.max").read_text()) - float(
            Path("/sys/fs/cgroup/memory.current").read_text()
        )
    except (OSError, ValueError):  # no such file, or "max"
        return float("inf")


def what_would_fit(network: PreTrainedModel, recipe: Recipe, room: float) -> str | None:
    """The first option, from the one that costs least, with which the run fits into ``room`` bytes."""
    if network.config.model_type == ULMFIT:  # its head normalises over a batch, which is therefore never cut
        sizes = [recipe.batch_size >> halved for halved in range(1, recipe.batch_size.bit_length())]
        smaller = {f"trainer.batch_size={size}": replace(recipe, batch_size=size) for size in sizes}
        return next((option for option, r in smaller.items() if need(network, r).total <= room), None)
    options: dict[str, Recipe] = {}
    if recipe.accumulate < recipe.batch_size:
        whole = [n for n in range(recipe.accumulate + 1, recipe.batch_size + 1) if recipe.batch_size % n == 0]
        options |= {
            f"trainer.micro_batch_size={recipe.batch_size // n}": replace(recipe, accumulate=n)
            for n in whole
            if n % recipe.accumulate == 0
        }
    if not recipe.checkpointing:
        options["model.gradient_checkpointing=true"] = replace(recipe, checkpointing=True)
        both = replace(recipe, accumulate=recipe.batch_size, checkpointing=True)
        options["model.gradient_checkpointing=true trainer.micro_batch_size=1"] = both
    if recipe.lora_rank is None:
        lora = replace(recipe, lora_rank=16, checkpointing=True)
        name = "model.lora_rank=16 model.gradient_checkpointing=true"
        options |= {name: lora, f"{name} trainer.micro_batch_size=1": replace(lora, accumulate=recipe.batch_size)}
    return next((option for option, changed in options.items() if need(network, changed).total <= room), None)


def devices_that_would_do(network: PreTrainedModel, recipe: Recipe, room: float) -> int | None:
    """On how many devices with ``room`` bytes each the run fits, where they share its states (FSDP)."""
    for devices in (2, 4, 8, 16):
        shared = replace(recipe, shards=devices, accumulate=recipe.accumulate * devices)
        if recipe.batch_size % shared.accumulate == 0 and need(network, shared).total <= room:
            return devices
    return None


def runs_at_once(one: Need, room: float) -> int:
    """How many such runs the device holds together."""
    return max(0, int(room // one.total))
