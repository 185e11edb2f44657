"""The rows of a card's tables: scores under one selection, and those of converted versions, with intervals.

Intervals are over other test reviews, from the run's predictions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentiment_transfer.errors import UserError
from sentiment_transfer.escaping import Verbatim
from sentiment_transfer.formatting import METRIC_TITLES
from sentiment_transfer.results.checks import matches_record
from sentiment_transfer.results.predictions import read_predictions
from sentiment_transfer.results.record import DatasetScores, RunResult
from sentiment_transfer.statistics.interval import bounded_intervals, contrasts, intervals, variances
from sentiment_transfer.statistics.metrics import POSITIVE
from sentiment_transfer.statistics.resampling import Scored, resample

log = logging.getLogger(__name__)
OVER_FOLDS = "_mean_folds"
# Files of an exported folder, where transformers.js and optimum look for them on the hub.
FP32 = "onnx/model.onnx"
INT8 = "onnx/model_quantized.onnx"


@dataclass(frozen=True)
class ScoreRow:
    """The scores on one dataset under the exported selection; they are fractions in 0..1."""

    dataset: str
    language: str
    protocol: str
    n: int
    classes: int
    metric: str  # the headline metric, a key of Scores
    value: float
    low: float | None  # 95 % interval over other test reviews; None without predictions
    high: float | None
    floor: float  # the same metric of the best constant answer
    accuracy: float
    macro_f1: float
    ece: float


@dataclass(frozen=True)
class Conversion:
    """A converted network's scores on one test set, beside those of the original in fp32."""

    file: str  # inside the exported folder
    dataset: str
    n: int  # reviews that were compared
    of: int  # reviews in the test set
    largest_difference: float  # between two logits
    agreement: float  # share of the reviews with the same label
    metric: str  # the dataset's headline metric
    original: float
    converted: float
    low: float  # 95 % interval of converted - original, over other test reviews
    high: float


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


def score_cells(row: ScoreRow) -> list[str]:
    """A row of the card's table of scores."""
    interval = "" if row.low is None or row.high is None else f" [{100 * row.low:.1f}, {100 * row.high:.1f}]"
    score = Verbatim(f"{100 * row.value:.1f}{interval}")
    percents = [f"{100 * value:.1f}" for value in (row.floor, row.accuracy, row.macro_f1, row.ece)]
    return [row.dataset, row.language, row.protocol, f"{row.n:,}", METRIC_TITLES[row.metric], score, *percents]


def conversion_cells(conversion: Conversion) -> list[str]:
    """A row of the card's table of converted versions."""
    n = f"{conversion.n:,}" + (f" of {conversion.of:,}" if conversion.n < conversion.of else "")
    points = 100 * (conversion.converted - conversion.original)
    return [
        conversion.file,
        conversion.dataset,
        n,
        f"{conversion.largest_difference:.1e}",
        f"{100 * conversion.agreement:.2f} %",
        METRIC_TITLES[conversion.metric],
        f"{100 * conversion.original:.2f}",
        f"{100 * conversion.converted:.2f}",
        Verbatim(f"{points:+.2f} [{100 * conversion.low:+.2f}, {100 * conversion.high:+.2f}]"),
    ]
