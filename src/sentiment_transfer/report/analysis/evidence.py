"""From runs on disk to resampled scores: reads the predictions, puts what shares reviews side by side, resamples it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sentiment_transfer.errors import UserError
from sentiment_transfer.results.predictions import Predictions, predictions_path, read_predictions
from sentiment_transfer.results.record import DatasetScores, RunResult
from sentiment_transfer.statistics.calibration import Reliability, reliability
from sentiment_transfer.statistics.metrics import POSITIVE, confusion_matrix
from sentiment_transfer.statistics.resampling import Scored, resample, resample_confusion

OVER_FOLDS = "_mean_folds"
Key = tuple[str, str, str]  # run id, evaluation set, selection


@dataclass(frozen=True)
class Answers:
    """What one run answered on one evaluation set under one selection."""

    rows: str  # digest of ids, gold labels and folds: equal where the reviews are the same, in the same order
    gold: np.ndarray  # (n,) int8
    folds: np.ndarray  # (n,) int8
    predicted: np.ndarray  # (n,) int8
    reliability: Reliability


@dataclass
class Evidence:
    """What is known of each run's answers, and the scores that were resampled from them."""

    answers: dict[Key, Answers] = field(default_factory=dict)
    scored: dict[tuple[Key, str], Scored] = field(default_factory=dict)  # with the metric; one run each
    faults: list[str] = field(default_factory=list)  # sentences about predictions that could not be used


def gather(runs: Sequence[RunResult], folders: Mapping[str, Path]) -> Evidence:
    """Read every run's predictions and resample its headline metric, and its error, on every set and selection."""
    evidence = Evidence()
    shared: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for run in runs:
        for dataset, entry in run["scores"].items():
            read_answers(evidence, run, dataset, entry, folders[run["run_id"]], shared)
    resample_answers(evidence, runs)
    return evidence


def wanted(runs: Iterable[RunResult]) -> Iterator[tuple[Key, str, DatasetScores]]:
    """Every score that is resampled: the headline metric, and the error, in which transfer gaps are counted."""
    for run in runs:
        for dataset, entry in run["scores"].items():
            for selection in entry["selections"]:
                for metric in dict.fromkeys((entry["metric"], "error")):
                    yield (run["run_id"], dataset, selection), metric, entry


def read_answers(
    evidence: Evidence,
    run: RunResult,
    dataset: str,
    entry: DatasetScores,
    folder: Path,
    shared: dict[str, tuple[np.ndarray, np.ndarray]],  # digest -> gold and folds, held once for all runs
) -> None:
    """Put a run's answers on one set into ``evidence``, or a sentence into its faults."""
    try:
        predictions = read_predictions(folder, dataset)
    except UserError as error:
        evidence.faults.append(str(error))
        return
    rows = digest(predictions)
    gold, folds = shared.setdefault(rows, (predictions.gold, predictions.folds))
    for selection, scores in entry["selections"].items():
        probabilities = predictions.probabilities.get(selection)
        if probabilities is None or not agree(probabilities, gold, predictions.classes, entry, scores["confusion"]):
            path = predictions_path(folder, dataset)
            evidence.faults.append(f"{path} does not hold what the result says of {selection}: it was not used.")
            continue
        predicted = probabilities.argmax(axis=1).astype(np.int8)
        answers = Answers(rows, gold, folds, predicted, reliability(probabilities, gold))
        evidence.answers[run["run_id"], dataset, selection] = answers


def agree(
    probabilities: np.ndarray,
    gold: np.ndarray,
    classes: tuple[str, ...],
    entry: DatasetScores,
    confusion: list[list[int]],
) -> bool:
    """Whether predictions are those that a record's confusion matrix was counted from."""
    if list(classes) != entry["classes"] or len(gold) != entry["n"] or not np.isfinite(probabilities).all():
        return False
    if gold.min() < 0 or gold.max() >= len(classes):
        return False
    return bool((confusion_matrix(gold, probabilities.argmax(axis=1), len(classes)) == confusion).all())


def digest(predictions: Predictions) -> str:
    """Equal for the same reviews, with the same labels and folds, in the same order."""
    told = hashlib.blake2b("\0".join(predictions.ids).encode("utf-8", "surrogatepass"), digest_size=8)
    for array in (predictions.gold, predictions.folds):
        told.update(np.ascontiguousarray(array).tobytes())
    return told.hexdigest()


def resample_answers(evidence: Evidence, runs: Iterable[RunResult]) -> None:
    """Fill ``evidence.scored``: what was answered on the same reviews, in the same metric, is resampled together."""
    together: dict[tuple[str, str], list[Key]] = defaultdict(list)
    classes: dict[str, list[str]] = {}
    for key, metric, entry in wanted(runs):
        if key in evidence.answers:
            rows = evidence.answers[key].rows
            together[rows, metric].append(key)
            classes[rows] = entry["classes"]
    for (rows, metric), keys in together.items():
        first = evidence.answers[keys[0]]
        scored = resample(
            first.gold,
            np.stack([evidence.answers[key].predicted for key in keys]),
            metric,
            len(classes[rows]),
            positive=classes[rows].index(POSITIVE),
            folds=first.folds if metric.endswith(OVER_FOLDS) else None,
            seed=int(rows, 16),
        )
        for key, value, replicates in zip(keys, scored.values, scored.replicates, strict=True):
            evidence.scored[key, metric] = Scored(value[None], replicates[None])


def score_of(evidence: Evidence, key: Key, metric: str, entry: DatasetScores, model: str) -> Scored:
    """One run's score; from its confusion matrix alone where there are no predictions.

    ``model`` is any text that its seeds share: their reviews are then taken to be the same, as they are.
    """
    if (key, metric) in evidence.scored:
        return evidence.scored[key, metric]
    scores = entry["selections"][key[2]]
    return resample_confusion(
        np.array(scores["confusion"]),
        metric,
        positive=entry["classes"].index(POSITIVE),
        value=scores[metric],  # type: ignore[literal-required]
        seed=number(f"{model} {key[1]}"),
    )


def number(text: str) -> int:
    return int(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(), 16)
