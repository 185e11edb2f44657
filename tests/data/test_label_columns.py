from __future__ import annotations

from collections import Counter

import pytest

from sentiment_transfer.data.label_columns import claimed_class, is_label, is_rating, no_label
from sentiment_transfer.data.labels import default_labels
from sentiment_transfer.data.reviews import BINARY, THREE_CLASS


@pytest.mark.parametrize(
    ("column", "claim"),
    [
        ("is_positive", "positive"),
        ("isNegative", "negative"),
        ("review.negative", "negative"),
        ("Positive?", "positive"),
        ("negative_label", "negative"),
        ("not_negative", None),
        ("negative_votes", None),
        ("positive_or_negative", None),
        ("label", None),
        ("", None),
    ],
)
def test_a_column_may_say_what_is_true(column: str, claim: str | None) -> None:
    assert claimed_class(column) == claim


def test_a_column_may_say_that_it_is_a_label_or_a_rating() -> None:
    assert all(map(is_label, ("label", "Sentiment", "gold_label", "review.sentiment")))
    assert not any(map(is_label, ("spam_label", "verified", "", "is_positive")))
    assert all(map(is_rating, ("rating", "starRating", "review.stars", "評価", "Score")))
    assert not any(map(is_rating, ("label", "Note", "", "rated")))


@pytest.mark.parametrize(
    ("words", "column", "expected"),
    [
        ({"0", "1"}, "anything", {"0": "negative", "1": "positive"}),
        ({"0", "1"}, "is_negative", {"0": "positive", "1": "negative"}),
        ({"0", "1"}, "not_negative", None),
        ({"1"}, "is_negative", {"1": "negative"}),
        ({"1"}, "label", None),
        ({"true", "false"}, "label", {"false": "negative", "true": "positive"}),
        ({"true", "false"}, "negative", {"false": "positive", "true": "negative"}),
        ({"yes", "no"}, "sentiment", {"no": "negative", "yes": "positive"}),
        ({"yes", "no"}, "helpful", None),
        ({"yes", "1"}, "label", None),
        ({"1", "5"}, "rating", {"1": "negative", "5": "positive"}),
        ({"1", "5"}, "label", None),
        ({"positif", "否定的", "neutro"}, "label", {"positif": "positive", "否定的": "negative", "neutro": "neutral"}),
        ({"good", "bad"}, "label", None),
    ],
)
def test_what_words_mean_may_depend_on_their_column(
    words: set[str], column: str, expected: dict[str, str] | None
) -> None:
    found = default_labels(words, BINARY, column)
    assert (found and {word: found[word] for word in words}) == (expected and {w: expected[w] for w in words})


def test_false_and_true_are_not_guessed_in_a_three_class_set() -> None:
    assert default_labels({"true", "false"}, THREE_CLASS, "is_positive") is None


@pytest.mark.parametrize(
    ("words", "looks"),
    [
        ([f"B00{number}" for number in range(30)], "an id"),
        ([str(number) for number in range(30)], "an id"),
        ([str(number % 25) for number in range(300)], "a number, such as a measurement"),
        ([f"この商品はとても良いと思いました {number}" for number in range(30)], "a text"),
        (["a long sentence about the room, the food and the staff of the hotel"] * 3, "a text"),
        ([f"brand {number % 25}" for number in range(300)], "a name or a category"),
        (["good", "bad", "so so"], ""),
        ([str(number % 11) for number in range(300)], ""),
        (["a", "b", "c"], ""),
    ],
)
def test_values_that_are_no_labels_are_recognised(words: list[str], looks: str) -> None:
    assert no_label(Counter(words)) == looks
