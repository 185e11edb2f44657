from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from sentiment_transfer.data.audit import (
    EMPTY,
    audit_overlap,
    audit_sets,
    audit_split,
    keys_across,
    leaked_rows,
    normalise,
    row_keys,
    rows_in,
)
from sentiment_transfer.data.base import ReviewSet
from sentiment_transfer.data.indolem import IndoLEMDataModule
from sentiment_transfer.data.reviews import BINARY, THREE_CLASS, Reviews
from sentiment_transfer.data.smsa import SmSADataModule


def reviews(rows: list[tuple[str, int]], classes: tuple[str, ...] = BINARY) -> Reviews:
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    ids = [str(number) for number in range(len(rows))]
    return Reviews.from_columns(
        ids, texts, labels, language="en", domain="test", classes=classes, dropped={"neutral": 2}
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Very GOOD!!", "very good"),
        ("very,good", "very  good\n"),
        ("ｶﾞｷﾞ ＡＢＣ", "ガギ abc"),
        ("良い。とても", "良い とても"),
        ("zero\u200bwidth", "zero width"),
        ("Straße", "STRASSE"),
    ],
)
def test_case_width_punctuation_and_space_are_folded(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(("one", "other"), [("good \U0001f600", "good \U0001f621"), ("not good", "good"), ("だ", "た")])
def test_what_can_change_the_meaning_is_kept(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


def test_a_split_is_counted() -> None:
    split = reviews([("Good!", 1), ("good", 1), ("good", 0), ("bad", 0), (" ", 0), ("", 1), ("!!!", 1), ("...", 0)])
    audit = audit_split(split)
    assert audit.rows == 8
    assert audit.labels == {"negative": 4, "positive": 4}
    assert audit.shares == {"negative": 0.5, "positive": 0.5}
    assert audit.dropped == {"neutral": 2}
    assert audit.empty == 2
    assert audit.duplicates == 2
    assert audit.exact_duplicates == 1
    assert audit.conflicting == 3
    assert audit.characters == {"p50": 3, "p90": 4, "p99": 4, "p100": 5}


def test_a_clean_split_has_nothing_to_report() -> None:
    audit = audit_split(reviews([("good", 1), ("bad", 0)]))
    assert (audit.empty, audit.duplicates, audit.exact_duplicates, audit.conflicting) == (0, 0, 0, 0)


def test_a_split_of_empty_texts_only_is_counted() -> None:
    audit = audit_split(reviews([("", 1), ("", 0)]))
    assert (audit.rows, audit.empty, audit.duplicates, audit.conflicting) == (2, 2, 0, 0)


def test_shared_rows_and_other_labels_are_counted() -> None:
    train = reviews([("good", 1), ("bad", 0), ("so so", 0), ("so so", 1), ("", 0)])
    test = reviews([("GOOD", 1), ("bad.", 1), ("so so", 1), ("new", 0), ("", 0)])
    overlap = audit_overlap(train, test)
    assert (overlap.rows, overlap.shared, overlap.other_label, overlap.share) == (5, 3, 2, 0.6)
    assert overlap == audit_overlap(train, test, row_keys(train), row_keys(test))


def test_labels_of_binary_and_three_class_sets_are_compared_by_name() -> None:
    assert audit_overlap(reviews([("good", 1)]), reviews([("good", 2)], THREE_CLASS)).other_label == 0
    assert audit_overlap(reviews([("good", 1)]), reviews([("good", 1)], THREE_CLASS)).other_label == 1


def test_leaked_rows_are_those_whose_text_was_trained_on() -> None:
    train, test = reviews([("Good", 1), ("", 0)]), reviews([("", 0), ("bad", 0), ("good!", 1)])
    assert leaked_rows(row_keys(train), row_keys(test)).tolist() == [2]
    assert row_keys(test)[0] == EMPTY


def test_between_datasets_white_space_is_left_out() -> None:
    tokenised = reviews([("makanan nya enak , murah", 1), ("baik", 1)])
    plain = reviews([("Makanannya enak, murah!", 1), ("buruk", 0), ("", 1), ("!!!", 1)])
    sets = [ReviewSet("smsa_id", "train", tokenised), ReviewSet("nusax_id", "test", plain)]
    keys = {(s.name, s.split): row_keys(s.reviews) for s in sets}
    across = {(s.name, s.split): keys_across(s.reviews) for s in sets}
    assert keys_across(plain)[2] == EMPTY
    assert [len(np.unique(keys_across(each))) for each in (tokenised, plain)] == [2, 4]
    [overlap] = audit_sets(sets[:1], sets[1:], keys, across)["overlaps"]
    assert overlap["shared"] == 1
    assert rows_in(sets[:1], sets[1], keys, across).tolist() == [0]
    same = [ReviewSet("own", s.split, s.reviews) for s in sets]  # of one dataset, all is tokenised alike
    keys, across = ({("own", split): of[name, split] for name, split in of} for of in (keys, across))
    assert audit_sets(same[:1], same[1:], keys, across)["overlaps"][0]["shared"] == 0
    assert rows_in(same[:1], same[1], keys, across).tolist() == []


def test_test_sets_that_share_texts_are_listed() -> None:
    sets = [
        ReviewSet(name, "test", reviews([(text, 1), ("bad", 0)]))
        for name, text in (("a", "so good"), ("b", "SoGood!"), ("c", "fine"))
    ]
    sets[2] = ReviewSet("c", "test", reviews([("fine", 1)]))
    keys = {(s.name, s.split): row_keys(s.reviews) for s in sets}
    across = {(s.name, s.split): keys_across(s.reviews) for s in sets}
    [found] = audit_sets([], sets, keys, across)["between_tests"]
    assert found == {"test": "a", "scored": "b", "rows": 2, "shared": 2, "other_label": 0, "share": 1.0}
    assert "between_tests" not in audit_sets([], sets[1:], keys, across)


def test_160_000_reviews_are_hashed_in_seconds() -> None:
    words = np.random.default_rng(0).integers(0, 10**6, (160_000, 12))
    split = reviews([(" ".join(map(str, row)), 1) for row in words])
    start = time.perf_counter()
    assert len(np.unique(row_keys(split))) == 160_000
    assert time.perf_counter() - start < 10  # 1 s on an idle core


@pytest.mark.real_data
def test_the_known_traps_of_indolem_are_found(real_data: Path) -> None:
    folds = [IndoLEMDataModule(fold=fold, data_dir=real_data) for fold in range(5)]
    dev = [row_keys(fold.reviews("dev")) for fold in folds]
    assert all(np.array_equal(dev[1], keys) for keys in dev[2:])
    assert not np.array_equal(dev[0], dev[1])
    overlaps = [audit_overlap(fold.reviews("train"), fold.reviews("test")) for fold in folds]
    assert [overlap.shared for overlap in overlaps] == [50, 50, 39, 55, 41]
    assert [overlap.other_label for overlap in overlaps] == [2, 1, 2, 2, 4]


@pytest.mark.real_data
def test_the_known_traps_of_smsa_are_found(real_data: Path) -> None:
    binary, three = (SmSADataModule(classes=classes, data_dir=real_data) for classes in (2, 3))
    assert audit_split(three.reviews("train")).exact_duplicates == 67
    assert audit_split(three.reviews("train")).duplicates == 70
    assert audit_overlap(three.reviews("train"), three.reviews("dev")).shared == 16
    assert audit_overlap(binary.reviews("train"), binary.reviews("dev")).shared == 14
    assert audit_overlap(binary.reviews("train"), binary.reviews("test")).shared == 0
