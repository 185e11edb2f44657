"""The loggers of a run, each of which only warns where it fails."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock
from hydra.utils import instantiate
from pytorch_lightning.loggers.logger import Logger

from sentiment_transfer.config.logger_options import SHIPPED, LoggerConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.tracking.guarded import Guarded, GuardedLogger

TITLES = {"csv": "metrics.csv", "tensorboard": "TensorBoard", "mlflow": "MLflow", "trackio": "Trackio"}
MLFLOW_DEFAULT = "sqlite:///mlflow.db"
# A server that is gone: MLflow's own defaults try for minutes, at each call. And no report of use to its makers.
MLFLOW_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class RunFacts(NamedTuple):
    """A run, as its loggers are told of it.

    ``name`` and ``group`` are the run's names with and without its seed, ``settings`` its configuration as plain
    values, ``steps_between_points`` how often a curve gets a point, in optimiser steps.
    """

    folder: Path
    name: str
    group: str
    tags: list[str]
    settings: dict[str, Any]
    steps_between_points: int


def make_loggers(config: LoggerConfig, run: RunFacts) -> list[Guarded[Any]]:
    """The loggers that ``config`` asks for. Each attempt at a run writes a separate metrics.csv (and W&B run, ...), so
    that a resumed run overwrites nothing."""
    run = run._replace(tags=sorted({*config.tags, *run.tags}))
    loggers: list[Guarded[Any]] = []
    for name in SHIPPED:
        if (chosen := getattr(config, name)) is not None:
            options = asdict(chosen)
            if name == "wandb":
                facts = {"name": run.name, "group": run.group, "tags": run.tags, "settings": run.settings}
                # Not recursive: the settings have a _target_ for every logger, the optimiser and others.
                loggers.append(instantiate(options, folder=run.folder, **facts, _convert_="all", _recursive_=False))
            else:
                loggers.append(GuardedLogger(TITLES[name], partial(STARTS[name], options, run), run.settings))
    for name, options in config.own.items():
        loggers.append(GuardedLogger(name, partial(own_logger, options), run.settings))
    return loggers


def csv_logger(options: dict[str, Any], run: RunFacts) -> Logger:
    flush = run.steps_between_points
    return made(options, save_dir=str(run.folder), name="metrics", prefix="", flush_logs_every_n_steps=flush)


def tensorboard_logger(options: dict[str, Any], run: RunFacts) -> Logger:
    shared = options.pop("save_dir")
    place = {"save_dir": shared, "name": run.name} if shared else {"save_dir": str(run.folder), "name": "tensorboard"}
    return made(options, **place, default_hp_metric=False)


def mlflow_logger(options: dict[str, Any], run: RunFacts) -> Logger:
    for name, value in MLFLOW_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    uri = options.pop("tracking_uri") or os.environ.get("MLFLOW_TRACKING_URI") or MLFLOW_DEFAULT
    file = uri.removeprefix("sqlite:///")
    # Runs of a sweep that find no file would each create the tables.
    held = nullcontext() if file == uri else FileLock(f"{file}.lock", timeout=60)
    logging.getLogger("pytorch_lightning.loggers.mlflow").setLevel(logging.ERROR)  # an experiment that is created
    with held:
        import mlflow  # noqa: F401 # it sets the levels of its loggers

        for chatty in ("mlflow", "alembic"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # every try at a server that is gone
        tags = {"group": run.group, "tags": ", ".join(run.tags)}
        logger = made(options, tracking_uri=uri, run_name=run.name, tags=tags)
        _ = logger.experiment  # type: ignore[attr-defined] # creates the store and the experiment
    return logger


def trackio_logger(options: dict[str, Any], run: RunFacts) -> Logger:
    return made(options, name=run.name, group=run.group, tags=run.tags)


STARTS: dict[str, Callable[[dict[str, Any], RunFacts], Logger]] = {
    "csv": csv_logger,
    "tensorboard": tensorboard_logger,
    "mlflow": mlflow_logger,
    "trackio": trackio_logger,
}


def own_logger(options: dict[str, Any]) -> Logger:
    logger = instantiate(options, _convert_="all")
    if not isinstance(logger, Logger):
        raise UserError(f"{options['_target_']} is not a subclass of pytorch_lightning.loggers.Logger")
    return logger


def made(options: dict[str, Any], **facts: Any) -> Logger:
    logger: Logger = instantiate({**options, **facts}, _convert_="all")
    return logger
