"""Every finished run under some folders as one table."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_transfer.errors import UserError
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.report.analysis.entries import comparable_config
from sentiment_transfer.results.record import RunResult

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_FOLDERS = ("outputs", "multirun")
METRICS = ("error", "accuracy", "macro_f1", "f1_positive", "ece")
RUN_COLUMNS = ("run", "folder", "model", "layers", "parameters", "source", "seed", "created", "status", "caveats")
SCORE_COLUMNS = (
    *("dataset", "role", "language", "domain", "protocol", "labels", "selection", "n", "metric", "value", "floor"),
    *METRICS,
    "zero_shot",
)
DATASETS = ("source", "targets")
KNOWN = ("model.name", "model.encoder", "model.layers")  # options that are columns by another name, or follow from it
MANY = 5  # unreadable runs that a warning names


def results(*folders: str | Path) -> pd.DataFrame:
    """Every finished run under ``folders`` (at any depth), one row per run, dataset and selection.

    >>> results("multirun").query("role == 'target' and selection == 'last'").pivot_table("value", "layers", "dataset")

    Args:
        folders: folders that runs were written to; without any, ``outputs`` and ``multirun`` where they exist.

    Columns (metrics are fractions in 0..1):
        run, folder: its name and its directory.
        model, layers, parameters: of the trained classifier.
        source, seed, created, status, caveats: datasets trained on, joined by ``+``; ISO 8601; finished or degenerate
            (only one class is predicted); caveats joined by ``; ``.
        dataset, role, language, domain: what it was scored on; source or target.
        protocol, labels: zero-shot, cross-domain, supervised, few-shot ...; labelled reviews of the dataset's training
            split that it was trained on (missing where that is not known).
        selection: the weights: last, source_dev, average, oracle (on request; not a zero-shot score).
        n, metric, value, floor: test reviews; the dataset's headline metric, its value, and that of the best constant
            answer.
        error, accuracy, macro_f1, f1_positive, ece: whatever the headline metric is.
        zero_shot: of few-shot runs, the headline metric before they saw labels.
        <option>: one column for each option in which these runs differ, by its full name: ``trainer.max_epochs``.

    A run that was found twice counts once, and datasets of the user's own that share a name are told apart by their
    files, as in the report. Runs that cannot be read are left out with a warning. Predictions are not read.

    Raises UserError where a folder does not exist.
    """
    import pandas as pd

    for folder in folders:
        if not isinstance(folder, str | Path):
            raise UserError(
                f"{folder!r} is no folder: type results({str(folders[0])!r})."
                if not isinstance(folder, list | tuple)
                else f"results takes folders one by one: type results({', '.join(repr(str(each)) for each in folder)})."
            )
    paths = [Path(folder).expanduser() for folder in folders]
    found = collect(paths or [Path(name) for name in DEFAULT_FOLDERS if Path(name).is_dir()])
    if found.unreadable:
        more = len(found.unreadable) - MANY
        listed = "\n".join(found.unreadable[:MANY]) + (f"\n... and {more} more" if more > 0 else "")
        warnings.warn(f"{len(found.unreadable)} of the runs are left out:\n{listed}", stacklevel=2)
    options = differing_options(found.results)
    rows = [
        run_columns(result, found.folders[result["run_id"]]) | scores | options[result["run_id"]]
        for result in found.results
        for scores in score_rows(result)
    ]
    names = dict.fromkeys([*RUN_COLUMNS, *SCORE_COLUMNS, *(key for each in options.values() for key in each)])
    return pd.DataFrame(rows, columns=[*names])


def run_columns(result: RunResult, folder: Path) -> dict[str, Any]:
    model = result["model"]
    return {
        "run": result["run_id"],
        "folder": str(folder),
        "model": model["name"],
        "layers": model["layers"],
        "parameters": model["parameters"],
        "source": "+".join(result["source"]["names"]),
        "seed": result["seed"],
        "created": result["created"],
        "status": result["status"],
        "caveats": "; ".join(result["caveats"]),
    }


def score_rows(result: RunResult) -> Iterator[dict[str, Any]]:
    """The columns SCORE_COLUMNS for each dataset and selection of a run."""
    for dataset, entry in result["scores"].items():
        budget = entry.get("label_budget")
        for selection, found in entry["selections"].items():
            scores: Mapping[str, Any] = dict(found)
            yield {
                "dataset": dataset,
                "role": entry["role"],
                "language": entry["language"],
                "domain": entry["domain"],
                "protocol": entry["protocol"],
                "labels": budget["total"] if budget else None,
                "selection": selection,
                "n": entry["n"],
                "metric": entry["metric"],
                "value": scores[entry["metric"]],
                "floor": scores["floor"].get(entry["metric"]),
                **{name: scores.get(name) for name in METRICS},
                "zero_shot": entry.get("zero_shot"),
            }


def differing_options(runs: Iterable[RunResult]) -> dict[str, dict[str, Any]]:
    """Run id -> the options in which the runs differ; None where a run does not have one.

    A dataset that only some runs have sets nothing apart: the column ``dataset`` shows it.
    """
    flat = {run["run_id"]: dict(_flattened(comparable_config(run))) for run in runs}
    keys = dict.fromkeys(key for options in flat.values() for key in options)
    differing = []
    for key in keys:
        values = {
            json.dumps(options.get(key), sort_keys=True, default=str) for options in flat.values() if key in options
        }
        partly = any(key not in options for options in flat.values())
        of_dataset = key.partition(".")[0] in DATASETS
        if key not in KNOWN and (len(values) > 1 or (partly and not of_dataset)):
            differing.append(key)
    return {run: {key: options.get(key) for key in differing} for run, options in flat.items()}


def _flattened(value: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        name = f"{where}{key}"
        if isinstance(item, Mapping) and item:
            yield from _flattened(item, f"{name}.")
        else:
            yield name, item
