"""Options of the loggers: group ``logger``. Each is a node with a ``_target_``, null where it is not asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

from annotated_types import Ge
from omegaconf import DictConfig, OmegaConf, open_dict

from sentiment_transfer.config.bounds import POSITIVE
from sentiment_transfer.config.called import TARGET

MOST_STEPS, POINTS = 50, 20  # between two points of a curve at most, and in an epoch at least


@dataclass
class CsvOptions:
    """metrics/version_<n>/metrics.csv in the run directory."""

    _target_: str = "pytorch_lightning.loggers.CSVLogger"


@dataclass
class WandbOptions:
    _target_: str = "sentiment_transfer.tracking.weights_and_biases.WandbLogger"
    project: str = "sentiment-transfer"  # of Weights & Biases
    entity: str | None = None  # user or team; null: the one that is logged in
    log_model: bool = False  # upload the selected weights, as an artifact
    init_timeout: Annotated[float, POSITIVE] = 30.0  # seconds until W&B counts as unreachable and goes offline
    finish_timeout: Annotated[float, POSITIVE] = 120.0  # seconds that a finished run waits for its upload


@dataclass
class TensorBoardOptions:
    _target_: str = "pytorch_lightning.loggers.TensorBoardLogger"
    save_dir: str | None = None  # null: tensorboard/ in the run directory; else <save_dir>/<the run's name>


@dataclass
class MlflowOptions:
    _target_: str = "pytorch_lightning.loggers.MLFlowLogger"
    experiment_name: str = "sentiment-transfer"  # that runs are listed under
    tracking_uri: str | None = None  # null: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db, MLflow's own default


@dataclass
class TrackioOptions:
    _target_: str = "sentiment_transfer.tracking.trackio.TrackioLogger"
    project: str = "sentiment-transfer"  # that runs are listed under
    space_id: str | None = None  # a Hugging Face Space to log to; null: this machine's database


@dataclass
class LoggerConfig:
    csv: CsvOptions | None = None  # metrics.csv in the run's directory: with logger=csv, also with logger=wandb
    wandb: WandbOptions | None = None  # with logger=wandb
    tensorboard: TensorBoardOptions | None = None  # with logger=tensorboard
    mlflow: MlflowOptions | None = None  # with logger=mlflow
    trackio: TrackioOptions | None = None  # with logger=trackio
    own: dict[str, Any] = field(default_factory=dict)  # the user's, by name, each with a _target_
    tags: list[str] = field(default_factory=list)  # of the run, e.g. [draft,long]
    log_every: Annotated[int | None, Ge(1)] = None  # optimiser steps; null: 50, or fewer for 20 points per epoch
    progress_bar: bool = True  # on a terminal

    def steps_between_points(self, steps_per_epoch: int) -> int:
        """Optimiser steps from one point of the training curve to the next."""
        return self.log_every or max(1, min(MOST_STEPS, steps_per_epoch // POINTS))

    def problems(self, where: str) -> Iterator[str]:
        for name, options in self.own.items():
            if not isinstance(options, dict) or not isinstance(options.get(TARGET), str):
                yield f"{where}.{name} has no _target_: name its class, e.g. {TARGET}: my_loggers.MyLogger."


SHIPPED: dict[str, type[Any]] = {
    "csv": CsvOptions,
    "wandb": WandbOptions,
    "tensorboard": TensorBoardOptions,
    "mlflow": MlflowOptions,
    "trackio": TrackioOptions,
}

# What an option was called before each logger had a node of its own -> what it is called.
MOVED = {f"logger.{name}": f"logger.wandb.{name}" for name in ("project", "entity", "init_timeout", "finish_timeout")}


def adopt_own_loggers(logger: DictConfig) -> None:
    """Move the nodes that a file of the user's own added beside ours (``conf/logger/mine.yaml``) to ``logger.own``."""
    for name in [str(key) for key in logger if key not in LoggerConfig.__dataclass_fields__]:
        if isinstance(logger[name], DictConfig) and TARGET in logger[name]:
            with open_dict(logger):
                logger.own[name] = logger[name]
                del logger[name]


def typed_loggers(logger: DictConfig) -> LoggerConfig:
    """The group as it was composed, as its dataclass; the nodes of the user's own are moved in a copy."""
    logger = logger.copy()
    adopt_own_loggers(logger)
    return cast(LoggerConfig, OmegaConf.to_object(logger))
