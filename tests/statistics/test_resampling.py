"""Scores on resampled reviews: the metric itself is exact, and its scatter is that of independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sentiment_transfer.statistics import resampling
from sentiment_transfer.statistics.metrics import confusion_matrix, f1_per_class, macro_f1, score
from sentiment_transfer.statistics.resampling import poisson_weights, resample, resample_confusion

METRICS = ("error", "accuracy", "f1_positive", "macro_f1")
CLASSES = ("negative", "neutral", "positive")


def answers(n: int, classes: int = 2, error: float = 0.2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Gold and predicted labels, (n,) each, of which a share is wrong."""
    generator = np.random.default_rng(seed)
    gold = generator.integers(0, classes, n)
    wrong = generator.random(n) < error
    return gold, np.where(wrong, (gold + generator.integers(1, classes, n)) % classes, gold)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60), st.sampled_from(METRICS))
@settings(max_examples=60, deadline=None)
def test_scores_are_those_of_the_metrics_module(pairs: list[tuple[int, int]], metric: str) -> None:
    gold, predicted = np.array(pairs).T
    expected = score(np.eye(3)[predicted], gold, CLASSES)[metric]  # type: ignore[literal-required]
    found = resample(gold, predicted[None], metric, 3, positive=2, draws=2)
    assert found.values == pytest.approx([expected], abs=1e-6)


def test_score_over_folds_is_the_mean_of_their_f1_as_indolem_publishes_it() -> None:
    gold, predicted = answers(500)
    folds = np.arange(500) % 5
    expected = score(np.eye(2)[predicted], gold, ("negative", "positive"), folds)["f1_positive_mean_folds"]
    found = resample(gold, predicted[None], "f1_positive_mean_folds", 2, positive=1, folds=folds, draws=2)
    assert found.values == pytest.approx([expected], abs=1e-6)


def test_folds_are_resampled_each_by_itself() -> None:
    """Folds of very different difficulty: drawing across them would add the scatter between them."""
    gold = np.tile([0, 1], 500)
    folds = np.repeat([0, 1], 500)
    predicted = np.where(folds == 1, 1 - gold, gold)
    found = resample(gold, predicted[None], "f1_positive_mean_folds", 2, positive=1, folds=folds, draws=200)
    assert found.values == pytest.approx([0.5])
    assert found.replicates.std() == pytest.approx(0, abs=1e-6)


def test_scatter_of_the_error_is_binomial() -> None:
    gold, predicted = answers(1000)
    found = resample(gold, predicted[None], "error", 2, positive=1, draws=4000)
    p = found.values[0]
    assert found.replicates.std() == pytest.approx(np.sqrt(p * (1 - p) / 1000), rel=0.05)


@pytest.mark.parametrize("metric", ["f1_positive", "macro_f1"])
def test_scatter_of_f1_agrees_with_scipys_bootstrap(metric: str) -> None:
    gold, predicted = answers(400, error=0.3)

    def statistic(gold: np.ndarray, predicted: np.ndarray) -> float:
        confusion = confusion_matrix(gold, predicted, 2)
        return macro_f1(confusion) if metric == "macro_f1" else float(f1_per_class(confusion)[1])

    scipys = stats.bootstrap(
        (gold, predicted), statistic, paired=True, vectorized=False, n_resamples=2000, method="basic", rng=0
    )
    found = resample(gold, predicted[None], metric, 2, positive=1, draws=4000)
    assert found.replicates.std() == pytest.approx(scipys.standard_error, rel=0.06)
    assert found.replicates.mean() == pytest.approx(found.values[0], abs=0.2 * scipys.standard_error)


def test_runs_on_the_same_reviews_share_their_resamples() -> None:
    gold, predicted = answers(300)
    found = resample(gold, np.stack([predicted, predicted]), "error", 2, positive=1, draws=50, seed=3)
    again = resample(gold, predicted[None], "error", 2, positive=1, draws=50, seed=3)
    assert np.array_equal(found.replicates[0], found.replicates[1])
    assert np.array_equal(found.replicates[0], again.replicates[0])


def test_set_longer_than_a_block_gives_the_same_scores_and_scatter(monkeypatch: pytest.MonkeyPatch) -> None:
    gold, predicted = answers(1000)
    whole = resample(gold, predicted[None], "macro_f1", 2, positive=1, draws=3000)
    monkeypatch.setattr(resampling, "BLOCK", 64)
    parts = resample(gold, predicted[None], "macro_f1", 2, positive=1, draws=3000)
    assert parts.values == pytest.approx(whole.values)
    assert parts.replicates.std() == pytest.approx(whole.replicates.std(), rel=0.06)


def test_weights_are_poisson_with_mean_1() -> None:
    weights = poisson_weights(np.random.default_rng(0), 1000, 1000)
    counts = np.bincount(weights.astype(int).ravel(), minlength=8)[:8]
    expected = 1e6 * stats.poisson.pmf(np.arange(8), 1)
    assert counts[:6] == pytest.approx(expected[:6], rel=0.05)
    assert weights.mean() == pytest.approx(1, abs=0.005)
    assert weights.var() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("metric", METRICS)
def test_confusion_matrix_alone_gives_the_same_score_and_scatter(metric: str) -> None:
    gold, predicted = answers(2000, classes=3, error=0.3)
    known = resample(gold, predicted[None], metric, 3, positive=2, draws=4000)
    value = float(known.values[0])
    confusion = confusion_matrix(gold, predicted, 3)
    found = resample_confusion(confusion, metric, positive=2, value=value, draws=4000)
    assert found.values == pytest.approx([value])
    assert found.replicates.std() == pytest.approx(known.replicates.std(), rel=0.06)


def test_unknown_metric_is_refused() -> None:
    gold, predicted = answers(10)
    with pytest.raises(ValueError, match="no resampling of ece"):
        resample(gold, predicted[None], "ece", 2, positive=1)
