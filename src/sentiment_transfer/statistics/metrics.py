"""Metrics of one test set, as pure functions of class probabilities and gold labels.

Every metric is a fraction in 0..1; percent belongs to the display (``formatting.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, NotRequired

import numpy as np
from typing_extensions import TypedDict

POSITIVE = "positive"
CALIBRATION_BINS = 15  # Guo et al. 2017, section 5
SUM_TOLERANCE = 1e-3  # a softmax taken in bfloat16 sums to 1 within this


class Floor(TypedDict):
    """The scores of the best constant prediction, each metric with the constant that suits it best."""

    error: float
    f1_positive: float  # of always predicting "positive"
    macro_f1: float
    f1_positive_mean_folds: NotRequired[float]


class FoldScores(TypedDict):
    """The metrics of one published test fold."""

    fold: int
    n: int
    error: float
    accuracy: float
    f1_positive: float
    macro_f1: float


class Scores(TypedDict):
    """The metrics of one test set under one selection."""

    n: int
    error: float
    accuracy: float
    f1_positive: float  # one-vs-rest, class "positive"
    macro_f1: float
    ece: NotRequired[float]  # absent where there are labels and no probabilities
    confusion: list[list[int]]  # rows gold, columns predicted
    predicted_fraction: dict[str, float]  # class -> share of the predictions
    floor: Floor
    folds: NotRequired[list[FoldScores]]
    f1_positive_mean_folds: NotRequired[float]  # IndoLEM's published number: mean of the folds' f1_positive


def score(
    probabilities: np.ndarray,  # (n, classes) float, rows sum to 1
    gold: np.ndarray,  # (n,) int, index into classes
    classes: Sequence[str],
    folds: np.ndarray | None = None,  # (n,) int, published test fold of each row
    *,
    calibrated: bool = True,  # whether the probabilities are more than a label: if not, there is no ece
) -> Scores:
    """All metrics of one test set.

    The keys ``folds`` and ``f1_positive_mean_folds`` are set if ``folds`` has more than one value; the latter is the
    metric of Koto et al. 2020 (IndoLEM): F1 of the positive class per fold, then the mean.

    Raises ValueError if the arrays' shapes do not match, a probability is NaN or negative, or a row does not sum to 1.
    """
    gold = np.asarray(gold)
    probabilities = np.asarray(probabilities, dtype=np.float64)
    check_arrays(probabilities, gold, classes, folds)
    predicted = probabilities.argmax(axis=1)
    positive = list(classes).index(POSITIVE)
    confusion = confusion_matrix(gold, predicted, len(classes))
    shares = confusion.sum(axis=0) / len(gold)
    scores = Scores(
        n=len(gold),
        error=1.0 - accuracy(confusion),
        accuracy=accuracy(confusion),
        f1_positive=float(f1_per_class(confusion)[positive]),
        macro_f1=macro_f1(confusion),
        ece=expected_calibration_error(reliability(probabilities, gold)),
        confusion=confusion.tolist(),
        predicted_fraction={name: float(share) for name, share in zip(classes, shares, strict=True)},
        floor=floor(confusion, positive),
    )
    if not calibrated:
        del scores["ece"]
    if folds is not None and len(np.unique(folds)) > 1:
        names = np.unique(folds)
        per_fold = [fold_scores(gold, predicted, folds == fold, int(fold), classes) for fold in names]
        always_positive = [constant_f1(np.mean(gold[folds == fold] == positive)) for fold in names]
        scores["folds"] = per_fold
        scores["f1_positive_mean_folds"] = float(np.mean([fold["f1_positive"] for fold in per_fold]))
        scores["floor"]["f1_positive_mean_folds"] = float(np.mean(always_positive))
    return scores


def check_arrays(probabilities: np.ndarray, gold: np.ndarray, classes: Sequence[str], folds: np.ndarray | None) -> None:
    """Raises ValueError unless the arrays describe the same rows, at least one."""
    if POSITIVE not in classes:
        raise ValueError(f'classes {tuple(classes)} have no "{POSITIVE}", which F1 needs')
    if len(gold) == 0:
        raise ValueError("no rows to score")
    if probabilities.shape != (len(gold), len(classes)):
        raise ValueError(f"probabilities {probabilities.shape} for {len(gold)} rows, {len(classes)} classes")
    if folds is not None and len(folds) != len(gold):
        raise ValueError(f"{len(folds)} folds for {len(gold)} rows")
    if gold.min() < 0 or gold.max() >= len(classes):
        raise ValueError(f"gold labels {gold.min()}..{gold.max()} for {len(classes)} classes")
    if not np.isfinite(probabilities).all():
        bad = int((~np.isfinite(probabilities)).any(axis=1).sum())
        raise ValueError(f"probabilities are not finite in {bad} of {len(gold)} rows")
    sums = probabilities.sum(axis=1)
    if probabilities.min() < 0 or np.abs(sums - 1).max() > SUM_TOLERANCE:
        raise ValueError(f"probabilities are not normalised: rows sum to {sums.min():.4f}..{sums.max():.4f}")


def confusion_matrix(gold: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts, (classes, classes) int64, rows gold and columns predicted."""
    cells = gold.astype(np.int64) * classes + predicted
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def accuracy(confusion: np.ndarray) -> float:
    return float(np.trace(confusion) / confusion.sum())


def f1_per_class(confusion: np.ndarray) -> np.ndarray:
    """F1 of each class against the rest, (classes,) float; 0 where a class is neither gold nor predicted."""
    hits = np.diag(confusion)
    gold_and_predicted = confusion.sum(axis=1) + confusion.sum(axis=0)
    return np.asarray(2 * hits / np.maximum(gold_and_predicted, 1))


def macro_f1(confusion: np.ndarray) -> float:
    """Unweighted mean of F1 over the classes that occur in gold or predictions (as scikit-learn does)."""
    occurs = (confusion.sum(axis=1) + confusion.sum(axis=0)) > 0
    return float(f1_per_class(confusion)[occurs].mean())


class Reliability(NamedTuple):
    """Sums per equal-width bin of the predicted probability (open on the left), each (bins,); they add up over runs."""

    predictions: np.ndarray  # number of them
    correct: np.ndarray  # number of them
    confidence: np.ndarray  # sum of the predicted probabilities


def reliability(probabilities: np.ndarray, gold: np.ndarray, bins: int = CALIBRATION_BINS) -> Reliability:
    """The bins of a reliability diagram; ``probabilities`` (n, classes) float, ``gold`` (n,) int."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == gold
    bin_of_row = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    return Reliability(
        np.bincount(bin_of_row, minlength=bins),
        np.bincount(bin_of_row, weights=correct, minlength=bins),
        np.bincount(bin_of_row, weights=confidence, minlength=bins),
    )


def expected_calibration_error(bins: Reliability) -> float:
    """Mean |accuracy - confidence| over the bins, weighted by their predictions.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", equations 2, 3 and 5. It is never below 0, so a small
    test set raises it; hence no interval is given to it.
    """
    return float(np.abs(bins.correct - bins.confidence).sum() / bins.predictions.sum())


def constant_f1(share: float) -> float:
    """F1 of a class that is always predicted: precision is its share, recall is 1."""
    return float(2 * share / (1 + share))


def floor(confusion: np.ndarray, positive: int) -> Floor:
    """The scores of the best constant prediction for these gold labels (rows of ``confusion``)."""
    shares = confusion.sum(axis=1) / confusion.sum()
    present = shares > 0
    return Floor(
        error=float(1 - shares.max()),
        f1_positive=constant_f1(shares[positive]),
        macro_f1=constant_f1(shares.max()) / int(present.sum()),
    )


def fold_scores(
    gold: np.ndarray, predicted: np.ndarray, rows: np.ndarray, fold: int, classes: Sequence[str]
) -> FoldScores:
    confusion = confusion_matrix(gold[rows], predicted[rows], len(classes))
    return FoldScores(
        fold=fold,
        n=int(rows.sum()),
        error=1.0 - accuracy(confusion),
        accuracy=accuracy(confusion),
        f1_positive=float(f1_per_class(confusion)[list(classes).index(POSITIVE)]),
        macro_f1=macro_f1(confusion),
    )


def is_degenerate(confusion: Sequence[Sequence[int]] | np.ndarray) -> bool:
    """True where every prediction is one class although gold has more: the run has collapsed."""
    counts = np.asarray(confusion)
    return bool((counts.sum(axis=0) > 0).sum() == 1 and (counts.sum(axis=1) > 0).sum() > 1)
