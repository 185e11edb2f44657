"""The matrix: each entry's score on each dataset, with the resamples behind its interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sentiment_transfer.report.analysis.datasets import recorded_name
from sentiment_transfer.report.analysis.entries import RunGroup, one_fold_of
from sentiment_transfer.report.analysis.findings import Calibration, Cell, Entry, Estimate, Published, Scope
from sentiment_transfer.report.analysis.run_scores import OVER_FOLDS, RunPredictions, RunScores, score_of
from sentiment_transfer.results.published import PublishedNumber, compare
from sentiment_transfer.results.record import DatasetScores, RunResult
from sentiment_transfer.statistics.interval import (
    ENOUGH_SEEDS,
    Variances,
    bounded_intervals,
    contrasts,
    variances,
    wilson,
)
from sentiment_transfer.statistics.metrics import Reliability, expected_calibration_error, is_degenerate
from sentiment_transfer.statistics.resampling import Scored


@dataclass(frozen=True)
class ResampledCell:
    """A cell with the resampled scores that it was made from, one run per seed."""

    cell: Cell
    score: Scored  # of the headline metric
    error: Scored
    rows: tuple[str, ...]  # digests of the reviews, one per fold; empty where predictions are missing
    correct: dict[int, np.ndarray]  # seed -> (n,) bool; empty without predictions, or with several per review


def resampled_cells(entries: Sequence[tuple[Entry, RunGroup]], run_scores: RunScores) -> Iterator[ResampledCell]:
    """A cell for every dataset and selection that all runs of an entry were scored on."""
    for entry, group in entries:
        seeds = list(group.seeds.values())
        runs = [run for runs_of_seed in seeds for run in runs_of_seed]
        for dataset, record in runs[0]["scores"].items():
            for selection in record["selections"]:
                if all(dataset in run["scores"] and selection in run["scores"][dataset]["selections"] for run in runs):
                    yield resampled_cell(entry, seeds, dataset, selection, run_scores)


def resampled_cell(
    entry: Entry, seeds: list[list[RunResult]], dataset: str, selection: str, run_scores: RunScores
) -> ResampledCell:
    """``seeds`` are the runs of each seed: one, or one per fold."""
    runs = [run for runs_of_seed in seeds for run in runs_of_seed]
    records = [run["scores"][dataset] for run in runs]
    scores = [record["selections"][selection] for record in records]
    predictions = [run_scores.predictions.get((run["run_id"], dataset, selection)) for run in runs]
    known = [each for each in predictions if each is not None]
    complete = len(known) == len(runs)
    # Folds that were trained apart are tested apart as well: each run has other reviews, and the score is a mean.
    apart = len(seeds[0]) > 1 and one_fold_of(runs[0]["config"], dataset)
    metric = records[0]["metric"]
    score, error = (over_seeds(entry, seeds, dataset, selection, name, run_scores) for name in (metric, "error"))
    collapsed = [
        any(is_degenerate(run["scores"][dataset]["selections"][selection]["confusion"]) for run in runs_of_seed)
        for runs_of_seed in seeds
    ]
    calibrated = complete and all("ece" in each for each in scores)  # a language model may give labels alone
    n = sum(run["scores"][dataset]["n"] for run in seeds[0]) if apart else records[0]["n"]
    mean = mean_estimate(variances([score]), n)
    shown = metric + OVER_FOLDS if apart and metric == "f1_positive" else metric
    cell = Cell(
        entry=entry.key,
        model=entry.model,
        source=entry.source,
        target=dataset,
        role=records[0]["role"],
        protocol=records[0]["protocol"],
        language=records[0]["language"],
        domain=records[0]["domain"],
        selection=selection,
        metric=shown,
        classes=tuple(records[0]["classes"]),
        n=n,
        by_seed=dict(zip(entry.seeds, score.values.tolist(), strict=True)),
        degenerate_seeds=tuple(seed for seed, degenerate in zip(entry.seeds, collapsed, strict=True) if degenerate),
        mean=mean,
        without_degenerate=without(score, np.array(collapsed), n),
        floor=float(np.mean([each["floor"][metric] for each in scores])),  # type: ignore[literal-required]
        confusion=tuple(map(tuple, np.sum([each["confusion"] for each in scores], axis=0).tolist())),
        calibration=calibration([each.reliability for each in known], len(seeds)) if calibrated else None,
        published=published_numbers(runs[0], dataset, {**records[0], "metric": shown, "n": n}, mean),
        run_ids=tuple(run["run_id"] for run in runs),
        has_predictions=complete,
    )
    rows = tuple(each.rows for each in known[: len(seeds[0])]) if complete else ()
    once = complete and (apart or len(seeds[0]) == 1)
    return ResampledCell(cell, score, error, rows, correct_by_seed(entry.seeds, known) if once else {})


def correct_by_seed(seeds: Sequence[int], predictions: Sequence[RunPredictions]) -> dict[int, np.ndarray]:
    """``predictions`` are those of the seeds in their order, the same number (one, or one per fold) of each."""
    correct = [each.predicted == each.gold for each in predictions]
    folds = len(correct) // len(seeds)
    return {seed: np.concatenate(correct[i * folds : (i + 1) * folds]) for i, seed in enumerate(seeds)}


def over_seeds(
    entry: Entry, seeds: list[list[RunResult]], dataset: str, selection: str, metric: str, run_scores: RunScores
) -> Scored:
    """One score per seed: its run's, or the mean of its runs', one per fold."""
    scored = [
        [
            score_of(run_scores, (run["run_id"], dataset, selection), metric, run["scores"][dataset], entry.key)
            for run in runs_of_seed
        ]
        for runs_of_seed in seeds
    ]
    return Scored(
        np.concatenate([np.mean([run.values for run in runs_of_seed], axis=0) for runs_of_seed in scored]),
        np.concatenate([np.mean([run.replicates for run in runs_of_seed], axis=0) for runs_of_seed in scored]),
    )


def mean_estimate(model: Variances, n: int) -> Estimate:
    """The mean of one model's runs on ``n`` reviews; its interval covers other seeds as well where there are two."""
    mean = contrasts(np.ones((1, 1)), model)
    low, high = bounded_intervals(mean, n)
    return Estimate(float(mean.values[0]), float(low[0]), float(high[0]), scope_of(model.counts))


def scope_of(runs: Iterable[int]) -> Scope:
    """The scope of an interval over models with these numbers of runs: one or two say too little of other seeds."""
    return "examples" if min(runs) < ENOUGH_SEEDS else "seeds and examples"


def without(score: Scored, collapsed: np.ndarray, n: int) -> Estimate | None:
    """The mean over the seeds that did not collapse, where some did."""
    if collapsed.all() or not collapsed.any():
        return None
    return mean_estimate(variances([Scored(score.values[~collapsed], score.replicates[~collapsed])]), n)


def calibration(runs: list[Reliability], seeds: int) -> Calibration:
    """The curve over all runs. Seeds predict the same reviews, so they do not narrow its intervals."""
    total = Reliability(*(np.sum(sums, axis=0) for sums in zip(*runs, strict=True)))
    filled = total.predictions > 0
    count, correct, confidence = (sums[filled] for sums in total)
    low, high = wilson(correct / count, count / seeds)
    return Calibration(
        ece=float(np.mean([expected_calibration_error(run) for run in runs])),
        confidence=tuple((confidence / count).tolist()),
        accuracy=tuple((correct / count).tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        count=tuple(count.tolist()),
    )


def published_numbers(run: RunResult, dataset: str, record: DatasetScores, mean: Estimate) -> tuple[Published, ...]:
    """Every published number for a dataset beside one of our cells; those of the same encoder first."""
    numbers = []
    config = run["config"]
    target, *sources = (recorded_name(config, name) for name in (dataset, *run["source"]["names"]))
    for row, comparable, reason in compare(target, record, sources, run["model"]["name"], config):
        inside = None
        if comparable and mean.low is not None and mean.high is not None:
            # As printed: 11.12 stands for anything that rounds to it.
            inside = mean.low - rounding(row) <= row.fraction <= mean.high + rounding(row)
        numbers.append(Published(row, comparable, reason, inside))
    return tuple(numbers)


def rounding(row: PublishedNumber) -> float:
    """Half a unit of the last digit that such numbers are printed with, as a fraction."""
    return 0.00005 if row.unit == "%" else 0.0005
