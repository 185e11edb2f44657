from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from sentiment_transfer.data.reviews import THREE_CLASS, Reviews, stratified_rows


def reviews(texts: list[str], labels: list[int] | None = None) -> Reviews:
    ids = [str(number) for number in range(len(texts))]
    return Reviews.from_columns(ids, texts, labels or [0] * len(texts), language="en", domain="test")


@pytest.mark.parametrize("seed", range(40))
def test_a_stratified_subset_has_its_size_and_keeps_the_shares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(1, 5))
    labels = rng.choice(classes, size=int(rng.integers(1, 2_000)), p=rng.dirichlet(np.ones(classes))).astype(np.int8)
    limit = int(rng.integers(1, len(labels) + 50))
    rows = stratified_rows(labels, limit, seed)

    assert len(rows) == min(limit, len(labels))
    assert len(np.unique(rows)) == len(rows)
    assert rows.min() >= 0 and rows.max() < len(labels)
    assert np.array_equal(rows, stratified_rows(labels, limit, seed))
    exact = np.bincount(labels, minlength=classes) * len(rows) / len(labels)
    kept = np.bincount(labels[rows], minlength=classes)
    assert np.all(np.abs(kept - exact) < 1)
    assert np.all(kept[exact >= 1] >= 1)


def test_a_stratified_subset_is_shuffled_and_follows_its_seed() -> None:
    labels = np.repeat([0, 1], 500)
    rows = stratified_rows(labels, 400, 0)
    assert not np.array_equal(rows, np.sort(rows))
    assert abs(labels[rows][:100].mean() - 0.5) < 0.2, "not one class after the other"
    assert not np.array_equal(np.sort(rows), np.sort(stratified_rows(labels, 400, 1)))


def test_a_subset_of_sorted_rows_does_not_take_the_first_ones() -> None:
    rows = stratified_rows(np.zeros(1_000, dtype=np.int8), 100, 0)
    assert 350 < rows.mean() < 650


def test_the_digest_is_of_the_texts_in_order() -> None:
    one = reviews(["good", "bad"]).text_digest()
    assert one == reviews(["good", "bad"], [1, 0]).text_digest()
    other_ids = Reviews.from_columns(["x", "y"], ["good", "bad"], [0, 0], language="ja", domain="other")
    assert one == other_ids.text_digest()
    assert one != reviews(["bad", "good"]).text_digest()
    assert one != reviews(["good", "bad", ""]).text_digest()


def test_the_digest_sees_where_one_text_ends_and_the_next_begins() -> None:
    splits = [["ab", "c"], ["a", "bc"], ["abc", ""], ["", "abc"], ["abc"]]
    assert len({reviews(texts).text_digest() for texts in splits}) == len(splits)


def test_the_digest_does_not_depend_on_how_the_table_is_chunked() -> None:
    texts = [f"review {number}" for number in range(10_050)]
    whole = reviews(texts)
    assert whole.table["text"].num_chunks == 1
    picked = whole.take(np.arange(10_050))
    by_parts = Reviews(pa.Table.from_batches(whole.table.to_batches(900)), "en", "test")
    assert by_parts.table["text"].num_chunks > 1
    assert whole.text_digest() == picked.text_digest() == by_parts.text_digest()


def test_texts_come_in_order_and_in_batches() -> None:
    texts = [str(number) for number in range(25)]
    batches = list(reviews(texts).text_batches(10))
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert [text for batch in batches for text in batch] == texts


def test_rows_are_taken_in_the_order_given() -> None:
    split = reviews(["a", "b", "c"], [0, 1, 0]).take(np.array([2, 1]))
    assert (split.ids, split.labels.tolist(), len(split)) == (["2", "1"], [0, 1], 2)


def test_labels_are_counted_by_name_absent_ones_too() -> None:
    rows = Reviews.from_columns(["1", "2"], ["a", "b"], [2, 2], language="id", domain="test", classes=THREE_CLASS)
    assert rows.label_counts() == {"negative": 0, "neutral": 0, "positive": 2}
    assert rows.folds.tolist() == [0, 0]


def test_half_an_emoji_is_replaced_and_the_rest_of_the_text_kept() -> None:
    whole, half = "good \U0001f600", "good \ud83d!"
    rows = reviews([whole, half, "\udc80"])
    assert rows.table["text"].to_pylist() == [whole, "good \ufffd!", "\ufffd"]
    assert rows.text_digest() == reviews([whole, "good \ufffd!", "\ufffd"]).text_digest()


def test_an_id_from_a_file_name_that_is_no_text_is_kept_as_text() -> None:
    rows = Reviews.from_columns(["caf\udce9.csv:2"], ["good"], [1], language="fr", domain="test")
    assert rows.ids == ["caf\ufffd.csv:2"]
