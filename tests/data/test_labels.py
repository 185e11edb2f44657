from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from sentiment_transfer.data.label_columns import sentence_of_ambiguous
from sentiment_transfer.data.labels import (
    DROPPED,
    binary_of_stars,
    canonical,
    checked_labels,
    default_labels,
    index_of,
)
from sentiment_transfer.data.reviews import BINARY, THREE_CLASS
from sentiment_transfer.errors import UserError


def test_one_and_two_stars_are_negative_four_and_five_positive_three_is_dropped() -> None:
    assert binary_of_stars(np.array([1, 2, 3, 4, 5])).tolist() == [0, 0, DROPPED, 1, 1]


def test_neutral_is_a_class_only_in_a_three_class_set() -> None:
    assert index_of("neutral", BINARY) == DROPPED
    assert index_of("neutral", THREE_CLASS) == 1
    assert index_of("positive", BINARY) == 1
    assert index_of(None, THREE_CLASS) == DROPPED


@pytest.mark.parametrize(
    ("word", "expected"), [(" Positive ", "positive"), ("1.0", "1"), ("-1.00", "-1"), ("v.0", "v.0")]
)
def test_case_white_space_and_a_float_ending_do_not_count(word: str, expected: str) -> None:
    assert canonical(word) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"positive", "negative"}, {"positive": "positive", "negative": "negative"}),
        ({"pos", "neu", "neg"}, {"pos": "positive", "neu": "neutral", "neg": "negative"}),
        ({"0", "1"}, {"0": "negative", "1": "positive"}),
        ({"-1", "0", "1"}, {"-1": "negative", "0": "neutral", "1": "positive"}),
        ({"-1", "1"}, {"-1": "negative", "1": "positive"}),
        ({"1", "2", "3", "4", "5"}, {"1": "negative", "3": "neutral", "5": "positive"}),
        ({"1", "2", "4", "5"}, {"2": "negative", "4": "positive"}),
    ],
)
def test_words_that_can_mean_one_thing_are_understood(words: set[str], expected: dict[str, str]) -> None:
    found = default_labels(words, BINARY)
    assert found is not None
    assert {word: found[word] for word in expected} == expected


@pytest.mark.parametrize(
    "words", [{"1", "2"}, {"0", "1", "2"}, {"1"}, {"0"}, {"1", "5"}, {"good", "bad"}, {"yes", "no"}]
)
def test_words_that_can_mean_several_things_are_not_guessed(words: set[str]) -> None:
    assert default_labels(words, BINARY) is None


def test_zero_and_one_are_not_guessed_in_a_three_class_set() -> None:
    assert default_labels({"0", "1"}, THREE_CLASS) is None


def test_the_ambiguity_sentence_says_what_to_type() -> None:
    sentence = sentence_of_ambiguous(Counter(bad=2, good=1), "csv")
    assert "'source.csv.labels={bad: <class>, good: <class>}' (2 and 1 rows)" in sentence
    assert sentence.count("bad") == 1


def test_the_ambiguity_sentence_sends_words_that_the_command_line_cannot_take_to_yaml() -> None:
    sentence = sentence_of_ambiguous(Counter({"良い": 2, "悪い": 1}), "csv")
    assert "YAML" in sentence
    assert "source.csv.labels" not in sentence


def test_a_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UserError, match="maps 'bad' to 'nasty'"):
        checked_labels({"bad": "nasty"}, "csv")


def test_label_words_may_be_numbers_in_the_configuration() -> None:
    assert checked_labels({1: "positive", -1: "negative", 0: None}, "csv") == {
        "1": "positive",
        "-1": "negative",
        "0": None,
    }
