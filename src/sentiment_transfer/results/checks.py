"""Validation of a record: field types, and consistency of its scores with its confusion matrices."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from sentiment_transfer.formatting import METRIC_TITLES
from sentiment_transfer.results.predictions import Predictions
from sentiment_transfer.results.record import DatasetScores, RunResult, non_finite
from sentiment_transfer.statistics.metrics import POSITIVE, Scores, accuracy, confusion_matrix, f1_per_class, macro_f1

TOLERANCE = 1e-6
MAX_FAULTS = 3  # reported per record


def faults(result: RunResult) -> list[str]:
    """At most MAX_FAULTS sentences about values of the wrong type or scores that contradict each other.

    Unknown fields are ignored. An empty list means that the record is valid.
    """
    invalid = type_faults(result) or [f"{field} is not a finite number" for field in non_finite(result)]
    return (invalid or list(contradictions(result)))[:MAX_FAULTS]


def type_faults(result: object) -> list[str]:
    """Fields that are missing or of the wrong type: ``model.parameters: input should be a valid integer``."""
    from pydantic import ValidationError

    try:
        _adapter().validate_python(result)
    except ValidationError as error:
        return [f"{'.'.join(map(str, each['loc']))}: {each['msg'].lower()}" for each in error.errors()]
    return []


@cache
def _adapter() -> Any:
    from pydantic import ConfigDict, TypeAdapter

    RunResult.__pydantic_config__ = ConfigDict(strict=True)  # type: ignore[attr-defined]
    return TypeAdapter(RunResult)


def contradictions(result: RunResult) -> Iterator[str]:
    """Scores that do not follow from their confusion matrix, and headline metrics that are unknown or missing."""
    for dataset, entry in result["scores"].items():
        if entry["metric"] not in METRIC_TITLES:
            yield f"scores.{dataset}.metric is {entry['metric']!r}, which is not one of {', '.join(METRIC_TITLES)}"
        elif "last" not in entry["selections"]:
            yield f"scores.{dataset} has no selection last"
        for selection, scores in entry["selections"].items():
            yield from _score_faults(f"scores.{dataset}.{selection}", scores, entry["classes"], entry["metric"])


def _score_faults(where: str, scores: Scores, classes: list[str], metric: str) -> Iterator[str]:
    confusion = np.array(scores["confusion"], dtype=object)
    if confusion.shape != (len(classes), len(classes)) or (confusion < 0).any() or confusion.sum() != scores["n"]:
        yield f"{where}.confusion is not {len(classes)} x {len(classes)} counts of n = {scores['n']} reviews"
        return
    if (
        POSITIVE not in classes
        or scores["n"] == 0
        or metric not in scores
        or metric not in scores["floor"] | {"accuracy": 0}
    ):
        yield f"{where} has no {metric}"
        return
    counts = confusion.astype(np.int64)
    expected = {
        "error": 1 - accuracy(counts),
        "accuracy": accuracy(counts),
        "macro_f1": macro_f1(counts),
        "f1_positive": float(f1_per_class(counts)[classes.index(POSITIVE)]),
    }
    for name, value in expected.items():
        if not abs(scores[name] - value) < TOLERANCE:  # type: ignore[literal-required]
            yield f"{where}.{name} is {scores[name]}, but its confusion matrix gives {value:.6f}"  # type: ignore[literal-required]
    folds = [fold["f1_positive"] for fold in scores.get("folds", [])]
    mean = scores.get("f1_positive_mean_folds")
    if mean is not None and not (folds and abs(mean - float(np.mean(folds))) < TOLERANCE):
        yield f"{where}.f1_positive_mean_folds is {mean}, but is not the mean of its folds"


def matches_record(predictions: Predictions, entry: DatasetScores, selection: str) -> bool:
    """True if the record's confusion matrix under ``selection`` was counted from these predictions."""
    probabilities, gold, classes = predictions.probabilities.get(selection), predictions.gold, predictions.classes
    if probabilities is None or list(classes) != entry["classes"] or len(gold) != entry["n"]:
        return False
    if not np.isfinite(probabilities).all() or gold.min() < 0 or gold.max() >= len(classes):
        return False
    counted = confusion_matrix(gold, probabilities.argmax(axis=1), len(classes))
    return bool((counted == entry["selections"][selection]["confusion"]).all())
