"""Runs that differ by seed alone become one group; its scores are means over seeds."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

from sentiment_transfer.identity import NOT_IDENTITY, NOT_IDENTITY_KEYS
from sentiment_transfer.results.record import RunResult

ONE_FOLD = "one of five"


class Column(NamedTuple):
    """What may be averaged and stand under one heading."""

    dataset: str
    metric: str
    classes: int


class Mean(NamedTuple):
    """A mean over seeds with its sample standard deviation (None for one seed), both fractions."""

    mean: float
    deviation: float | None
    seeds: int


@dataclass
class RunGroup:
    """Runs of one configuration that differ by seed (and IndoLEM fold) alone."""

    settings: dict[str, str]  # flattened configuration without seed and folds: model.name -> nano
    runs: list[RunResult]

    @property
    def model(self) -> str:
        return self.runs[0]["model"]["name"]

    @property
    def source(self) -> str:
        return "+".join(self.runs[0]["source"]["names"])

    @property
    def parameters(self) -> int:
        return self.runs[0]["model"]["parameters"]

    @property
    def labels(self) -> list[str]:
        return list(dict.fromkeys(label for run in self.runs for label in run["labels"]))

    @property
    def seeds(self) -> dict[int, list[RunResult]]:
        """Seed -> its runs: one, or one per fold."""
        by_seed: dict[int, list[RunResult]] = defaultdict(list)
        for run in sorted(self.runs, key=lambda run: run["seed"]):
            by_seed[run["seed"]].append(run)
        return dict(by_seed)

    @property
    def degenerate_seeds(self) -> set[int]:
        """Seeds with a collapsed run: a mean over folds with one collapsed has collapsed as well."""
        return {run["seed"] for run in self.runs if run["status"] == "degenerate"}

    def means(self, selection: str, without: Iterable[int] = (), floor: bool = False) -> dict[Column, Mean]:
        """Mean over seeds of each column's metric (or of its floor); ``without`` leaves seeds out.

        Where a seed has one run per fold, their mean is formed first, as IndoLEM's number is published.
        """
        values: dict[Column, list[float]] = defaultdict(list)
        for seed, runs in self.seeds.items():
            if seed in without:
                continue
            for column, of_runs in seed_values(runs, selection, floor).items():
                values[column].append(statistics.fmean(of_runs))
        return {
            column: Mean(statistics.fmean(of), statistics.stdev(of) if len(of) > 1 else None, len(of))
            for column, of in values.items()
        }


def seed_values(runs: list[RunResult], selection: str, floor: bool) -> dict[Column, list[float]]:
    """The values of one seed's runs: one per column, or one per fold."""
    values: dict[Column, list[float]] = defaultdict(list)
    for run in runs:
        for dataset, entry in run["scores"].items():
            if selection in entry["selections"]:
                scores = entry["selections"][selection]
                metric = entry["metric"]
                over_folds = len(runs) > 1 and metric == "f1_positive"
                column = Column(dataset, metric + "_mean_folds" * over_folds, len(entry["classes"]))
                values[column].append((scores["floor"] if floor else scores)[metric])  # type: ignore[literal-required]
    return values


def group_runs(results: Iterable[RunResult]) -> list[RunGroup]:
    """Groups in the order in which their first run was found."""
    groups: dict[str, RunGroup] = {}
    for result in results:
        settings = dict(flatten(comparable_config(result["config"])))
        key = json.dumps(settings, sort_keys=True)
        groups.setdefault(key, RunGroup(settings, [])).runs.append(result)
    return list(groups.values())


def comparable_config(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration without what may differ inside a group: seed, fold number and what changes no number."""
    kept = deepcopy({key: value for key, value in config.items() if key not in (*NOT_IDENTITY, "seed")})
    for group, key in NOT_IDENTITY_KEYS:
        kept.get(group, {}).pop(key, None)
    for datasets in (kept.get("source"), kept.get("targets")):
        for dataset in (datasets or {}).values():
            if dataset.get("fold") is not None:
                dataset["fold"] = ONE_FOLD
    return kept


def flatten(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from flatten(item, f"{where}.{key}" if where else str(key))
    else:
        yield where, value if isinstance(value, str) else json.dumps(value, default=str)


def differences(group: RunGroup, groups: Iterable[RunGroup]) -> dict[str, str]:
    """What sets a group apart from the others of the same model and source (``optimizer.learning_rate: 3e-05``)."""
    alike = [other for other in groups if (other.model, other.source) == (group.model, group.source)]
    keys = dict.fromkeys(key for other in alike for key in other.settings)
    return {
        key: group.settings.get(key, "not set") for key in keys if len({other.settings.get(key) for other in alike}) > 1
    }
