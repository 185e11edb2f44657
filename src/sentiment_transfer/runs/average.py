"""``python average.py``: the mean of several runs' weights, scored and recorded as a run.

Only runs that started from the same weights may be averaged. torch is imported only if there is something to compute.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sentiment_transfer.commands import command, program_name
from sentiment_transfer.config.run_name import flatten, training_settings
from sentiment_transfer.config.typed import from_plain
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.logs import hide_credentials
from sentiment_transfer.files.names import file_name
from sentiment_transfer.files.text import cache_folder
from sentiment_transfer.results.checks import faults
from sentiment_transfer.results.inputs import Inputs, file_facts
from sentiment_transfer.results.outdated import refuse_outdated
from sentiment_transfer.results.record import RunResult, is_finished, read_result
from sentiment_transfer.results.tables import run_table
from sentiment_transfer.training.selection import SavedWeights, recorded

if TYPE_CHECKING:
    from torch import Tensor

SELECTIONS = ("last", "source_dev", "average")
REMEDY = "Delete the run's folder to train it again, or leave it out."
MAY_DIFFER = ("seed", "protocol.sample_seed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``average.py``; returns the exit code."""
    options = parser().parse_args(arguments)
    hide_credentials()
    try:
        runs = runs_to_average(options.runs, options.selection)
        folder = options.out or options.runs[0].parent / runs.run_id
        if is_finished(folder):
            refuse_outdated(folder)
            print(f"Finished before, in {folder}")
        else:
            average(runs, folder, cache_folder(options.cache_dir))
        Console().print(run_table(read_result(folder), options.verbose))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog=program_name("average"),
        description="Average the weights of finished runs that differ by their seed alone and share the initialisation "
        "of the head (model.init_seed), and score the mean on the same datasets, as a run of its own.",
    )
    options.add_argument("runs", nargs="+", type=Path, help="directories of finished runs, two or more")
    options.add_argument(
        "--selection",
        choices=SELECTIONS,
        default="last",
        help="which weights of each run: the last epoch's (default), those best on the source's development set, or "
        "the mean of its epochs",
    )
    options.add_argument(
        "--cache-dir",
        type=Path,
        help="token stores and compiled kernels (default: SENTIMENT_CACHE_DIR, else ~/.cache/sentiment-transfer; never "
        "that of a record, which may be another user's)",
    )
    options.add_argument("--out", type=Path, help="the new directory (default: beside the first run)")
    options.add_argument(
        "--verbose", action="store_true", help="list published numbers that are not comparable as well"
    )
    return options


@dataclass(frozen=True)
class RunsToAverage:
    """Finished runs and the files of their weights under ``selection``."""

    folders: list[Path]
    results: list[RunResult]
    weights: list[Path]
    selection: str

    @property
    def run_id(self) -> str:
        """The name of the directory. Raises UserError where the first run's model or source leads elsewhere."""
        first = self.results[0]
        model = file_name(first["model"]["name"], "the model in a record")
        source = "+".join(file_name(name, "a dataset in a record") for name in first["source"]["names"])
        content = "\0".join([*sorted(run["run_id"] for run in self.results), self.selection])
        digest = hashlib.sha256(content.encode()).hexdigest()[:8]
        return file_name(f"{model}-{source}-mean-of-{len(self.results)}-{digest}", "the mean of these runs")

    @property
    def label(self) -> str:
        """Appended to the model's name, e.g. ``mean of 3 runs, source_dev``."""
        return f"mean of {len(self.results)} runs" + ("" if self.selection == "last" else f", {self.selection}")

    def seconds(self, stage: str) -> float:
        """Wall-clock seconds of a stage, summed over the runs."""
        return sum(run["performance"]["seconds"].get(stage, 0.0) for run in self.results)


def runs_to_average(folders: Sequence[Path], selection: str) -> RunsToAverage:
    """The runs in these folders. Raises UserError if they cannot be averaged, with the reason."""
    results = [read_result(folder) for folder in folders]
    for folder, result in zip(folders, results, strict=True):
        if found := faults(result):
            raise UserError(f"{folder} has a damaged record ({found[0]}): copy it again, or repeat the run.")
    if len({result["run_id"] for result in results}) < 2:
        raise UserError("A mean needs two different runs or more: name their directories.")
    if len({result["run_id"] for result in results}) < len(results):
        raise UserError("One of these runs is named twice: name each once.")
    refuse_other_settings(folders, results)
    refuse_other_beginnings(results)
    weights = [weights_of(folder, result, selection) for folder, result in zip(folders, results, strict=True)]
    return RunsToAverage(list(folders), results, weights, selection)


def refuse_other_settings(folders: Sequence[Path], results: Sequence[RunResult]) -> None:
    first = dict(flatten(training_settings(results[0]["config"])))
    for folder, result in zip(folders, results, strict=True):
        if "averaged" in result["model"]:
            raise UserError(f"{folder} is a mean of runs already: name the runs themselves.")
        other = dict(flatten(training_settings(result["config"])))
        differing = [k for k in {**first, **other} if first.get(k) != other.get(k) and k not in MAY_DIFFER]
        if differing:
            listed = ", ".join(f"{key} ({first.get(key)}, {other.get(key)})" for key in differing[:3])
            raise UserError(
                f"{folder} was trained otherwise than {folders[0]}: {listed}. Only runs that differ by their seed (or "
                "their sample of examples) are averaged."
            )
        if list(result["scores"]) != list(results[0]["scores"]):
            raise UserError(
                f"{folder} was scored on other datasets than {folders[0]}: name runs with the same targets."
            )


def refuse_other_beginnings(results: Sequence[RunResult]) -> None:
    init_seed = results[0]["config"]["model"].get("init_seed")
    same_start = len({result["seed"] for result in results}) == 1
    if init_seed is None and not same_start:
        raise UserError(
            "These runs began with different heads, drawn by their seeds, and the mean of unrelated heads is no "
            f"classifier. Train them with one: {command('train', '-m', 'model.init_seed=0', 'seed=0,1,2')}."
        )


def weights_of(folder: Path, result: RunResult, selection: str) -> Path:
    weights = recorded(result["selections"].get(selection, {}))
    if weights is None:
        raise UserError(f"{folder} has no selection {selection}: it has {', '.join(result['selections'])}.")
    path = weights.path(folder)
    if not path.is_file():
        raise UserError(f"{folder} has not kept its weights ({path.name}): train it with trainer.keep_weights=true.")
    return path


def average(runs: RunsToAverage, folder: Path, cache: Path) -> RunResult:
    """Average, score and record in ``folder``; ``cache`` is for tokens and kernels. Raises UserError if the runs'
    weights do not match each other."""
    from sentiment_transfer.runs.build import prepare
    from sentiment_transfer.runs.directory import run_directory
    from sentiment_transfer.runs.record import finish, run_info
    from sentiment_transfer.runs.score import network_predict, score
    from sentiment_transfer.training.trainer import make_trainer, quiet_lightning
    from sentiment_transfer.training.weights import write_state

    folder.mkdir(parents=True, exist_ok=True)
    with run_directory(folder):
        started = time.monotonic()
        quiet_lightning()
        config = from_plain(runs.results[0]["config"])
        config = replace(config, paths=replace(config.paths, cache_dir=str(cache)))
        mean = SavedWeights("mean_of_runs", len(runs.weights))
        write_state(mean_state(runs.weights), mean.path(folder))

        parts = prepare(config, trained=runs.folders[0])
        trainer = make_trainer(config.trainer, config.optimizer, folder, loggers=[], callbacks=[], progress_bar=False)
        prepared = time.monotonic()
        wanted = [(split, {"last": mean}) for split in parts.data.test_sets]
        scored = score(wanted, network_predict(trainer, parts.module, parts.data, folder))
        ended = time.monotonic()
        seconds = {
            "train": runs.seconds("train"),
            "prepare": prepared - started,
            "score": ended - prepared,
            "total": runs.seconds("total") + ended - started,
        }
        info = run_info(config, parts, trainer, runs.results[0]["history"], seconds)
        model = info.model | {
            "name": f"{info.model['name']}, {runs.label}",
            "averaged": [run["run_id"] for run in runs.results],
        }
        info = replace(
            info,
            run_id=runs.run_id,
            model=model,
            selections={"last": mean.record},
            history=[],
            trained=None,
            inputs=Inputs(reviews=parts.inputs["reviews"], files=file_facts(runs.weights)),
        )
        return finish(folder, info, parts.data, scored, parts)


def mean_state(paths: list[Path]) -> dict[str, Tensor]:
    """The mean of each floating-point tensor over the files, in fp32; all other tensors are equal in all files. Of
    adapters it is the mean of what they add to the weights.

    Raises UserError if a file is damaged, or they hold different tensors, or embeddings of different tokens.
    """
    import torch

    from sentiment_transfer.checkpoints.stored_weights import read_tensors
    from sentiment_transfer.model.finite import refuse_non_finite
    from sentiment_transfer.model.lora import A, B
    from sentiment_transfer.training.weights import mean_with

    def fits(name: str, one: Tensor, other: Tensor) -> bool:
        if one.ndim == other.ndim == 2 and (A in name or B in name):  # their ranks may differ
            return one.shape[A in name] == other.shape[A in name]
        return one.shape == other.shape and (other.is_floating_point() or torch.equal(other, one))

    state = read_tensors(paths[0], REMEDY)
    refuse_non_finite(state.items(), str(paths[0]), REMEDY)
    for count, path in enumerate(paths[1:], start=2):
        new = read_tensors(path, REMEDY)
        if new.keys() != state.keys():
            raise UserError(f"{path} holds other tensors than {paths[0]}: they are not of the same architecture.")
        refuse_non_finite(new.items(), str(path), REMEDY)
        for name, tensor in state.items():
            if not fits(name, tensor, new[name]):
                raise UserError(
                    f"{path} does not fit {paths[0]} ({name}): the runs' texts had other tokens. Average runs that "
                    "were trained and scored on the same data, or with model.trim_vocabulary=false."
                )
        state = mean_with(state, new, count)
    return state
