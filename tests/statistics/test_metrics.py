"""Metrics against hand-computed cases and against torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest

from sentiment_transfer.statistics.metrics import (
    Reliability,
    expected_calibration_error,
    is_degenerate,
    reliability,
    score,
)

BINARY = ("negative", "positive")
THREE = ("negative", "neutral", "positive")


def one_hot(predicted: list[int], classes: int = 2) -> np.ndarray:
    return np.eye(classes)[predicted]


def test_hand_computed_binary_case() -> None:
    scores = score(one_hot([1, 1, 0, 0, 1]), np.array([1, 1, 1, 0, 0]), BINARY)
    assert scores["n"] == 5
    assert scores["confusion"] == [[1, 1], [1, 2]]
    assert scores["error"] == pytest.approx(2 / 5)
    assert scores["accuracy"] == pytest.approx(3 / 5)
    assert scores["f1_positive"] == pytest.approx(2 * 2 / (3 + 3))
    assert scores["macro_f1"] == pytest.approx((2 / 4 + 4 / 6) / 2)
    assert scores["predicted_fraction"] == {"negative": pytest.approx(0.4), "positive": pytest.approx(0.6)}
    assert "folds" not in scores


@pytest.mark.parametrize("classes", [BINARY, THREE])
@pytest.mark.parametrize("seed", range(3))
def test_metrics_equal_torchmetrics_on_random_arrays(classes: tuple[str, ...], seed: int) -> None:
    import torch
    from torchmetrics.functional.classification import (
        multiclass_accuracy,
        multiclass_calibration_error,
        multiclass_confusion_matrix,
        multiclass_f1_score,
    )

    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(len(classes)), size=500)
    gold = rng.integers(len(classes), size=500)
    ours = score(probabilities, gold, classes)
    pair = (torch.from_numpy(probabilities), torch.from_numpy(gold), len(classes))
    assert ours["accuracy"] == pytest.approx(float(multiclass_accuracy(*pair, average="micro")), abs=1e-6)
    assert ours["macro_f1"] == pytest.approx(float(multiclass_f1_score(*pair, average="macro")), abs=1e-6)
    assert ours["f1_positive"] == pytest.approx(float(multiclass_f1_score(*pair, average="none")[-1]), abs=1e-6)
    assert ours["confusion"] == multiclass_confusion_matrix(*pair).tolist()
    theirs = multiclass_calibration_error(*pair, n_bins=15, norm="l1")
    assert ours["ece"] == pytest.approx(float(theirs), abs=1e-6)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.1, 0.9]] * 10)
    gold = np.array([1] * 7 + [0] * 3)
    assert score(probabilities, gold, BINARY)["ece"] == pytest.approx(0.2)


def test_opposite_gaps_in_different_bins_do_not_cancel() -> None:
    probabilities = np.array([[0.1, 0.9]] * 2 + [[0.3, 0.7]] * 2)
    gold = np.array([1, 0, 1, 1])
    assert score(probabilities, gold, BINARY)["ece"] == pytest.approx((0.4 + 0.3) / 2)


def test_floor_is_the_best_constant_answer_per_metric() -> None:
    gold = np.array([0] * 7 + [1] * 3)
    floor = score(one_hot([0] * 10), gold, BINARY)["floor"]
    always_negative = score(one_hot([0] * 10), gold, BINARY)
    always_positive = score(one_hot([1] * 10), gold, BINARY)
    assert floor["error"] == pytest.approx(always_negative["error"])
    assert floor["macro_f1"] == pytest.approx(always_negative["macro_f1"])
    assert floor["f1_positive"] == pytest.approx(always_positive["f1_positive"])


def test_floor_of_indolem_is_the_published_f1_of_always_positive() -> None:
    gold = (np.arange(5048) < round(0.294 * 5048)).astype(int)
    assert score(one_hot([0] * 5048), gold, BINARY)["floor"]["f1_positive"] == pytest.approx(0.455, abs=0.001)


def test_mean_over_folds_is_not_the_f1_of_all_rows_together() -> None:
    gold = np.array([1, 1, 1, 0, 1, 0, 0, 0])
    predicted = [1, 1, 1, 0, 0, 1, 0, 0]
    folds = np.array([0] * 4 + [1] * 4)
    scores = score(one_hot(predicted), gold, BINARY, folds)
    assert [fold["f1_positive"] for fold in scores["folds"]] == [1.0, 0.0]
    assert scores["f1_positive_mean_folds"] == pytest.approx(0.5)
    assert scores["f1_positive"] == pytest.approx(0.75)
    assert scores["floor"]["f1_positive_mean_folds"] == pytest.approx((2 * 0.75 / 1.75 + 2 * 0.25 / 1.25) / 2)


def test_one_fold_gives_no_mean_over_folds() -> None:
    assert "f1_positive_mean_folds" not in score(one_hot([0, 1]), np.array([0, 1]), BINARY, np.zeros(2))


def test_class_that_never_occurs_does_not_lower_macro_f1() -> None:
    assert score(one_hot([0, 2], 3), np.array([0, 2]), THREE)["macro_f1"] == 1.0


@pytest.mark.parametrize(
    ("probabilities", "gold", "message"),
    [
        ([[np.nan, 1.0]], [0], "not finite in 1 of 1 rows"),
        ([[0.9, 0.3]], [0], "not normalised"),
        ([[1.5, -0.5]], [0], "not normalised"),
        ([[0.5, 0.5]], [2], "gold labels"),
        ([[0.5, 0.5]], [0, 1], "2 rows"),
        (np.empty((0, 2)), [], "no rows"),
    ],
)
def test_arrays_that_cannot_be_scored_are_refused(probabilities: object, gold: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score(np.array(probabilities), np.array(gold, dtype=int), BINARY)


def test_classes_without_positive_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        score(one_hot([0]), np.array([0]), ("no", "yes"))


def test_folds_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="3 folds for 1 rows"):
        score(one_hot([0]), np.array([0]), BINARY, np.zeros(3))


def test_bfloat16_softmax_counts_as_normalised() -> None:
    assert score(np.array([[0.4998, 0.4999]]), np.array([1]), BINARY)["accuracy"] == 1.0


@pytest.mark.parametrize(
    ("confusion", "collapsed"),
    [([[5, 0], [5, 0]], True), ([[5, 0], [4, 1]], False), ([[5, 0], [0, 0]], False), ([[0, 3], [0, 3]], True)],
)
def test_collapse_is_one_predicted_class_where_gold_has_more(confusion: list[list[int]], collapsed: bool) -> None:
    assert is_degenerate(confusion) is collapsed


def random_predictions(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.dirichlet([1, 1, 1], n).astype(np.float32), generator.integers(0, 3, n)


def test_curve_of_two_runs_is_the_sum_of_theirs() -> None:
    one, other = random_predictions(100, 0), random_predictions(50, 1)
    both = reliability(np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]]))
    summed = Reliability(*(sum(parts) for parts in zip(reliability(*one), reliability(*other), strict=True)))
    for mine, theirs in zip(both, summed, strict=True):
        assert mine == pytest.approx(theirs)


def test_network_that_knows_how_sure_it_is_has_no_error() -> None:
    confidence = np.full(1000, 0.8)
    gold = (np.arange(1000) % 5 == 0).astype(int)  # class 0 is right in 80 % of cases
    bins = reliability(np.stack([confidence, 1 - confidence], axis=1), gold)
    assert expected_calibration_error(bins) == pytest.approx(0, abs=1e-9)
    assert bins.predictions.sum() == 1000
