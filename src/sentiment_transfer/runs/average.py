"""The mean of several runs' weights, scored and recorded as a run."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import safe_open

from sentiment_transfer.config.typed import from_plain
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.runs.average_command import RunsToAverage
from sentiment_transfer.runs.build import prepare
from sentiment_transfer.runs.directory import run_directory
from sentiment_transfer.runs.record import finish, run_info
from sentiment_transfer.runs.score import network_predict, score
from sentiment_transfer.training.selection import SavedWeights
from sentiment_transfer.training.trainer import make_trainer, quiet_lightning
from sentiment_transfer.training.weights import running_mean, write_state


def average(runs: RunsToAverage, folder: Path) -> RunResult:
    """Average, score and record in ``folder``. Raises UserError if the runs' weights do not match each other."""
    folder.mkdir(parents=True, exist_ok=True)
    with run_directory(folder):
        started = time.monotonic()
        quiet_lightning()
        config = from_plain(runs.results[0]["config"])
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
            info, run_id=runs.run_id, model=model, selections={"last": mean.record}, history=[], trained=None
        )
        return finish(folder, info, parts.data, scored, parts)


def mean_state(paths: list[Path]) -> dict[str, torch.Tensor]:
    """The mean of each floating-point tensor over the files, in fp32; all other tensors are equal in all files.

    Raises UserError if the files hold different tensors, or embeddings of different tokens.
    """
    with safe_open(paths[0], "pt") as first:
        state = {name: first.get_tensor(name) for name in first.keys()}  # noqa: SIM118, not a dict
    for count, path in enumerate(paths[1:], start=2):
        with safe_open(path, "pt") as file:
            if set(file.keys()) != set(state):
                raise UserError(f"{path} holds other tensors than {paths[0]}: they are not of the same architecture.")
            for name, tensor in state.items():
                other = file.get_tensor(name)
                if other.shape != tensor.shape or not (other.is_floating_point() or torch.equal(other, tensor)):
                    raise UserError(
                        f"{path} does not fit {paths[0]} ({name}): the runs' texts had other tokens. Average runs that "
                        "were trained and scored on the same data, or with model.trim_vocabulary=false."
                    )
                state[name] = running_mean(tensor, other, count)
    return state
