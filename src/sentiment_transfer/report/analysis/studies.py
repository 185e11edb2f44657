"""Runs that differ in the labels of a target that they were trained on, grouped by model, source and target.

These are not zero-shot runs and enter none of the report's other numbers: ``by_labels`` tells them apart.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sentiment_transfer.config.protocol import options_of
from sentiment_transfer.config.run_name import training_settings
from sentiment_transfer.formatting import lower_is_better
from sentiment_transfer.report.analysis.cells import mean_estimate, scope_of
from sentiment_transfer.report.analysis.collect import one_fold
from sentiment_transfer.report.analysis.comparisons import difference, estimate
from sentiment_transfer.report.analysis.datasets import recorded_name
from sentiment_transfer.report.analysis.findings import Budget, LabelGain, LabelUse, Study
from sentiment_transfer.report.analysis.run_scores import RunScores, score_of
from sentiment_transfer.results.record import DatasetScores, RunResult
from sentiment_transfer.statistics.comparisons import family_tests
from sentiment_transfer.statistics.crossing import Crossing, Runs, crossing, over_runs
from sentiment_transfer.statistics.interval import contrasts
from sentiment_transfer.statistics.resampling import Scored

ORDER = ("none", "target_only", "sequential", "joint")
BudgetKey = tuple[str, int | None]  # use of the labels, and number per class
RunsByBudget = dict[BudgetKey, list[RunResult]]


@dataclass
class LabelStudyRuns:
    """The runs of one model on one target, by the labels of it that they were trained on."""

    run: RunResult  # any of them
    entry: DatasetScores  # its record of the target
    sources: dict[str, RunsByBudget] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    target_only: RunsByBudget = field(default_factory=lambda: defaultdict(list))


def by_labels(run: RunResult) -> bool:
    """True for protocols other than zero-shot and full supervision (few-shot, joint, supervised by a few labels)."""
    return bool(options_of(run["config"].get("protocol")))


def studies(results: Sequence[RunResult], run_scores: RunScores, selection: str) -> Iterator[Study]:
    """A study for each model, source and target of which there is a run by labels."""
    grouped: dict[str, LabelStudyRuns] = {}
    for run in results:
        for target, entry in run["scores"].items():
            if selection in entry["selections"] and "label_budget" in entry and "averaged" not in run["model"]:
                put(grouped, run, target, entry)
    for key, group in grouped.items():
        target = json.loads(key)[0]
        for source, budgets in (group.sources or {"": {}}).items():
            runs = {**budgets, **group.target_only}
            if any(by_labels(run) for of_budget in runs.values() for run in of_budget):
                yield study(group, source, target, runs, run_scores, selection)


def put(grouped: dict[str, LabelStudyRuns], run: RunResult, target: str, entry: DatasetScores) -> None:
    labels = entry["label_budget"]
    role, config = entry["role"], run["config"]
    if role == "source" and len(run["source"]["names"]) > 1:
        return  # a mixture contains the target's labels anyway
    if role == "source" and by_labels(run) and "per_class" not in labels:
        return  # a few-shot run on its own source
    group = grouped.setdefault(study_key(config, target), LabelStudyRuns(run, entry))
    label_use: LabelUse = labels.get("label_use", "none")  # type: ignore[assignment]
    budget_key = (label_use, labels.get("per_class"))
    if role == "source":
        group.target_only[budget_key].append(run)
    else:
        group.sources["+".join(run["source"]["names"])][budget_key].append(run)


def study_key(config: Mapping[str, Any], target: str) -> str:
    """Target, its settings and the recipe, which the runs of one study share; their sources may differ."""
    recipe = {
        key: value for key, value in training_settings(config).items() if key not in ("seed", "source", "protocol")
    }
    dedup = (config.get("data") or {}).get("dedup")  # other test rows
    own = {**(config.get("source") or {}), **(config.get("targets") or {})}.get(recorded_name(config, target))
    return json.dumps([target, own, recipe, dedup], sort_keys=True, default=str)


def study(
    group: LabelStudyRuns,
    source: str,
    target: str,
    runs: Mapping[BudgetKey, Sequence[RunResult]],
    run_scores: RunScores,
    selection: str,
) -> Study:
    metric, n = group.entry["metric"], group.entry["n"]
    order = sorted(runs, key=lambda key: (ORDER.index(key[0]), key[1] is None, key[1] or 0))
    scores = {key: scores_of(runs[key], target, selection, metric, run_scores) for key in order}
    budgets = {budget(key, runs[key], scores[key], target, n): scores[key] for key in order}
    return Study(
        model=group.run["model"]["name"],
        source=source,
        target=target,
        fold=one_fold(group.run),
        metric=metric,
        selection=selection,
        n=n,
        budgets=tuple(budgets),
        label_value=label_value(budgets, metric, n),
        gains=tuple(gain for label_use in ("sequential", "joint") for gain in label_gains(budgets, label_use, n)),
    )


def scores_of(
    runs: Iterable[RunResult], target: str, selection: str, metric: str, run_scores: RunScores
) -> dict[tuple[int, int], Scored]:
    """By seed and sample seed."""
    scores = {}
    for run in runs:
        entry = run["scores"][target]
        key = (run["run_id"], target, selection)
        scored = score_of(run_scores, key, metric, entry, run["model"]["name"])
        scores[run["seed"], entry["label_budget"].get("sample_seed", 0)] = scored
    return scores


def budget(key: BudgetKey, runs: Sequence[RunResult], scores: Runs, target: str, n: int) -> Budget:
    label_use, per_class = key
    return Budget(
        label_use=label_use,  # type: ignore[arg-type]
        labels=runs[0]["scores"][target]["label_budget"]["total"],
        per_class=per_class,
        mean=mean_estimate(over_runs([scores]), n),
        seeds=len({seed for seed, _ in scores}),
        draws=len({sample_seed for _, sample_seed in scores}) if per_class else 1,
        run_ids=tuple(run["run_id"] for run in runs),
    )


def label_value(budgets: Mapping[Budget, Runs], metric: str, n: int) -> Crossing | None:
    """The number of labels at which training on them alone is as good as zero-shot; None where that is not known."""
    zero_shot = [scores for budget, scores in budgets.items() if budget.label_use == "none"]
    curve = [(budget.labels, scores) for budget, scores in budgets.items() if budget.label_use == "target_only"]
    if not zero_shot or len(curve) < 2:
        return None
    labels, scores_of_curve = zip(*curve, strict=True)
    return crossing(labels, scores_of_curve, zero_shot[0], n, lower_is_better=lower_is_better(metric))


def label_gains(budgets: Mapping[Budget, Runs], label_use: str, n: int) -> list[LabelGain]:
    """The change from zero-shot with the same seeds at every number of labels; Holm over them."""
    zero_shot = next((scores for budget, scores in budgets.items() if budget.label_use == "none"), {})
    baseline = {seed: scored for (seed, _), scored in zero_shot.items()}
    # A run and the zero-shot run of its seed share a network, or the order of the source's examples.
    changes = {
        budget: {key: difference(scored, baseline[key[0]]) for key, scored in scores.items() if key[0] in baseline}
        for budget, scores in budgets.items()
        if budget.label_use == label_use
    }
    changes = {budget: paired for budget, paired in changes.items() if paired}
    tests = family_tests(
        [contrasts(np.ones((1, 1)), over_runs([paired]), extra_variance=1 / n**2) for paired in changes.values()]
    )
    return [
        LabelGain(budget, estimate(test, scope_of([len(paired)])), test.p, test.p_holm)
        for (budget, paired), test in zip(changes.items(), tests, strict=True)
    ]
