"""Labelled examples of a target: stratified, nested, never of the test set, each as often as the protocol says."""

from __future__ import annotations

import numpy as np
import pytest

from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.data.shots import Labelled, epoch_rows, few_examples
from sentiment_transfer.errors import UserError


def reviews(texts: list[str], labels: list[int]) -> Reviews:
    return Reviews.from_columns([f"r{i}" for i in range(len(texts))], texts, labels, language="id", domain="x")


TRAIN = reviews([f"review number {i}" for i in range(60)], [i % 3 == 0 for i in range(60)])  # 20 of 60 positive
TEST = reviews(["Review  NUMBER 3!", "another"], [1, 0])


def ids(shots: int, draw: int = 0, train: Reviews = TRAIN) -> set[str]:
    return set(few_examples(train, TEST, Labelled("t", shots, draw)).ids)


@pytest.mark.parametrize("draw", range(5))
def test_draws_are_stratified_and_nested(draw: int) -> None:
    before: set[str] = set()
    for shots in (1, 2, 4, 8, 16, 19):
        drawn = few_examples(TRAIN, TEST, Labelled("t", shots, draw))
        assert drawn.label_counts() == {"negative": shots, "positive": shots}
        assert before < set(drawn.ids)
        before = set(drawn.ids)


def test_a_draw_is_the_same_again_and_another_is_another() -> None:
    assert ids(8) == ids(8)
    assert len({frozenset(ids(8, draw)) for draw in range(10)}) == 10


def test_every_example_has_its_chance() -> None:
    assert set.union(*(ids(4, draw) for draw in range(100))) == set(TRAIN.ids) - {"r3"}


def test_no_text_of_the_test_set_is_drawn() -> None:
    assert all("r3" not in ids(19, draw) for draw in range(5))  # but for case, blanks and punctuation, a test row


def test_no_text_is_drawn_twice() -> None:
    twice = reviews(["good"] * 10 + ["fine"] + ["bad"] * 10 + ["poor"], [1] * 11 + [0] * 11)
    assert len(ids(2, train=twice)) == 4
    with pytest.raises(UserError, match="holds 2 different negative reviews that are not in the test set"):
        ids(3, train=twice)


def test_more_than_there_are_is_refused_with_the_most_that_can_be() -> None:
    with pytest.raises(UserError, match=r"protocol\.shots=20 is more than t has: .* 19 different positive reviews"):
        ids(20)


def test_few_labels_alone_are_repeated_until_an_epoch_has_its_rows() -> None:
    rows = epoch_rows(["source", "t"], [100, 8], Labelled("t", 4, alone=True, rows_per_epoch=50))
    assert np.bincount(rows, minlength=108).tolist() == 100 * [0] + 8 * [7]


def test_many_labels_alone_are_seen_once() -> None:
    assert epoch_rows(["t"], [64], Labelled("t", 32, alone=True, rows_per_epoch=50)).tolist() == list(range(64))
    whole = Labelled("t", None, alone=True, rows_per_epoch=1000)  # the whole split is trained on as any source
    assert epoch_rows(["t"], [64], whole).tolist() == list(range(64))


def test_joint_training_repeats_the_target_up_to_its_share() -> None:
    rows = epoch_rows(["source", "t"], [900, 10], Labelled("t", 5, fraction=0.1))
    counts = np.bincount(rows)
    assert counts[:900].tolist() == 900 * [1]
    assert counts[900:].sum() / counts.sum() == pytest.approx(0.1)


def test_joint_training_without_a_share_takes_every_review_once() -> None:
    assert epoch_rows(["source", "t"], [9, 3], Labelled("t")).tolist() == list(range(12))
    assert epoch_rows(["source", "t"], [9, 3], Labelled("t", 1, fraction=0.01)).tolist() == list(range(12))
