"""Which epoch's weights a score is computed with: pure functions of a run's history.

English development accuracy is often uncorrelated with accuracy on the target (Keung et al. 2020,
arXiv 2004.15001), so a score is shown for the last epoch, for the best on the source's development set, for the mean of
all epochs' weights, which needs no label at all (Schmidt et al. 2023, arXiv 2305.16834), and, on request and labelled
as no zero-shot number, for the best on the target's own.

Where weights are named by an epoch, ``-n`` stands for the mean of the first n epochs' weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

History = list[dict[str, Any]]  # one entry per epoch: epoch, train {...}, dev {name: {loss, error, macro_f1, n}}


def weights_path(folder: Path, epoch: int) -> Path:
    """Where an epoch's weights are; of ``-n``, the mean of the first n epochs'."""
    return folder / "weights" / (f"epoch-{epoch}.safetensors" if epoch >= 0 else f"average-of-{-epoch}.safetensors")


def epochs_for(
    history: History, dataset: str, source_dev: list[str], *, oracle: bool = False, average: bool = False
) -> dict[str, int]:
    """Selection -> epoch (from 0) for scoring ``dataset``; a selection without a development set is left out."""
    chosen = {"last": history[-1]["epoch"]}
    if source_dev:
        chosen["source_dev"] = _best(history, source_dev)
    if average:
        chosen["average"] = -len(history) if len(history) > 1 else chosen["last"]
    if oracle and dataset in history[-1]["dev"]:
        chosen["oracle"] = _best(history, [dataset])
    return chosen


def epochs_needed(history: History, datasets: list[str], source_dev: list[str], *, oracle: bool = False) -> set[int]:
    """The epochs whose weights any selection of any dataset points to."""
    needed = set(epochs_for(history, "", source_dev).values())
    for dataset in datasets:
        needed |= set(epochs_for(history, dataset, source_dev, oracle=oracle).values())
    return needed


def source_dev_error(entry: dict[str, Any], names: list[str]) -> float:
    """Error over the pooled development sets of the source, 0..1."""
    rows = sum(entry["dev"][name]["n"] for name in names)
    return sum(entry["dev"][name]["error"] * entry["dev"][name]["n"] for name in names) / rows


def _best(history: History, names: list[str]) -> int:
    """The earliest epoch with the lowest error; the lower loss decides between equal errors."""

    def rank(entry: dict[str, Any]) -> tuple[float, float]:
        loss = sum(entry["dev"][name]["loss"] for name in names)
        return round(source_dev_error(entry, names), 12), loss

    return int(min(history, key=rank)["epoch"])
