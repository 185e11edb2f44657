"""Selections: the weights of a run that a score is computed with, as pure functions of its history.

English development accuracy is often uncorrelated with accuracy on the target (Keung et al. 2020, arXiv 2004.15001), so
scores are reported for the last epoch (``last``), for the epoch that is best on the source's development set
(``source_dev``), for the mean of all epochs' weights, which needs no labels (``average``; Schmidt et al. 2023,
arXiv 2305.16834) and, on request, for the epoch that is best on the target's development set (``oracle``, which is not
zero-shot).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

History = list[dict[str, Any]]  # one entry per epoch: epoch, train {...}, dev {name: {loss, error, macro_f1, n}}
Kind = Literal["epoch", "mean_of_epochs", "mean_of_runs"]


@dataclass(frozen=True)
class SavedWeights:
    """Weights in a run's directory: those at an epoch's end (``number`` counts from 0), the mean of the first
    ``number`` epochs, or the mean of ``number`` runs."""

    kind: Kind
    number: int

    def path(self, folder: Path) -> Path:
        name = f"epoch-{self.number}" if self.kind == "epoch" else f"average-of-{self.number}"
        return folder / "weights" / f"{name}.safetensors"

    @property
    def record(self) -> dict[str, Any]:
        """``{"epoch": 3}`` or ``{"mean_of_epochs": 4}``, as a selection in ``result.json``."""
        return {self.kind: self.number}

    def __str__(self) -> str:
        if self.kind == "epoch":
            return f"epoch {self.number + 1}"
        return f"the mean of {self.number} {self.kind.removeprefix('mean_of_')}"


def at_epoch(epoch: int) -> SavedWeights:
    return SavedWeights("epoch", epoch)


def mean_of_epochs(count: int) -> SavedWeights:
    return SavedWeights("mean_of_epochs", count)


def recorded(selection: Mapping[str, Any]) -> SavedWeights | None:
    """The weights of a selection in ``result.json``; None if it names none, or different ones per target (oracle)."""
    numbers = ((kind, selection.get(kind)) for kind in get_args(Kind))
    return next((SavedWeights(kind, number) for kind, number in numbers if isinstance(number, int)), None)


def select(
    history: History, dataset: str, source_dev: list[str], *, oracle: bool = False, average: bool = False
) -> dict[str, SavedWeights]:
    """Selection -> weights for scoring ``dataset``; selections whose development set is missing are left out."""
    selected = {"last": at_epoch(history[-1]["epoch"])}
    if source_dev:
        selected["source_dev"] = _best(history, source_dev)
    if average:
        selected["average"] = mean_of_epochs(len(history)) if len(history) > 1 else selected["last"]
    if oracle and dataset in history[-1]["dev"]:
        selected["oracle"] = _best(history, [dataset])
    return selected


def weights_needed(
    history: History, datasets: list[str], source_dev: list[str], *, oracle: bool = False
) -> set[SavedWeights]:
    """The epochs' weights that any selection of any dataset uses; the means are not included."""
    needed = set(select(history, "", source_dev).values())
    for dataset in datasets:
        needed |= set(select(history, dataset, source_dev, oracle=oracle).values())
    return needed


def source_dev_error(entry: dict[str, Any], names: list[str]) -> float:
    """Error over the pooled development sets of the source, in [0, 1]."""
    rows = sum(entry["dev"][name]["n"] for name in names)
    return float(sum(entry["dev"][name]["error"] * entry["dev"][name]["n"] for name in names) / rows)


def _best(history: History, names: list[str]) -> SavedWeights:
    """The earliest epoch with the lowest error; the lower loss decides between equal errors."""

    def rank(entry: dict[str, Any]) -> tuple[float, float]:
        loss = sum(entry["dev"][name]["loss"] for name in names)
        return round(source_dev_error(entry, names), 12), loss

    return at_epoch(int(min(history, key=rank)["epoch"]))
