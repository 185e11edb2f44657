"""Runs that differ by the labels of a target that they were trained on, put together by model, source and target.

These runs are no zero-shot runs and stand in none of the report's other numbers: ``by_labels`` tells them apart.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sentiment_transfer.config.protocol import options_of
from sentiment_transfer.config.run_name import training_settings
from sentiment_transfer.report.analysis.budgets import Budget, LabelUse, Study
from sentiment_transfer.report.analysis.evidence import Evidence, score_of
from sentiment_transfer.report.analysis.findings import Estimate
from sentiment_transfer.report.analysis.label_value import sentences
from sentiment_transfer.report.analysis.runs import one_fold
from sentiment_transfer.results.record import DatasetScores, RunResult
from sentiment_transfer.statistics.budgets import Runs, over_runs
from sentiment_transfer.statistics.interval import bounded_intervals, contrasts
from sentiment_transfer.statistics.resampling import Scored

ORDER = ("none", "target_only", "sequential", "joint")
Place = tuple[str, int | None]  # use of the labels, and how many per class
Uses = dict[Place, list[RunResult]]


@dataclass
class Gathered:
    """The runs of one model on one target, by what they were trained on of it."""

    run: RunResult  # any of them
    entry: DatasetScores  # its record of the target
    sources: dict[str, Uses] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    alone: Uses = field(default_factory=lambda: defaultdict(list))


def by_labels(run: RunResult) -> bool:
    """Whether a run is of another protocol than zero-shot, or than training on the whole of a set."""
    return bool(options_of(run["config"].get("protocol")))


def studies(results: Sequence[RunResult], evidence: Evidence, selection: str) -> Iterator[Study]:
    """A study for each model, source and target of which there is a run by labels."""
    gathered: dict[str, Gathered] = {}
    for run in results:
        for target, entry in run["scores"].items():
            if selection in entry["selections"] and "label_budget" in entry and "averaged" not in run["model"]:
                put(gathered, run, target, entry)
    for key, of in gathered.items():
        target = json.loads(key)[0]
        for source, uses in (of.sources or {"": {}}).items():
            runs = {**uses, **of.alone}
            if any(by_labels(run) for use in runs.values() for run in use):
                yield study(of, source, target, runs, evidence, selection)


def put(gathered: dict[str, Gathered], run: RunResult, target: str, entry: DatasetScores) -> None:
    labels = entry["label_budget"]
    role, config = entry["role"], run["config"]
    if role == "source" and len(run["source"]["names"]) > 1:
        return  # a mixture that holds the target's labels as a matter of course
    if role == "source" and by_labels(run) and "per_class" not in labels:
        return  # of a few-shot run, on its own source
    of = gathered.setdefault(key_of(config, target), Gathered(run, entry))
    label_use: LabelUse = labels.get("label_use", "none")  # type: ignore[assignment]
    place = (label_use, labels.get("per_class"))
    if role == "source":
        of.alone[place].append(run)
    else:
        of.sources["+".join(run["source"]["names"])][place].append(run)


def key_of(config: Mapping[str, Any], target: str) -> str:
    """Target, its settings and the recipe: what runs of one study have in common beside their source."""
    left = {key: value for key, value in training_settings(config).items() if key not in ("seed", "source", "protocol")}
    dedup = (config.get("data") or {}).get("dedup")  # other test rows
    own = {**(config.get("source") or {}), **(config.get("targets") or {})}.get(target)
    return json.dumps([target, own, left, dedup], sort_keys=True, default=str)


def study(
    of: Gathered,
    source: str,
    target: str,
    uses: Mapping[Place, Sequence[RunResult]],
    evidence: Evidence,
    selection: str,
) -> Study:
    metric, n = of.entry["metric"], of.entry["n"]
    order = sorted(uses, key=lambda place: (ORDER.index(place[0]), place[1] is None, place[1] or 0))
    scored = {place: scores(uses[place], target, selection, metric, evidence) for place in order}
    made = Study(
        model=of.run["model"]["name"],
        source=source,
        target=target,
        fold=one_fold(of.run),
        metric=metric,
        selection=selection,
        n=n,
        budgets=tuple(budget(place, uses[place], scored[place], target, n) for place in order),
        sentences=(),
    )
    by_budget = dict(zip(made.budgets, scored.values(), strict=True))
    return replace(made, sentences=tuple(sentences(made, by_budget)))


def scores(runs: Iterable[RunResult], target: str, selection: str, metric: str, evidence: Evidence) -> Runs:
    found: dict[tuple[int, int], Scored] = {}
    for run in runs:
        entry = run["scores"][target]
        draw = entry["label_budget"].get("sample_seed", 0)
        key = (run["run_id"], target, selection)
        found[run["seed"], draw] = score_of(evidence, key, metric, entry, run["model"]["name"])
    return found


def budget(place: Place, runs: Sequence[RunResult], scored: Runs, target: str, n: int) -> Budget:
    of = contrasts(np.ones((1, 1)), over_runs([scored]))
    low, high = bounded_intervals(of, n)
    scope = "seeds and examples" if len(scored) > 1 else "examples"
    label_use, per_class = place
    return Budget(
        label_use=label_use,  # type: ignore[arg-type]
        labels=runs[0]["scores"][target]["label_budget"]["total"],
        per_class=per_class,
        mean=Estimate(float(of.values[0]), float(low[0]), float(high[0]), scope),  # type: ignore[arg-type]
        seeds=len({seed for seed, _ in scored}),
        draws=len({draw for _, draw in scored}) if per_class else 1,
        run_ids=tuple(run["run_id"] for run in runs),
    )
