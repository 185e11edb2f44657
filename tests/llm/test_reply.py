"""Replies: which class an answer names, and how probable each label word was."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sentiment_transfer.llm.probabilities import probabilities_of
from sentiment_transfer.llm.reply import Reply, label_masses, label_of, parsed

ENGLISH = ("negative", "positive")
JAPANESE = ("否定的", "肯定的")
INDONESIAN = ("negatif", "netral", "positif")


@pytest.mark.parametrize(
    ("text", "words", "label"),
    [
        ("positive", ENGLISH, 1),
        (" Positive.\n", ENGLISH, 1),
        ("**Negative**", ENGLISH, 0),
        ("Sentiment: positive", ENGLISH, 1),
        ("Negative, not positive", ENGLISH, 0),
        ("It is either negative or positive", ENGLISH, None),
        ("ｐｏｓｉｔｉｖｅ", ENGLISH, 1),
        ("", ENGLISH, None),
        ("I cannot say", ENGLISH, None),
        ("nonpositive", ENGLISH, None),
        ("<think>maybe negative</think>positive", ENGLISH, 1),
        ("<think>positive so far", ENGLISH, None),
        ("肯定的です。", JAPANESE, 1),
        ("このレビューは否定的", JAPANESE, 0),
        ("「否定的」", JAPANESE, 0),
        ("Netral", INDONESIAN, 1),
    ],
)
def test_the_class_that_an_answer_names(text: str, words: tuple[str, ...], label: int | None) -> None:
    assert label_of(text, words) == label


def position(*candidates: tuple[str | bytes, float]) -> list[tuple[str, float]]:
    return [((t if isinstance(t, bytes) else t.encode()).hex(), math.log(p)) for t, p in candidates]


def test_the_first_token_that_only_one_label_begins_with_counts_for_it() -> None:
    masses = label_masses([position((" Pos", 0.6), ("neg", 0.3), ("The", 0.1)), position(("itive", 1.0))], ENGLISH)
    np.testing.assert_allclose(masses, [0.3, 0.6], atol=1e-9)


def test_what_labels_share_is_followed_along_the_chosen_tokens() -> None:
    first = position(("ne", 0.8), ("pos", 0.2))
    second = position(("ga", 0.75), ("tral", 0.25))
    np.testing.assert_allclose(label_masses([first, second], INDONESIAN), [0.6, 0.2, 0.2], atol=1e-9)


def test_a_blank_before_the_word_and_bytes_of_a_character_are_followed() -> None:
    positive, negative = "肯定的".encode(), "否定的".encode()
    steps = [
        position(("\n", 0.9), ("Well", 0.1)),
        position((positive[:1], 0.5), (negative[:2], 0.5)),
        position((positive[1:3], 1.0)),
    ]
    np.testing.assert_allclose(label_masses(steps, JAPANESE), [0.45, 0.45], atol=1e-9)


def test_quotes_before_a_word_are_no_part_of_it_and_their_bytes_are_not_taken_from_words() -> None:
    words = ("わるい", "よい")  # in UTF-8 they begin with a byte of the quotation mark
    steps = [position(("「", 1.0)), position(("よい", 0.7), ("わるい", 0.3))]
    np.testing.assert_allclose(label_masses(steps, words), [0.3, 0.7], atol=1e-9)


def test_another_answer_leaves_the_labels_what_was_listed_for_them() -> None:
    masses = label_masses([position(("I", 0.9), ("positive", 0.05)), position((" think", 1.0))], ENGLISH)
    np.testing.assert_allclose(masses, [0.0, 0.05], atol=1e-9)
    assert label_masses([], ENGLISH).sum() == 0


def reply(text: str, *positions: list[tuple[str, float]], refused: bool = False) -> Reply:
    return Reply(text, refused, list(positions), 10, 1, 0.1)


def test_answers_that_name_no_class_count_as_errors_and_are_shown() -> None:
    replies = [[reply("positive")], [reply("hm, " * 50)], [reply("", refused=True)], [reply("negative")]]
    found = probabilities_of(replies, ENGLISH, np.array([1, 0, 1, 1]), logprobs=False)
    assert found.probabilities.tolist() == [[0, 1], [0, 1], [1, 0], [1, 0]]
    assert (found.unparsable, found.refused, found.label_mass) == (1, 1, None)
    assert len(found.shown) == 1 and len(found.shown[0]) <= 80


def test_log_probabilities_are_normalised_and_their_sum_is_told() -> None:
    replies = [
        [reply("positive", position(("positive", 0.6), ("negative", 0.2)))],
        [reply("The", position(("The", 0.99)))],
    ]
    found = probabilities_of(replies, ENGLISH, np.array([1, 1]), logprobs=True)
    np.testing.assert_allclose(found.probabilities, [[0.25, 0.75], [1, 0]], atol=1e-6)
    assert found.label_mass == pytest.approx(0.4) and found.unparsable == 1


def test_samples_are_shares_of_the_answers_that_name_a_class() -> None:
    answers = [reply("positive"), reply("positive"), reply("negative"), reply("?")]
    found = probabilities_of([answers], ENGLISH, np.array([1]), logprobs=False)
    np.testing.assert_allclose(found.probabilities, [[1 / 3, 2 / 3]], atol=1e-6)


def test_three_classes_count_an_answer_without_one_as_wrong_whatever_is_right() -> None:
    gold = np.array([0, 1, 2])
    found = probabilities_of([[reply("?")]] * 3, INDONESIAN, gold, logprobs=False)
    assert (found.probabilities.argmax(1) != gold).all()


@pytest.mark.parametrize("body", [None, [], {}, {"choices": []}, {"choices": [{}]}, {"choices": ["x"]}, "text"])
def test_what_is_no_completion_is_refused(body: Any) -> None:
    with pytest.raises(ValueError):
        parsed(body, 0.1)


def test_a_completion_without_usage_content_or_bytes_is_read() -> None:
    token = {"token": "pos", "logprob": -0.1, "bytes": None, "top_logprobs": [{"token": "neg", "logprob": -2.0}]}
    choice = {"message": {"content": None}, "logprobs": {"content": [token]}}
    found = parsed({"choices": [choice]}, 0.5)
    assert (found.text, found.prompt_tokens, found.refused) == ("", 0, False)
    assert found.alternatives == [[(b"pos".hex(), -0.1), (b"neg".hex(), -2.0)]]
    assert parsed({"choices": [{"message": {"refusal": "no"}}]}, 0.1).refused
