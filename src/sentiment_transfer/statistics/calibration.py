"""How often an answer is right, given how sure the network was of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sentiment_transfer.statistics.metrics import CALIBRATION_BINS


class Reliability(NamedTuple):
    """Sums per equal-width bin of the predicted probability (open on the left), each (bins,); they add up over runs."""

    answers: np.ndarray  # how many
    right: np.ndarray  # of them
    confidence: np.ndarray  # sum of the predicted probabilities


def reliability(probabilities: np.ndarray, gold: np.ndarray, bins: int = CALIBRATION_BINS) -> Reliability:
    """``probabilities`` (n, classes), ``gold`` (n,)."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == gold
    of_row = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    return Reliability(
        np.bincount(of_row, minlength=bins),
        np.bincount(of_row, weights=right, minlength=bins),
        np.bincount(of_row, weights=confidence, minlength=bins),
    )


def calibration_error(of: Reliability) -> float:
    """Expected calibration error: mean |accuracy - confidence| over bins, weighted by answers (Guo et al. 2017).

    It is never below 0, so a small test set raises it; hence no interval is given to it.
    """
    return float(np.abs(of.right - of.confidence).sum() / of.answers.sum())
