"""``train`` and ``evaluate``: the commands of the same names, from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from sentiment_transfer.api.datasets import as_choice
from sentiment_transfer.api.options import Override, is_typable, of_options, set_untypable
from sentiment_transfer.api.run import Run
from sentiment_transfer.composing import composed

# After composing, which registers the datasets and says what is wrong with them: cli would end the program.
from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.program_options import EvaluateConfig
from sentiment_transfer.config.run_name import evaluation_name, run_name
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.outdated import refuse_outdated
from sentiment_transfer.results.record import is_finished

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from omegaconf import DictConfig

PathLike: TypeAlias = str | os.PathLike[str]
Table: TypeAlias = Union["pd.DataFrame", "pa.Table"]  # or a datasets.Dataset, or a polars DataFrame
Dataset: TypeAlias = PathLike | Table  # a name, a file of the user's, or a table
Own: TypeAlias = Mapping[str, Dataset | Mapping[str, Any]]  # name -> file, table, or options ("path" among them)
Datasets: TypeAlias = Dataset | Own | Sequence[PathLike | Own]

DEFAULT_CACHE = "~/.cache/sentiment-transfer"  # as conf/paths/default.yaml has it


def train(
    model: str | None = None,
    source: Datasets | None = None,
    targets: Datasets | None = None,
    seed: int | None = None,
    *,
    experiment: str | None = None,
    protocol: str | None = None,
    logger: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Run:
    """Train on a source, score on targets: ``python train.py`` with the same options, and the same run.

    It has the same directory and the same numbers, is not repeated where it is finished, and continued where it was
    interrupted (by Ctrl-C or a notebook's interrupt too: call again).

    >>> run = train("e5_small", source="uci_en", targets=["smsa_id"], logger="csv", options={"model.layers": 3})
    >>> run.scores, run.predictions, run.load().predict(["Bagus sekali."])

    Args:
        model: an option of the group ``model``, such as base, large or e5_small (default: the experiment's, else base).
        source: what is trained on (default: the experiment's, else amazon_en). A dataset is given by name
            (``"uci_en"``), as a file of your own (``"shop.en.csv"``) or as a DataFrame with columns text and label;
            several as a list. ``{"shop_en": frame}`` names your own, and ``{"shop": {"path": frame, "language": "en",
            "text": "review", "label": "stars"}}`` gives it options, those of an own file on the command line.
        targets: what is scored (default: the experiment's, else the paper's four), in the same forms; "none" for none.
        seed: of everything random (default: 0).
        experiment: a file in ``conf/experiment``, such as demo, in place of the other defaults.
        protocol: zero_shot (default), few_shot, joint or supervised.
        logger: wandb (default), csv or none.
        options: all others by their full names: ``{"trainer.max_epochs": 2}``. The most used ones:
            ``model.layers`` (keep the first k), ``trainer.max_epochs``, ``trainer.batch_size``,
            ``trainer.micro_batch_size`` (to fit memory), ``trainer.accelerator`` (cpu, gpu), ``trainer.precision``,
            ``optimizer.learning_rate``, ``data.max_length`` (tokens), ``data.dedup``, ``source.<name>.limit`` (rows),
            ``protocol.shots``, ``paths.output_dir``, ``paths.data_dir``. ``python train.py --help`` lists them all.

    Raises:
        UserError: a sentence (or a few) on what is wrong and what to type: an option, a dataset, memory, disk, network.
        RunInterrupted: a KeyboardInterrupt; the run was saved.
    """
    arguments: dict[str, Any] = {
        "experiment": experiment,
        "model": model,
        "source": source,
        "targets": targets,
        "protocol": protocol,
        "logger": logger,
        "seed": seed,
    }
    config, typed = _composed("config", arguments, options)
    settings = validate(config)
    folder = Path(settings.paths.output_dir).expanduser().absolute() / run_name(config)
    if not _is_complete(folder):
        from sentiment_transfer import cli
        from sentiment_transfer.api.session import as_command

        with as_command("train.py", typed, folder, config):
            cli.train_unless_finished(settings, folder)
    return Run(folder)


def evaluate(
    checkpoint: PathLike | Run,
    targets: Datasets | None = None,
    *,
    labels: Mapping[str, str | None] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Run:
    """Score a trained model on targets: ``python evaluate.py`` with the same options, and the same record.

    What has been scored before is not repeated.

    >>> evaluate(run, targets={"shop_ja": frame}).scores

    Args:
        checkpoint: what ``train`` returned, a run's directory, an exported folder, or the name or folder of a Hugging
            Face sequence classifier.
        targets: as in ``train`` (default: the paper's four).
        labels: of another project's classifier, its labels: ``{"LABEL_0": "negative", "LABEL_1": None}``.
        options: all others by their full names: ``data.dedup``, ``data.max_length``, ``revision``, ``accelerator``,
            ``precision``, ``batch_tokens``, ``targets.<name>.limit``, ``paths.output_dir``, ``paths.data_dir``.

    Raises:
        UserError: a sentence (or a few) on what is wrong and what to type.
        RunInterrupted: a KeyboardInterrupt.
    """
    where = _typed_folder(checkpoint.folder) if isinstance(checkpoint, Run) else os.fspath(checkpoint)
    arguments = {"checkpoint": where, "targets": targets, "labels": labels}
    config, typed = _composed("evaluate", arguments, options)
    settings = validate(config, EvaluateConfig)
    folder = Path(settings.paths.output_dir).expanduser().absolute() / evaluation_name(config)
    if not _is_complete(folder):
        from sentiment_transfer import cli
        from sentiment_transfer.api.session import as_command

        with as_command("evaluate.py", typed, folder, None):
            cli.evaluate_unless_finished(settings, folder)
    return Run(folder)


def _composed(
    command: str, arguments: Mapping[str, Any], options: Mapping[str, Any] | None
) -> tuple[DictConfig, list[str]]:
    """The configuration of a call, and the command line of the same run."""
    others = [*of_options(options, arguments)]
    given = {key: value for key, value in arguments.items() if value is not None}
    cache_dir = str((options or {}).get("paths.cache_dir") or os.environ.get("SENTIMENT_CACHE_DIR") or DEFAULT_CACHE)
    overrides = [
        Override(key, as_choice(key, value, options or {}, cache_dir) if key in ("source", "targets") else value)
        for key, value in given.items()
    ]
    overrides += others
    for key, value in overrides:
        if key in ("model", "experiment", "protocol", "logger") and not isinstance(value, str):
            raise UserError(f'{key}={value!r} is a {type(value).__name__}: give the name of one, {key}="...".')
    config = composed(command, [each.typed for each in overrides if is_typable(each.value)])
    set_untypable(config, [each for each in overrides if not is_typable(each.value)])
    return config, [each.typed for each in overrides]


def _is_complete(folder: Path) -> bool:
    """Raises UserError for a finished run whose files have changed."""
    if is_finished(folder):
        refuse_outdated(folder)
        return True
    return False


def _typed_folder(folder: Path) -> str:
    """Relative to the working directory, where it lies below: as it would be typed."""
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
