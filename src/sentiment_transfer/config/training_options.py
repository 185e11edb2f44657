"""Options of training: group ``trainer``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import Ge

from sentiment_transfer.config.bounds import ACCELERATOR, POSITIVE, PRECISION
from sentiment_transfer.config.dataset import LATER, OneOf
from sentiment_transfer.config.trainer_arguments import CLIPPING, argument_problems


@dataclass
class TrainerConfig:
    max_epochs: Annotated[int, Ge(1)] = 4  # passes over the training reviews
    batch_size: Annotated[int, Ge(1)] = 32  # reviews per optimiser step, of all devices together
    # Reviews computed at once on a device, to fit memory: the step stays batch_size reviews, and scoring batches shrink
    # in proportion. null: batch_size / devices. A sweep halves it when a job runs out of memory.
    micro_batch_size: Annotated[int | None, Ge(1)] = None
    precision: Annotated[str, PRECISION] = "auto"  # auto: bf16-mixed where the device has it, else 32-true
    accelerator: Annotated[str, ACCELERATOR] = "auto"  # auto: a GPU where there is one, else cpu
    devices: int | str = 1  # a process on each shares every batch; auto: all GPUs that the run sees
    # ddp: every device holds the model; fsdp: each holds a shard of it; auto: ddp where there are several.
    strategy: Annotated[str, OneOf(("auto", "ddp", "fsdp"))] = "auto"
    packed: bool = True  # compute without padding where the encoder can; false: the plain padded path
    threads: Annotated[int | None, Ge(1)] = None  # CPU threads; null keeps torch's choice
    deterministic: bool = False  # force deterministic CUDA kernels (a CPU run always is)
    save_every_minutes: Annotated[float, POSITIVE] = 10.0  # of last.ckpt, besides every epoch's end
    average: bool = True  # also score the mean of all epochs' weights, without any label (arXiv 2305.16834)
    oracle: bool = False  # also select by each target's own dev set; never a zero-shot number
    keep_weights: bool = True  # keep the selected weights when the run is finished
    # Other arguments of Lightning's Trainer: see config/trainer_arguments.py.
    extra: dict[str, Any] = field(default_factory=dict, metadata=LATER)

    def problems(self, where: str) -> Iterator[str]:
        yield from argument_problems(self.extra)
        least = self.extra.get("min_epochs")
        if isinstance(least, int) and least > self.max_epochs:
            yield f"trainer.extra.min_epochs={least} is more than trainer.max_epochs={self.max_epochs}."
        if self.strategy == "fsdp" and self.extra.get(CLIPPING) == "value":
            yield (
                f"trainer.extra.{CLIPPING}=value is invalid with trainer.strategy=fsdp: gradients that are sharded are "
                "clipped by their norm. Leave it out."
            )
        micro = self.micro_batch_size
        if micro and micro > 0 and self.batch_size % micro:
            yield (
                f"trainer.micro_batch_size={micro} does not divide trainer.batch_size={self.batch_size}: a batch is "
                "computed in equal parts."
            )
        if self.devices == "auto":
            return
        if not isinstance(self.devices, int) or self.devices < 1:
            yield f"trainer.devices={self.devices} is invalid: it must be an integer >= 1, or auto."
            return
        if self.devices == 1 and self.strategy == "fsdp":
            yield "trainer.strategy=fsdp shards a model over devices: give several, e.g. trainer.devices=2."
        if self.devices > 1 and self.accelerator == "mps":
            yield f"trainer.devices={self.devices} is invalid: there is one mps device. Use trainer.devices=1."
        at_once = self.devices * max(1, micro or 1)
        if self.devices > 1 and self.batch_size % at_once:
            parts = f" with trainer.micro_batch_size={micro}" if micro else ""
            yield (
                f"trainer.devices={self.devices}{parts} does not divide trainer.batch_size={self.batch_size}, which "
                "counts the reviews of a step on all devices together. Use trainer.batch_size="
                f"{-(-self.batch_size // at_once) * at_once}, or another number of devices."
            )
