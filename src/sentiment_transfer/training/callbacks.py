"""The callbacks that a user adds to a run: made from ``callbacks``, or refused in a sentence before training."""

from __future__ import annotations

import inspect
import io
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from pytorch_lightning.callbacks import (
    BaseFinetuning,
    BatchSizeFinder,
    Callback,
    Checkpoint,
    DeviceStatsMonitor,
    GradientAccumulationScheduler,
    LearningRateFinder,
    LearningRateMonitor,
    ModelPruning,
    ProgressBar,
    StochasticWeightAveraging,
    ThroughputMonitor,
    WeightAveraging,
)
from pytorch_lightning.loggers import Logger

from sentiment_transfer.config.callback_options import SOURCE_DEV
from sentiment_transfer.config.called import TARGET
from sentiment_transfer.config.checks import suggestion
from sentiment_transfer.config.imported import imported
from sentiment_transfer.errors import UserError
from sentiment_transfer.training.ranks import Ranks

_AVERAGE = (
    "it puts its mean into the model when training has ended, after the weights that are scored were saved. The mean "
    "of the epochs' weights is scored with trainer.average=true, the default"
)
# Classes of Lightning -> the reason, with what to type instead.
REFUSED: dict[type[Callback], str] = {
    Checkpoint: "the program saves by itself, so that a run can be resumed. Type trainer.save_every_minutes",
    StochasticWeightAveraging: _AVERAGE,
    WeightAveraging: _AVERAGE,
    GradientAccumulationScheduler: "a step is trainer.batch_size reviews. Type trainer.batch_size, or micro_batch_size",
    BatchSizeFinder: "a sweep halves trainer.micro_batch_size when a job runs out of memory. Type that",
    LearningRateFinder: "the rate is a part of the run's name. Type optimizer.learning_rate",
    BaseFinetuning: "layers are frozen with model.freeze. Type that",
    ModelPruning: "pruned weights have other names than those that are saved and scored. Leave it out",
    ProgressBar: "there is one already. Type logger.progress_bar",
}
NEEDS_LOGGER = (LearningRateMonitor, DeviceStatsMonitor, ThroughputMonitor)


def make_callbacks(callbacks: Mapping[str, Mapping[str, Any]]) -> dict[str, Callback]:
    """The callbacks by name, each made anew from its ``_target_`` and arguments.

    Raises UserError where a target is missing, is no callback, takes other arguments or cannot be used in a run.
    """
    made = {name: _made(f"callbacks.{name}", options) for name, options in callbacks.items()}
    keys: dict[str, str] = {}
    for name, callback in made.items():
        if type(callback).state_dict is not Callback.state_dict:
            _refuse_unreadable_state(f"callbacks.{name}", callback)
            if (other := keys.setdefault(callback.state_key, name)) != name:
                raise UserError(
                    f"callbacks.{name} and callbacks.{other} have the same state_key, by which a checkpoint keeps "
                    "their state: give the class a property state_key that differs, or leave one out."
                )
    return made


def _made(where: str, options: Mapping[str, Any]) -> Callback:
    target = imported(f"{where}.{TARGET}", options[TARGET])
    if isinstance(target, type):
        _refuse_arguments(where, target, options)
    try:
        made = instantiate(dict(options), _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__ or error
        raise UserError(f"{where} cannot be made: {type(cause).__name__}: {str(cause).splitlines()[0]}.") from error
    if not isinstance(made, Callback):
        raise UserError(
            f"{where}._target_={options['_target_']} is not a callback: it must be a subclass of "
            "pytorch_lightning.Callback (of the package pytorch_lightning, not of lightning)."
        )
    for kind, reason in REFUSED.items():
        if isinstance(made, kind):
            raise UserError(f"{where}._target_={options['_target_']} is not used: {reason}.")
    return made


def _refuse_arguments(where: str, target: type, options: Mapping[str, Any]) -> None:
    parameters = inspect.signature(target).parameters
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return
    given = [name for name in options if name not in ("_target_", "_partial_", "_args_", "_convert_", "_recursive_")]
    for name in given:
        if name not in parameters:
            near = suggestion(name, list(parameters)) if parameters else " It takes none."
            raise UserError(f"{where}.{name} is not an argument of {target.__name__}.{near}")
    for name, each in parameters.items():
        needed = each.default is each.empty and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        if needed and name not in given and "_args_" not in options:
            raise UserError(f"{where}.{name} is not set: type {where}.{name}=... on the command line.")


def _refuse_unreadable_state(where: str, callback: Callback) -> None:
    """A checkpoint is read as tensors and plain values; nothing in it is executed."""
    file = io.BytesIO()
    try:
        torch.save(callback.state_dict(), file)
        file.seek(0)
        torch.load(file, weights_only=True)
    except Exception as error:
        raise UserError(
            f"{where}: the state_dict of {type(callback).__name__} cannot be kept in a checkpoint "
            f"({type(error).__name__}). It must hold numbers, texts, lists, dicts and tensors only."
        ) from error


def refuse_unusable_monitors(callbacks: Mapping[str, Callback], dev: Sequence[str], source_dev: Sequence[str]) -> None:
    """Raise UserError where a callback monitors a metric that is not logged, or one of a target's development set.

    ``dev``: names of the development sets; ``source_dev``: those of the source among them.
    """
    own = [*([SOURCE_DEV] if source_dev else []), *(f"dev/{name}" for name in source_dev)]
    known = [f"{each}/{metric}" for each in own for metric in ("loss", "accuracy")]
    known += [f"dev/{name}/f1" for name in source_dev] + [f"train/{metric}" for metric in ("loss", "accuracy", "f1")]
    for name, callback in callbacks.items():
        monitor = getattr(callback, "monitor", None)
        if not isinstance(monitor, str) or monitor in (*known, "train/step_loss"):
            continue
        where = f"callbacks.{name}.monitor={monitor}"
        if not source_dev and monitor.startswith(f"{SOURCE_DEV}/"):
            raise UserError(
                f"{where}: the source of this run has no development set. Leave the callback out, or name another "
                f"source. There are: {', '.join(known)}."
            )
        if any(monitor.startswith(f"dev/{each}/") for each in dev if each not in source_dev):
            raise UserError(
                f"{where} is of a target's development set: training that its labels steer is not zero-shot. Type "
                f"{f'callbacks.{name}.monitor={SOURCE_DEV}/loss' if source_dev else 'another metric'}."
            )
        raise UserError(f"{where} is not logged in this run.{suggestion(monitor, known)}")


def with_loggers(callbacks: Mapping[str, Callback], loggers: Sequence[Logger], ranks: Ranks) -> list[Callback]:
    """The callbacks that this process uses: those that log are the main one's, as the loggers are.

    Raises UserError where one has no logger to write to.
    """
    if loggers:
        return list(callbacks.values())
    logging = [name for name, callback in callbacks.items() if isinstance(callback, NEEDS_LOGGER)]
    if logging and ranks.is_main:
        raise UserError(f"callbacks.{logging[0]} writes to a logger, and this run has none: type logger=csv.")
    return [callback for name, callback in callbacks.items() if name not in logging]
