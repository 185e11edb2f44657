"""The loggers of a run: metrics.csv, and W&B where it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger, Logger

from sentiment_transfer.config.schema import LoggerConfig
from sentiment_transfer.tracking.wandb_logger import WandbLogger


def make_loggers(
    config: LoggerConfig, folder: Path, *, name: str, group: str, tags: list[str], settings: dict[str, Any]
) -> list[Logger]:
    """``name`` and ``group`` are the run's names with and without its seed; ``settings`` its resolved configuration.

    Every attempt at a run has a metrics.csv (and W&B run) of its own, so that a continued run overwrites nothing.
    """
    loggers: list[Logger] = []
    if config.csv:
        loggers.append(CSVLogger(folder, name="metrics", prefix="", flush_logs_every_n_steps=config.log_every))
    if config.wandb:
        loggers.append(
            WandbLogger(
                folder,
                name=name,
                group=group,
                tags=[*config.tags, *tags],
                settings=settings,
                project=config.project,
                entity=config.entity,
                init_timeout=config.init_timeout,
                finish_timeout=config.finish_timeout,
            )
        )
    return loggers
