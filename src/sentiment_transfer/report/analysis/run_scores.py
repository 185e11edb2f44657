"""Read every run's predictions and resample its scores, those on the same reviews together so that they are paired."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sentiment_transfer.errors import UserError
from sentiment_transfer.report.analysis.datasets import recorded_name
from sentiment_transfer.results.checks import matches_record
from sentiment_transfer.results.predictions import (
    Predictions,
    predictions_path,
    read_features,
    read_predictions,
)
from sentiment_transfer.results.record import DatasetScores, RunResult
from sentiment_transfer.statistics.metrics import POSITIVE, Reliability, reliability
from sentiment_transfer.statistics.resampling import Scored, resample, resample_confusion

OVER_FOLDS = "_mean_folds"
Key = tuple[str, str, str]  # run id, dataset, selection


@dataclass(frozen=True)
class RunPredictions:
    """One run's predictions on one dataset under one selection."""

    rows: str  # digest of ids, gold labels and folds: equal where the reviews are the same, in the same order
    gold: np.ndarray  # (n,) int8
    folds: np.ndarray  # (n,) int8
    predicted: np.ndarray  # (n,) int8
    reliability: Reliability


@dataclass
class RunScores:
    """The predictions of all runs, and the scores that were resampled from them."""

    predictions: dict[Key, RunPredictions] = field(default_factory=dict)
    scored: dict[tuple[Key, str], Scored] = field(default_factory=dict)  # with the metric; one run each
    # By source and digest of the reviews: the share of seen tokens depends on the source. Held once for all runs.
    features: dict[tuple[str, str], dict[str, np.ndarray]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)  # sentences about predictions that could not be used


def resample_runs(runs: Sequence[RunResult], folders: Mapping[str, Path]) -> RunScores:
    """The headline metric and the error of every run, resampled, on every dataset and selection.

    ``folders`` hold the runs' predictions, by run id.
    """
    run_scores = RunScores()
    shared: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for run in runs:
        for dataset, entry in run["scores"].items():
            read_run(run_scores, run, dataset, entry, folders[run["run_id"]], shared)
    resample_together(run_scores, runs)
    return run_scores


def resampled_metrics(runs: Iterable[RunResult]) -> Iterator[tuple[Key, str, DatasetScores]]:
    """Every score to resample: the headline metric, and the error, in which transfer gaps are measured."""
    for run in runs:
        for dataset, entry in run["scores"].items():
            for selection in entry["selections"]:
                for metric in dict.fromkeys((entry["metric"], "error")):
                    yield (run["run_id"], dataset, selection), metric, entry


def read_run(
    run_scores: RunScores,
    run: RunResult,
    dataset: str,
    entry: DatasetScores,
    folder: Path,
    shared: dict[str, tuple[np.ndarray, np.ndarray]],  # digest -> gold and folds, held once for all runs
) -> None:
    """Put a run's predictions on one dataset into ``run_scores``, or a sentence into its faults."""
    recorded = recorded_name(run["config"], dataset)
    try:
        predictions = read_predictions(folder, recorded, features=False)
        rows = digest(predictions)
        source = "+".join(run["source"]["names"])
        if (source, rows) not in run_scores.features and (features := read_features(folder, recorded)):
            run_scores.features[source, rows] = features
    except UserError as error:
        run_scores.faults.append(str(error))
        return
    gold, folds = shared.setdefault(rows, (predictions.gold, predictions.folds))
    for selection in entry["selections"]:
        if not matches_record(predictions, entry, selection):
            path = predictions_path(folder, recorded)
            run_scores.faults.append(f"{path} contradicts result.json on the selection {selection} and was not used.")
            continue
        probabilities = predictions.probabilities[selection]
        predicted = probabilities.argmax(axis=1).astype(np.int8)
        known = RunPredictions(rows, gold, folds, predicted, reliability(probabilities, gold))
        run_scores.predictions[run["run_id"], dataset, selection] = known


def digest(predictions: Predictions) -> str:
    """Equal for the same reviews, with the same labels and folds, in the same order."""
    hashed = hashlib.blake2b("\0".join(predictions.ids).encode("utf-8", "surrogatepass"), digest_size=8)
    for array in (predictions.gold, predictions.folds):
        hashed.update(np.ascontiguousarray(array).tobytes())
    return hashed.hexdigest()


def resample_together(run_scores: RunScores, runs: Iterable[RunResult]) -> None:
    """Fill ``run_scores.scored``; predictions of the same reviews, in the same metric, share their resamples."""
    together: dict[tuple[str, str], list[Key]] = defaultdict(list)
    classes: dict[str, list[str]] = {}
    for key, metric, entry in resampled_metrics(runs):
        if key in run_scores.predictions:
            rows = run_scores.predictions[key].rows
            together[rows, metric].append(key)
            classes[rows] = entry["classes"]
    for (rows, metric), keys in together.items():
        first = run_scores.predictions[keys[0]]
        scored = resample(
            first.gold,
            np.stack([run_scores.predictions[key].predicted for key in keys]),
            metric,
            len(classes[rows]),
            positive=classes[rows].index(POSITIVE),
            folds=first.folds if metric.endswith(OVER_FOLDS) else None,
            seed=int(rows, 16),
        )
        for key, value, replicates in zip(keys, scored.values, scored.replicates, strict=True):
            run_scores.scored[key, metric] = Scored(value[None], replicates[None])


def score_of(run_scores: RunScores, key: Key, metric: str, entry: DatasetScores, model: str) -> Scored:
    """One run's resampled score; from its confusion matrix alone where there are no predictions.

    ``model`` is any text that its seeds share, so that their counts are resampled as on the same reviews.
    """
    if (key, metric) in run_scores.scored:
        return run_scores.scored[key, metric]
    scores = entry["selections"][key[2]]
    return resample_confusion(
        np.array(scores["confusion"]),
        metric,
        positive=entry["classes"].index(POSITIVE),
        value=scores[metric],  # type: ignore[literal-required]
        seed=hash_of(f"{model} {key[1]}"),
    )


def hash_of(text: str) -> int:
    return int(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(), 16)
