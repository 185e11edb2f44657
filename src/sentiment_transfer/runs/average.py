"""The mean of several runs' weights, scored under the contract of a run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf, open_dict
from safetensors import safe_open

from sentiment_transfer.config.schema import Config
from sentiment_transfer.data.registry import typed_dataset
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.mistakes import write_mistakes
from sentiment_transfer.results.predictions import write_predictions
from sentiment_transfer.results.record import RunResult, write_result
from sentiment_transfer.runs.averaged_runs import Chosen
from sentiment_transfer.runs.directory import disk_errors_as_sentences, exclusive_lock
from sentiment_transfer.runs.prepare import prepare_scoring
from sentiment_transfer.runs.record import Outcome, make_result, to_mistakes, to_predictions
from sentiment_transfer.runs.score import score
from sentiment_transfer.training.selection import weights_path
from sentiment_transfer.training.trainer import make_trainer, quiet_lightning
from sentiment_transfer.training.weights import running_mean, write_state


def score_mean(chosen: Chosen, folder: Path) -> RunResult:
    """Average, score and record in ``folder``, ``result.json`` last. Raises UserError where the runs do not fit."""
    folder.mkdir(parents=True, exist_ok=True)
    with disk_errors_as_sentences(folder), exclusive_lock(folder):
        return compute(chosen, folder)


def compute(chosen: Chosen, folder: Path) -> RunResult:
    started = time.monotonic()
    quiet_lightning()
    config = typed_config(chosen.results[0]["config"])
    count = len(chosen.weights)
    write_state(mean_state(chosen.weights), weights_path(folder, -count))

    data, tokenizer, module = prepare_scoring(config, chosen.folders[0])
    trainer = make_trainer(config.trainer, config.optimizer, folder, loggers=[], callbacks=[], progress_bar=False)
    prepared = time.monotonic()
    chosen_epochs = {s.name: {"last": -count} for s in data.test_sets}
    probabilities = score(trainer, module, data, folder, [(s, chosen_epochs[s.name]) for s in data.test_sets])
    predictions = {s.name: to_predictions(s.reviews, p) for s, p in zip(data.test_sets, probabilities, strict=True)}
    mistakes = {s.name: to_mistakes(s.reviews, predictions[s.name]) for s in data.test_sets}
    seconds = {
        "train": sum(run["performance"]["seconds"].get("train", 0.0) for run in chosen.results),
        "prepare": prepared - started,
        "score": time.monotonic() - prepared,
        "total": sum(run["performance"]["seconds"].get("total", 0.0) for run in chosen.results)
        + time.monotonic()
        - started,
    }
    outcome = Outcome(chosen.results[0]["history"], chosen_epochs, predictions, mistakes, seconds=seconds)
    result = as_mean(make_result(config, data, module, trainer, outcome), chosen)
    for name, prediction in predictions.items():
        write_predictions(folder, name, prediction)
    write_mistakes(folder, mistakes)
    module.network.config.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    write_result(folder, result)
    return result


def mean_state(paths: list[Path]) -> dict[str, torch.Tensor]:
    """The mean of each tensor over the files, in fp32; what is no floating-point tensor is the same in all of them.

    Raises UserError where the files hold other tensors, or tokens.
    """
    with safe_open(paths[0], "pt") as first:
        state = {name: first.get_tensor(name) for name in first.keys()}  # noqa: SIM118, it is no dict
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


def as_mean(result: RunResult, chosen: Chosen) -> RunResult:
    """The record of a mean: its own name, no history, and the runs that it is of."""
    count = len(chosen.results)
    weights = "" if chosen.selection == "last" else f", {chosen.selection}"
    result["run_id"] = chosen.run_id
    result["model"]["name"] += f", mean of {count} runs{weights}"
    result["model"]["averaged"] = [run["run_id"] for run in chosen.results]
    result["history"] = []
    result["selections"] = {"last": {"epoch": -count}}
    for rates in (result["performance"]["examples_per_second"], result["performance"]["tokens_per_second"]):
        rates.pop("train")  # of no run: its seconds are those of all
    return result


def typed_config(plain: dict[str, Any]) -> DictConfig:
    """The configuration of a record, with the types that it had on the command line."""
    rest = {key: value for key, value in plain.items() if key not in ("source", "targets")}
    config = cast(DictConfig, OmegaConf.merge(OmegaConf.structured(Config), rest))
    with open_dict(config):
        for group in ("source", "targets"):
            config[group] = {name: typed_dataset(of) for name, of in plain[group].items()}
    return config
