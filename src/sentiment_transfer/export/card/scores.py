"""A run's scores under one selection, with intervals over other test reviews from its predictions."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sentiment_transfer.errors import UserError
from sentiment_transfer.export.card.parts import ScoreRow
from sentiment_transfer.results.checks import matches_record
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import DatasetScores, RunResult
from sentiment_transfer.statistics.interval import bounded_intervals, contrasts, intervals, variances
from sentiment_transfer.statistics.metrics import POSITIVE
from sentiment_transfer.statistics.resampling import Scored, resample

log = logging.getLogger(__name__)
OVER_FOLDS = "_mean_folds"


def score_rows(result: RunResult, folder: Path, selection: str) -> Iterator[ScoreRow]:
    """One row for every dataset that was scored under ``selection``."""
    for dataset, entry in result["scores"].items():
        scores = entry["selections"].get(selection)
        if scores is None:
            continue
        low, high = _interval(folder, dataset, entry, selection)
        yield ScoreRow(
            dataset=dataset,
            language=entry["language"],
            protocol=entry["protocol"],
            n=entry["n"],
            classes=len(entry["classes"]),
            metric=entry["metric"],
            value=scores[entry["metric"]],  # type: ignore[literal-required]
            low=low,
            high=high,
            floor=scores["floor"][entry["metric"]],  # type: ignore[literal-required]
            accuracy=scores["accuracy"],
            macro_f1=scores["macro_f1"],
            ece=scores["ece"],
        )


def _interval(folder: Path, dataset: str, entry: DatasetScores, selection: str) -> tuple[float | None, float | None]:
    try:
        predictions = read_predictions(folder, dataset)
    except UserError as error:
        log.warning("No interval for %s: %s", dataset, error)
        return None, None
    if not matches_record(predictions, entry, selection):
        log.warning("No interval for %s: its predictions are not those that the result was counted from.", dataset)
        return None, None
    predicted = predictions.probabilities[selection].argmax(axis=1)[None]
    of = _resampled(predictions.gold, predicted, entry["metric"], predictions.classes, predictions.folds)
    single = contrasts(np.ones((1, 1)), variances([of]))
    low, high = bounded_intervals(single, len(predictions.gold))
    return float(low[0]), float(high[0])


def difference(
    gold: np.ndarray,  # (n,) int
    one: np.ndarray,  # (n,) int, predicted
    other: np.ndarray,  # (n,) int, predicted
    metric: str,
    classes: tuple[str, ...],
    folds: np.ndarray,  # (n,) int
) -> tuple[float, float, float, float]:
    """The metric of both, and the 95 % interval of ``other - one`` over other reviews, which both answer."""
    of = _resampled(gold, np.stack([one, other]), metric, classes, folds)
    each = [Scored(of.values[[i]], of.replicates[[i]]) for i in (0, 1)]
    low, high = intervals(contrasts(np.array([[-1.0, 1.0]]), variances(each)))
    return float(of.values[0]), float(of.values[1]), float(low[0]), float(high[0])


def _resampled(
    gold: np.ndarray, predicted: np.ndarray, metric: str, classes: tuple[str, ...], folds: np.ndarray
) -> Scored:
    return resample(
        gold,
        predicted,
        metric,
        len(classes),
        positive=list(classes).index(POSITIVE),
        folds=folds if metric.endswith(OVER_FOLDS) else None,
    )
