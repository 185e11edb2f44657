"""The dataclasses of every configuration group: keys, types, and bounds beside the fields that they bound.

The values are in ``conf/``. A misspelt key or a value of the wrong type fails while Hydra composes; ``checks.py`` tests
the bounds and the ``problems`` of each dataclass. Imports nothing heavy: ``--help`` and ``--cfg job`` answer from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Annotated, Any

from annotated_types import Ge, Interval
from omegaconf import MISSING

from sentiment_transfer.config.bounds import POSITIVE, SEED
from sentiment_transfer.config.dataset import LATER, DatasetConfig
from sentiment_transfer.config.logger_options import LoggerConfig
from sentiment_transfer.config.model_options import ModelConfig
from sentiment_transfer.config.objective_options import (
    AdamWConfig,
    CrossEntropyConfig,
    LinearConfig,
    LossConfig,
    OptimizerConfig,
    ScheduleConfig,
)
from sentiment_transfer.config.training_options import TrainerConfig


class Protocol(Enum):
    zero_shot = "zero_shot"  # no label of the target
    supervised = "supervised"  # the target's labels alone
    few_shot = "few_shot"  # the source, and a few labels of the target
    joint = "joint"  # the source, and all labels of the target


class FewShotMode(Enum):
    sequential = "sequential"  # train on the source, then go on with the target's examples
    joint = "joint"  # both, shuffled together


@dataclass
class DataConfig:
    max_length: Annotated[int, Ge(4)] = 256  # tokens, special ones included; ours: the paper does not give its own
    dedup: bool = False  # drop target rows whose text was seen in training
    targets_required: bool = False  # stop if a target is unavailable, instead of reporting it and continuing
    seed: Annotated[int, Ge(0)] = 0  # of subsets and splits: runs of every seed are scored on the same rows
    num_workers: Annotated[int, Ge(0)] = 0  # batches come from a memory-mapped store: workers cost more than they give
    score_batch_tokens: Annotated[int, Ge(1)] = 16384  # per batch when scoring, padding included; a CPU: at most 4,096
    # Rows of each split of every dataset to keep, unless it has a limit of its own; to try a run, not for results.
    limit: Annotated[int | None, Ge(2)] = field(default=None, metadata=LATER)


@dataclass
class ProtocolConfig:
    """Which labels a run is trained on. All but ``zero_shot`` take one target per run."""

    name: Protocol = Protocol.zero_shot
    shots: Annotated[int | None, Ge(1)] = None  # labelled target reviews per class; null: the whole training split
    sample_seed: Annotated[int, Ge(0)] = 0  # which reviews, apart from the run's seed; samples are nested in shots
    mode: FewShotMode = FewShotMode.sequential  # of few_shot
    steps: Annotated[int, Ge(1)] = 200  # the fewest optimiser steps on few labels: with 4 per class an epoch is one
    learning_rate: Annotated[float | None, POSITIVE] = None  # peak rate of stage two; null: optimizer.learning_rate
    # Of joint training: repeat target reviews up to this fraction of an epoch; null: each once.
    target_fraction: Annotated[float | None, Interval(gt=0, lt=1)] = None


@dataclass
class PathsConfig:
    data_dir: str = MISSING  # dataset files: data_dir/<dataset name>/...
    cache_dir: str = MISSING  # token stores and downloads
    output_dir: str = "outputs"  # single runs
    sweep_dir: str = "multirun"  # sweeps


@dataclass
class Config:
    seed: Annotated[int, SEED] = 0  # of the head, of dropout and of the order of the training reviews
    model: ModelConfig = MISSING
    source: dict[str, DatasetConfig] = MISSING
    targets: dict[str, DatasetConfig] = field(default_factory=dict)
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=AdamWConfig)
    schedule: ScheduleConfig = field(default_factory=LinearConfig, metadata=LATER)
    loss: LossConfig = field(default_factory=CrossEntropyConfig, metadata=LATER)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    callbacks: dict[str, Any] = field(default_factory=dict, metadata=LATER)  # name -> _target_ and its arguments
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)


@dataclass
class ComposedConfig(Config):
    """``Config`` while Hydra composes it: the groups whose dataclass their ``_target_`` chooses take any keys, and an
    optimiser of the user's own has the options that all have."""

    optimizer: Any = field(
        default_factory=lambda: {
            f.name: "${model.learning_rate}" if f.name == "learning_rate" else f.default
            for f in fields(OptimizerConfig)
            if f.name != "_target_"
        }
    )
    schedule: Any = field(default_factory=dict)
    loss: Any = field(default_factory=dict)
