"""The Lightning trainer of a run."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, Checkpoint
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.profilers import AdvancedProfiler, Profiler, SimpleProfiler
from pytorch_lightning.strategies import DDPStrategy, ModelParallelStrategy, Strategy

from sentiment_transfer.config.objective_options import OptimizerConfig
from sentiment_transfer.config.trainer_arguments import LIMIT, MAX_STEPS, SANITY
from sentiment_transfer.config.training_options import TrainerConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.device import choose_accelerator, choose_precision
from sentiment_transfer.training.bar import EpochBar
from sentiment_transfer.training.plan import Plan
from sentiment_transfer.training.ranks import ALONE, Ranks

log = logging.getLogger(__name__)

# What Lightning says at every start and what is meant as it is here.
MEANT = (
    r"The `srun` command is available.*",  # a run on a cluster's node outside of a job
    r".*does not have many workers.*",  # batches come from a memory-mapped store
    r".*your dataloader is not resumable.*",  # TransferDataModule.train_dataloader starts where the trainer stopped
    r".*is smaller than the logging interval.*",
    r"The `srun` command is available on your system but is not used.*",  # a sweep's launcher starts the jobs
    r"Total length of `list` across ranks is zero.*",  # a source without a development set
    r"Found \d+ module\(s\) in eval mode.*",  # load_network gives eval mode; every step sets its own
    r".*`broadcast_buffers` is deprecated.*",  # torch 2.13; what comes instead is not in 2.10
    r"It is recommended to use `self.log.*sync_dist=True.*",  # what is logged is of all processes already
    r".*`isinstance\(treespec, LeafSpec\)` is deprecated.*",  # Lightning 2.6.6 on torch 2.13
)


def quiet_lightning() -> None:
    """Keep Lightning's start-up notes and tips off the terminal, and warnings about what is meant as it is."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for message in MEANT:
        warnings.filterwarnings("ignore", message)


def make_trainer(
    config: TrainerConfig,
    optimizer: OptimizerConfig,
    folder: Path,
    *,
    loggers: list[Logger],
    callbacks: list[Callback],
    log_every: int = 50,
    progress_bar: bool = True,
    ranks: Ranks = ALONE,
    plan: Plan | None = None,
) -> pl.Trainer:
    """A trainer that keeps its files in ``folder``; one without a ``plan`` does not train.

    Raises UserError where the machine lacks what it asks for.
    """
    accelerator = choose_accelerator(config.accelerator)
    bar = progress_bar and sys.stderr.isatty()  # in a file, every refresh would be a line
    extra, parts = extra_arguments(config.extra, folder), parts_per_step(config, ranks.world_size)
    # Lightning's own max_steps would end an epoch without its development scores: RunCheckpoints ends it.
    limited = [extra.pop(name, None) for name in (MAX_STEPS, LIMIT)][1]
    if plan and limited is not None:
        extra[LIMIT] = plan.epoch_steps * parts  # Lightning counts these
    return pl.Trainer(
        accelerator=accelerator,
        devices=ranks.world_size,
        strategy=make_strategy(config.strategy, ranks),
        plugins=[LightningEnvironment()] if ranks.world_size > 1 else None,  # and not SLURM's, which counts tasks
        precision=choose_precision(config.precision, accelerator),  # type: ignore[arg-type]
        max_epochs=plan.epochs if plan else config.max_epochs,
        accumulate_grad_batches=parts,
        gradient_clip_val=optimizer.max_grad_norm,
        deterministic=config.deterministic,
        default_root_dir=folder,
        logger=loggers or False,
        callbacks=[EpochBar(refresh_rate=10), *callbacks] if bar else callbacks,
        enable_progress_bar=bar,
        enable_checkpointing=any(isinstance(each, Checkpoint) for each in callbacks),  # else Lightning adds its own
        enable_model_summary=extra.pop("enable_model_summary", False),
        use_distributed_sampler=False,
        num_sanity_val_steps=extra.pop(SANITY, 0),
        log_every_n_steps=log_every,
        **extra,
    )


def extra_arguments(extra: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """``trainer.extra`` as the Trainer takes it. A profiler writes its tables into ``folder``: what it would print is
    below the level that Lightning is kept at."""
    profilers: dict[Any, type[Profiler]] = {"simple": SimpleProfiler, "advanced": AdvancedProfiler}
    if (kind := profilers.get(extra.get("profiler"))) is None:
        return dict(extra)
    log.info("The profile will be in %s", folder / "fit-profile.txt")
    return dict(extra) | {"profiler": kind(dirpath=folder, filename="profile")}


def parts_per_step(config: TrainerConfig, devices: int) -> int:
    """Micro batches that each device computes for one optimiser step: batch_size / (micro_batch_size x devices).

    Raises UserError where these do not divide the batch into equal parts.
    """
    parts, rest = divmod(config.batch_size, (config.micro_batch_size or 1) * devices)
    if rest:
        micro = f"trainer.micro_batch_size={config.micro_batch_size} on " if config.micro_batch_size else ""
        raise UserError(
            f"{micro}{devices} device{'s' * (devices != 1)} cannot divide trainer.batch_size={config.batch_size} into "
            "equal parts: it must be a multiple of micro_batch_size x devices."
        )
    return parts if config.micro_batch_size else 1


def make_strategy(wanted: str, ranks: Ranks) -> Strategy | str:
    """How several devices share a run: each holds the model (``ddp``), or a share of it (``fsdp``)."""
    if ranks.world_size == 1:
        return "auto"
    if wanted == "fsdp":
        return ModelParallelStrategy(ranks.world_size, tensor_parallel_size=1, save_distributed_checkpoint=False)
    # No buffer of an encoder changes in training: to send them before every forward pass would only make processes
    # wait that score different numbers of batches. Gradients live in the buckets that they are sent in.
    return DDPStrategy(broadcast_buffers=False, gradient_as_bucket_view=True)
