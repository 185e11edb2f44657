"""Whether the fused kernels are faster than plain torch on this CPU: measured once, and remembered in the cache.

AMX, AVX-512 and NEON differ by ten times in what they gain from fewer passes over memory, and a table of CPUs would be
outdated soon. One layer of the encoder at hand is computed forwards and backwards, on both paths.
"""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
import xxhash
from torch import Tensor

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import write_atomically
from sentiment_transfer.files.trust import FILE_MODE, FOLDER_MODE, OWN_CACHE, open_trusted, trusted_folder
from sentiment_transfer.model.packed.attention import Packing
from sentiment_transfer.model.packed.fused import Bf16Weights, EncoderBlock, LayerContext, layer_parameters
from sentiment_transfer.model.packed.kernels import Kernels, ReviewSpans, build_key

log = logging.getLogger(__name__)

FILE = "measured.json"
LENGTHS = torch.tensor([8, 12, 17, 23, 31, 42, 57, 77, 104, 141] * 2)  # tokens; 1,024: reviews of SmSA's lengths
TURNS = 5  # the fastest of which counts
INSTRUCTION_LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")  # of the matrix products; torch knows its own
SMALL = 256  # hidden units: below, a layer takes as long as its calls do, and the outcome would be chance
MARGIN = 0.6  # the plain path is taken where it needs less than this share of the kernels' time, by no mere chance


def speed_of_kernels(base: Any, kernels: Kernels, folder: Path) -> float:
    """Seconds of the plain path over those of the kernels, for a layer of ``base`` (a Hugging Face encoder) on this
    CPU with torch's current number of threads. ``folder`` is the cache's."""
    config = base.config
    # Threads that share a core wait for each other at every step of a kernel: that is no property of the CPU.
    if config.hidden_size < SMALL or torch.get_num_threads() > (os.cpu_count() or 1):
        return 1.0
    sizes = (config.hidden_size, config.num_attention_heads, config.intermediate_size)
    limits = [torch.backends.cpu.get_cpu_capability(), *(os.environ.get(name) for name in INSTRUCTION_LIMITS)]
    asked = f"{build_key()} {torch.__version__} {limits} {torch.get_num_threads()} {sizes}"
    key = xxhash.xxh3_64_hexdigest(asked.encode())
    known = remembered(folder)
    if key not in known:
        known[key] = round(measured(base, kernels), 3)
        log.info("Fused kernels take 1/%.1f of plain torch's time on this CPU (measured once).", known[key])
        with suppress(UserError, OSError):  # a cache that is read-only or full: measured again the next time
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            write_atomically(folder / FILE, lambda path: path.write_text(json.dumps(known, indent=1), encoding="utf-8"))
            (folder / FILE).chmod(FILE_MODE)
    return known[key]


def remembered(folder: Path) -> dict[str, float]:
    """Earlier measurements; none where the file is absent or damaged."""
    try:
        with trusted_folder(folder, OWN_CACHE) as trusted, open_trusted(FILE, folder, trusted, OWN_CACHE) as file:
            ratios = {str(key): float(ratio) for key, ratio in json.load(file).items()}
            return {key: ratio for key, ratio in ratios.items() if 0 < ratio < math.inf}
    except (OSError, ValueError, AttributeError, TypeError, OverflowError, RecursionError):
        return {}


def measured(base: Any, kernels: Kernels) -> float:
    layer, config = base.encoder.layer[0], base.config
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), LENGTHS.cumsum(0)])
    packing, spans = Packing(starts), ReviewSpans(starts, starts, config.num_attention_heads)
    rates = config.attention_probs_dropout_prob, config.hidden_dropout_prob
    context = LayerContext(spans, None, config.layer_norm_eps, *rates, 1)
    parameters = layer_parameters(layer)

    def fused(x: Tensor) -> Tensor:
        out: Tensor = EncoderBlock.apply(x, kernels, context, Bf16Weights.of(parameters), *parameters)
        return out

    def plain(x: Tensor) -> Tensor:
        out = layer(x, packing=packing)
        return out[0] if isinstance(out, tuple) else out

    training = layer.training
    with (
        torch.inference_mode(mode=False),
        torch.enable_grad(),
        torch.random.fork_rng(devices=[]),
        torch.autocast("cpu", torch.bfloat16),
    ):
        layer.train()
        hidden = torch.randn(int(starts[-1]), config.hidden_size)
        inputs = [hidden.to(torch.bfloat16).requires_grad_(), hidden[None].requires_grad_()]
        weights = [p for p in parameters if p.requires_grad]
        ways: list[Callable[[Tensor], Tensor]] = [fused, plain]
        taken: list[list[float]] = [[], []]
        for _ in range(1 + TURNS):  # the first warms up
            for way, x, times in zip(ways, inputs, taken, strict=True):
                begun = time.perf_counter()
                out = way(x)
                torch.autograd.grad(out.float().sum(), [x, *weights], allow_unused=True)
                times.append(time.perf_counter() - begun)
        layer.train(training)
    ours, theirs = (min(times[1:]) for times in taken)
    return theirs / ours
