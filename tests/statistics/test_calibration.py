"""The reliability curve adds up over runs, and its error is the metric's."""

from __future__ import annotations

import numpy as np
import pytest

from sentiment_transfer.statistics.calibration import Reliability, calibration_error, reliability
from sentiment_transfer.statistics.metrics import expected_calibration_error


def probabilities(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.dirichlet([1, 1, 1], n).astype(np.float32), generator.integers(0, 3, n)


def test_error_is_that_of_the_metrics_module() -> None:
    given = probabilities(1000, 0)
    assert calibration_error(reliability(*given)) == pytest.approx(expected_calibration_error(*given), abs=1e-6)


def test_curve_of_two_runs_is_the_sum_of_theirs() -> None:
    one, other = probabilities(100, 0), probabilities(50, 1)
    both = reliability(np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]]))
    summed = Reliability(*(sum(parts) for parts in zip(reliability(*one), reliability(*other), strict=True)))
    for mine, theirs in zip(both, summed, strict=True):
        assert mine == pytest.approx(theirs)


def test_network_that_knows_how_sure_it_is_has_no_error() -> None:
    confidence = np.full(1000, 0.8)
    gold = (np.arange(1000) % 5 == 0).astype(int)  # class 0 is right in 80 % of cases
    of = reliability(np.stack([confidence, 1 - confidence], axis=1), gold)
    assert calibration_error(of) == pytest.approx(0, abs=1e-9)
    assert of.answers.sum() == 1000
