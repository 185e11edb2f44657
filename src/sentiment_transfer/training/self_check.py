"""Whether the fast path computes what the plain padded one does, asked in the run itself.

Parity tests cover the machines that they ran on; a run may be on another. So the first batch of an attempt, and one
after its first optimiser steps, are computed both ways at the current weights. Where they differ by more than the
precision explains, the run goes on without the part that is wrong and says so.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback, Trainer
from torch import Tensor, nn

from sentiment_transfer.model.packed.network import PackedNetwork, PackedOutput
from sentiment_transfer.training.ranks import ALONE, Ranks

log = logging.getLogger(__name__)

STEPS = 3  # optimiser steps before the second check: by then every weight has moved
# What is computed: a longer review and two short ones of other lengths. Both checks took 0.7 s of a run of 57 s beside
# another program (12 layers of 384, one thread); see performance.seconds.self_check.
LONGEST, SHORT, REVIEWS = 32, 14, 3
# The hidden states of the two ways differ by 1e-6 to 1e-5 in fp32 (relative norm). In 16 bits each way is off from
# fp32 by its own rounding, 0.3 to 2 %: the padded one tells how much of that the weights and the texts give.
FP32_TOLERANCE = 1e-4
ROUNDINGS, LEAST = 3.0, 0.003
# Logits and loss are few numbers, so their rounding varies more.
OF_LOGITS = 5.0


class Comparison(NamedTuple):
    """Relative differences of a way of computing from padded fp32, and what its precision explains."""

    hidden: float
    logits: float
    loss: float  # nats
    tolerance: float

    @property
    def within(self) -> bool:
        few = OF_LOGITS * self.tolerance
        return self.hidden <= self.tolerance and self.logits <= few and self.loss <= few  # False for NaN

    def __str__(self) -> str:
        return (
            f"hidden states by {self.hidden:.1e} (at most {self.tolerance:.1e} is rounding), logits by "
            f"{self.logits:.1e}, loss by {self.loss:.1e}"
        )


class SelfCheck(Callback):
    """Checks a classifier's packed path at the first batch of an attempt and after ``STEPS`` optimiser steps.

    ``seconds`` is what that took; ``findings`` are the sentences of what was given up.
    """

    def __init__(self, ranks: Ranks = ALONE) -> None:
        self.ranks = ranks
        self.seconds = 0.0
        self.findings: list[str] = []
        self._due: list[int] = []

    def on_train_start(self, trainer: Trainer, pl_module: pl.LightningModule) -> None:
        start, last = trainer.global_step, cast(int | None, pl_module.max_steps)
        steps = min(int(trainer.estimated_stepping_batches), last or sys.maxsize)
        self._due = sorted({start, max(start, min(start + STEPS, steps - 1))})

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: pl.LightningModule, batch: dict[str, Tensor], batch_idx: int
    ) -> None:
        packed: Any = pl_module.packed
        if not self._due or trainer.global_step < self._due[0] or packed is None or "cu_seqlens" not in batch:
            return
        self._due.pop(0)
        started = time.monotonic()
        ids, cu_seqlens, labels = sample(batch)
        low_precision = str(trainer.precision) != "32-true"
        while packed.why_padded is None:
            with trainer.precision_plugin.forward_context():
                found = compare(packed, ids, cu_seqlens, labels, low_precision=low_precision)
            if not self.ranks.all_reduce_max(not found.within):
                log.debug("Self-check of the %s path: %s.", packed.batching, found)
                break
            self._give_up(
                packed, f"at step {trainer.global_step} the {packed.batching} path differed from padded: {found}"
            )
        self.seconds += time.monotonic() - started

    def _give_up(self, packed: PackedNetwork, finding: str) -> None:
        fused = "fused" in packed.batching
        left = "without the fused kernels" if fused else "padded"
        log.warning("Self-check: %s. The run goes on %s, which is slower. Please report this.", finding, left)
        self.findings.append(finding)
        if fused:
            packed.why_not_fused = f"self-check: {finding}"
        else:
            packed.use_padded(f"self-check: {finding}")


def sample(batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """A small packed batch of a packed batch's tokens: ids (tokens,), cu_seqlens (reviews + 1,), labels (reviews,)."""
    lengths = torch.diff(batch["cu_seqlens"]).tolist()
    longest = max(range(len(lengths)), key=lengths.__getitem__)
    others = [number for number in range(len(lengths)) if number != longest][: REVIEWS - 1]
    chosen = [longest, *others]
    limits = [LONGEST, *(SHORT - 3 * place for place in range(len(others)))]
    kept = [min(limit, lengths[number]) for number, limit in zip(chosen, limits, strict=True)]
    starts = batch["cu_seqlens"].tolist()
    ids = [batch["input_ids"][starts[n] : starts[n] + length] for n, length in zip(chosen, kept, strict=True)]
    cu_seqlens = torch.tensor([0, *kept], device=batch["cu_seqlens"].device).cumsum(0)
    return torch.cat(ids), cu_seqlens, batch["labels"][chosen]


@torch.no_grad()
def compare(
    packed: PackedNetwork, ids: Tensor, cu_seqlens: Tensor, labels: Tensor, *, low_precision: bool
) -> Comparison:
    """The packed way, in training mode without dropout and in eval mode, against the padded one; the larger counts.

    ``low_precision``: an autocast to 16 bits is on, or the weights are in 16 bits.
    """
    network = packed.network
    with without_dropout(network):
        network.eval()
        with torch.autocast(ids.device.type, enabled=False):
            reference = packed.padded_output(ids, cu_seqlens)
        tolerance = FP32_TOLERANCE
        if low_precision:
            tolerance = LEAST + ROUNDINGS * relative(packed.padded_output(ids, cu_seqlens).hidden, reference.hidden)
        answers = []
        for training in (False, True):
            network.train(training)
            answers.append(packed.output(ids, cu_seqlens))
    return Comparison(
        max(relative(answer.hidden, reference.hidden) for answer in answers),
        max(relative(answer.logits, reference.logits) for answer in answers),
        max(abs(loss(answer, labels) - loss(reference, labels)) for answer in answers),
        tolerance,
    )


def relative(one: Tensor, other: Tensor) -> float:
    """Norm of the difference, as a fraction of ``other``'s norm (of 1, where that is smaller)."""
    return float((one.float() - other.float()).norm() / other.float().norm().clamp(min=1.0))


def loss(answer: PackedOutput, labels: Tensor) -> float:
    return float(nn.functional.cross_entropy(answer.logits.float(), labels))


@contextmanager
def without_dropout(network: nn.Module) -> Iterator[None]:
    """Every dropout rate of ``network`` 0, and afterwards what it was, as is the mode of each of its parts."""
    modes = [(module, module.training) for module in network.modules()]
    dropouts = [(module, module.p) for module in network.modules() if isinstance(module, nn.Dropout)]
    config: Any = network.config
    names = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    rates = {name: getattr(config, name) for name in names if hasattr(config, name)}
    try:
        for dropout, _ in dropouts:
            dropout.p = 0.0
        for name in rates:
            setattr(config, name, 0.0)
        yield
    finally:
        for dropout, probability in dropouts:
            dropout.p = probability
        for name, rate in rates.items():
            setattr(config, name, rate)
        for module, mode in modes:
            module.training = mode
