"""Which runs may be averaged: those whose weights lie in one basin, because they began alike."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sentiment_transfer.config.run_name import flatten, training_settings
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.record import RunResult, read_result
from sentiment_transfer.training.selection import weights_path

SELECTIONS = ("last", "source_dev", "average")
MAY_DIFFER = ("seed", "protocol.sample_seed")


@dataclass(frozen=True)
class Chosen:
    """Runs to average, each with the file of its weights."""

    folders: list[Path]
    results: list[RunResult]
    weights: list[Path]
    selection: str

    @property
    def run_id(self) -> str:
        first = self.results[0]
        told = hashlib.sha256("\0".join([*sorted(r["run_id"] for r in self.results), self.selection]).encode())
        source = "+".join(first["source"]["names"])
        return f"{first['model']['name']}-{source}-mean-of-{len(self.results)}-{told.hexdigest()[:8]}"


def chosen_runs(folders: Sequence[Path], selection: str) -> Chosen:
    """The runs in these folders. Raises UserError where they cannot be averaged, with the reason."""
    results = [read_result(folder) for folder in folders]
    if len({result["run_id"] for result in results}) < 2:
        raise UserError("A mean needs two different runs or more: name their directories.")
    if len({result["run_id"] for result in results}) < len(results):
        raise UserError("One of these runs is named twice: name each once.")
    refuse_other_settings(folders, results)
    refuse_other_beginnings(results)
    weights = [weights_of(folder, result, selection) for folder, result in zip(folders, results, strict=True)]
    return Chosen(list(folders), results, weights, selection)


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
                "their draw of examples) are averaged."
            )
        if list(result["scores"]) != list(results[0]["scores"]):
            raise UserError(f"{folder} was scored on other sets than {folders[0]}: name runs with the same targets.")


def refuse_other_beginnings(results: Sequence[RunResult]) -> None:
    init_seed = results[0]["config"]["model"].get("init_seed")
    same_start = len({result["seed"] for result in results}) == 1
    if init_seed is None and not same_start:
        raise UserError(
            "These runs began with different heads, drawn by their seeds, and the mean of unrelated heads is no "
            "classifier. Train them with one: python train.py -m model.init_seed=0 seed=0,1,2."
        )


def weights_of(folder: Path, result: RunResult, selection: str) -> Path:
    if selection not in result["selections"]:
        raise UserError(f"{folder} has no selection {selection}: it has {', '.join(result['selections'])}.")
    path = weights_path(folder, result["selections"][selection]["epoch"])
    if not path.is_file():
        raise UserError(f"{folder} has not kept its weights ({path.name}): train it with trainer.keep_weights=true.")
    return path
