"""The matrix: each entry's score on each evaluation set, with what its interval was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sentiment_transfer.report.analysis.entries import RunGroup, one_fold_of
from sentiment_transfer.report.analysis.evidence import OVER_FOLDS, Answers, Evidence, score_of
from sentiment_transfer.report.analysis.findings import Calibration, Cell, Entry, Estimate
from sentiment_transfer.report.analysis.published import standings
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.statistics.calibration import Reliability, calibration_error
from sentiment_transfer.statistics.interval import bounded_intervals, contrasts, wilson
from sentiment_transfer.statistics.metrics import is_degenerate
from sentiment_transfer.statistics.resampling import Scored
from sentiment_transfer.statistics.variance import variances

NO_PREDICTIONS = "Predictions are missing: the interval is from the confusion matrices, and nothing is paired."


@dataclass(frozen=True)
class Measured:
    """A cell with the resampled scores that it was made from, one run per seed."""

    cell: Cell
    score: Scored  # of the headline metric
    error: Scored
    rows: tuple[str, ...]  # digests of the reviews, one per fold; empty where predictions are missing
    right: dict[int, np.ndarray]  # seed -> (n,) bool, in the order of rows; empty without or with several answers each


def measure(entries: Sequence[tuple[Entry, RunGroup]], evidence: Evidence) -> Iterator[Measured]:
    """Every cell that the runs allow: the sets and selections that all runs of an entry were scored on."""
    for entry, group in entries:
        seeds = list(group.seeds.values())
        runs = [run for of_seed in seeds for run in of_seed]
        for dataset, record in runs[0]["scores"].items():
            for selection in record["selections"]:
                if all(dataset in run["scores"] and selection in run["scores"][dataset]["selections"] for run in runs):
                    yield measured(entry, seeds, dataset, selection, evidence)


def measured(entry: Entry, seeds: list[list[RunResult]], dataset: str, selection: str, evidence: Evidence) -> Measured:
    """``seeds`` are the runs of each seed: one, or one per fold."""
    runs = [run for of_seed in seeds for run in of_seed]
    records = [run["scores"][dataset] for run in runs]
    scores = [record["selections"][selection] for record in records]
    answers = [evidence.answers.get((run["run_id"], dataset, selection)) for run in runs]
    known = [answer for answer in answers if answer is not None]
    complete = len(known) == len(runs)
    # Folds that were trained apart are tested apart as well: each run has reviews of its own, and the score is a mean.
    apart = len(seeds[0]) > 1 and one_fold_of(runs[0]["config"], dataset)
    metric = records[0]["metric"]
    score = over_seeds(entry, seeds, dataset, selection, metric, evidence)
    collapsed = [
        any(is_degenerate(run["scores"][dataset]["selections"][selection]["confusion"]) for run in of_seed)
        for of_seed in seeds
    ]
    n = sum(run["scores"][dataset]["n"] for run in seeds[0]) if apart else records[0]["n"]
    mean = mean_estimate(score, n)
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
        degenerate_seeds=tuple(seed for seed, it_is in zip(entry.seeds, collapsed, strict=True) if it_is),
        mean=mean,
        without_degenerate=without(score, np.array(collapsed), n),
        floor=float(np.mean([of["floor"][metric] for of in scores])),  # type: ignore[literal-required]
        confusion=tuple(map(tuple, np.sum([of["confusion"] for of in scores], axis=0).tolist())),
        calibration=calibration([answer.reliability for answer in known], len(seeds)) if complete else None,
        published=standings(entry, dataset, {**records[0], "metric": shown, "n": n}, mean),
        run_ids=tuple(run["run_id"] for run in runs),
        remark="" if complete else NO_PREDICTIONS,
    )
    error = over_seeds(entry, seeds, dataset, selection, "error", evidence)
    rows = tuple(answer.rows for answer in known[: len(seeds[0])]) if complete else ()
    once = complete and (apart or len(seeds[0]) == 1)
    return Measured(cell, score, error, rows, right_by_seed(entry.seeds, known) if once else {})


def right_by_seed(seeds: Sequence[int], answers: Sequence[Answers]) -> dict[int, np.ndarray]:
    """``answers`` are those of the seeds in their order, the same number (one, or one per fold) of each."""
    right = [answer.predicted == answer.gold for answer in answers]
    each = len(right) // len(seeds)
    return {seed: np.concatenate(right[i * each : (i + 1) * each]) for i, seed in enumerate(seeds)}


def over_seeds(
    entry: Entry, seeds: list[list[RunResult]], dataset: str, selection: str, metric: str, evidence: Evidence
) -> Scored:
    """One score per seed: its run's, or the mean of its runs', one per fold."""
    scored = [
        [
            score_of(evidence, (run["run_id"], dataset, selection), metric, run["scores"][dataset], entry.key)
            for run in of_seed
        ]
        for of_seed in seeds
    ]
    return Scored(
        np.concatenate([np.mean([run.values for run in of_seed], axis=0) for of_seed in scored]),
        np.concatenate([np.mean([run.replicates for run in of_seed], axis=0) for of_seed in scored]),
    )


def mean_estimate(score: Scored, n: int) -> Estimate:
    """The mean over seeds; its interval is over other seeds as well where there are two or more."""
    of = contrasts(np.ones((1, 1)), variances([score]))
    low, high = bounded_intervals(of, n)
    scope = "seeds and examples" if len(score.values) > 1 else "examples"
    return Estimate(float(of.values[0]), float(low[0]), float(high[0]), scope)  # type: ignore[arg-type]


def without(score: Scored, collapsed: np.ndarray, n: int) -> Estimate | None:
    """The mean over the seeds that did not collapse, where some did."""
    if collapsed.all() or not collapsed.any():
        return None
    return mean_estimate(Scored(score.values[~collapsed], score.replicates[~collapsed]), n)


def calibration(of_runs: list[Reliability], seeds: int) -> Calibration:
    """The curve over all runs. Seeds answered the same reviews: they do not narrow its intervals."""
    total = Reliability(*(np.sum(sums, axis=0) for sums in zip(*of_runs, strict=True)))
    filled = total.answers > 0
    count, right, confidence = (sums[filled] for sums in total)
    low, high = wilson(right / count, count / seeds)
    return Calibration(
        ece=float(np.mean([calibration_error(of) for of in of_runs])),
        confidence=tuple((confidence / count).tolist()),
        accuracy=tuple((right / count).tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        count=tuple(count.tolist()),
    )
