"""Options of the callbacks that are shipped: group ``callbacks``, names with what Hydra's ``instantiate`` makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from sentiment_transfer.config.dataset import OneOf

# Metrics of the source's development sets, all reviews together.
SOURCE_DEV = "dev/source"


@dataclass
class EarlyStoppingConfig:
    _target_: str = "pytorch_lightning.callbacks.EarlyStopping"
    monitor: str = f"{SOURCE_DEV}/loss"
    mode: Annotated[str, OneOf(("min", "max"))] = "min"
    patience: Annotated[int, Ge(1)] = 1  # epochs without improvement after which to stop
    min_delta: Annotated[float, Ge(0)] = 0.0  # a smaller change is no improvement
    stopping_threshold: float | None = None  # stop as soon as the metric is better
    divergence_threshold: float | None = None  # stop as soon as the metric is worse
    verbose: bool = False


@dataclass
class LearningRateMonitorConfig:
    _target_: str = "pytorch_lightning.callbacks.LearningRateMonitor"
    logging_interval: Annotated[str, OneOf(("step", "epoch"))] = "step"
    log_momentum: bool = False
    log_weight_decay: bool = False


SHIPPED = {schema._target_: schema for schema in (EarlyStoppingConfig, LearningRateMonitorConfig)}
