"""Published results (``published.yaml``), and whether they are comparable with a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sentiment_transfer.config.dataset import catalogue_name
from sentiment_transfer.formatting import metric_title
from sentiment_transfer.results.record import DatasetScores

FILE = Path(__file__).with_name("published.yaml")


@dataclass(frozen=True)
class PublishedNumber:
    """One entry of ``published.yaml``, whose header documents the fields."""

    target: str
    metric: str
    classes: int | None
    training: str
    system: str
    model: str | None
    sources: tuple[str, ...] | None
    protocol: str
    value: float  # as printed, in ``unit``
    unit: str
    status: str
    source: str
    n: int | None = None
    note: str = ""

    @property
    def fraction(self) -> float:
        """The value in 0..1, as in the records of runs."""
        return self.value / 100 if self.unit == "%" else self.value


class Comparison(NamedTuple):
    """A published number beside a run's score."""

    row: PublishedNumber
    comparable: bool
    reason: str  # why it is not comparable; empty if it is


@cache
def published() -> tuple[PublishedNumber, ...]:
    """All published numbers, in the order of the file."""
    from omegaconf import OmegaConf

    entries: Any = OmegaConf.to_container(OmegaConf.load(FILE))
    return tuple(
        PublishedNumber(**{**entry, "sources": entry["sources"] and tuple(entry["sources"])}) for entry in entries
    )


def compare(
    target: str, entry: DatasetScores, sources: Sequence[str], model: str, config: Mapping[str, Any] | None = None
) -> list[Comparison]:
    """Every published number for ``target``, and whether it is comparable with the scores in ``entry``.

    ``config`` is the configuration of the run, which says which datasets its names stand for: a file of the user's that
    is called ``amazon_ja`` is not AmazonJA. Without it, or where it does not say, a name is that of the catalogue.

    It is if metric, classes, protocol, training datasets and number of test reviews are the same; the encoder may
    differ, since that is what is compared. ``sources`` are the run's training datasets, ``model`` is its ``model=``
    option; numbers of the same encoder come first.
    """
    target, *sources = (_in_catalogue(name, config or {}) for name in (target, *sources))
    rows = [row for row in published() if row.target == target]
    rows.sort(key=lambda row: row.model != model)
    reasons = [why_not(row, entry, sources) for row in rows]
    return [Comparison(row, not reason, reason) for row, reason in zip(rows, reasons, strict=True)]


def _in_catalogue(name: str, config: Mapping[str, Any]) -> str:
    for group in ("targets", "source"):
        settings = (config.get(group) or {}).get(name)
        if isinstance(settings, Mapping):
            return catalogue_name(name, settings)
    return name


def why_not(row: PublishedNumber, entry: DatasetScores, sources: Sequence[str]) -> str:
    """The first reason why a published number is not comparable; empty if it is."""
    if row.protocol != entry["protocol"]:
        return f"{row.protocol}, this run is {entry['protocol']}"
    if row.metric == "f1":
        return "the kind of F1 is not stated"
    if row.metric != entry["metric"]:
        return f"{metric_title(row.metric)}, ours is {metric_title(entry['metric'])}"
    if row.classes != len(entry["classes"]):
        return f"{row.classes or 'an unstated number of'} classes, ours {len(entry['classes'])}"
    if row.sources is None:
        return f"trained on {row.training}; the dataset is not stated"
    if set(row.sources) != set(sources):
        return f"trained on {row.training}, this run on {'+'.join(sources)}"
    if row.n is not None and row.n != entry["n"]:
        return f"{row.n:,} test reviews, ours {entry['n']:,}"
    return ""
