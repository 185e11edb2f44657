"""What a foreign classifier's labels mean: understood where they can mean one thing only, else said in full."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sentiment_transfer.checkpoints.labels import outputs_of
from sentiment_transfer.checkpoints.model import Origin, TrainedModel
from sentiment_transfer.errors import UserError


@pytest.mark.parametrize(
    ("names", "outputs"),
    [
        (["negative", "positive"], ("negative", "positive")),
        (["POSITIVE", "NEGATIVE"], ("positive", "negative")),
        (["Neg", "neutral", "pos"], ("negative", "neutral", "positive")),
        (["1 star", "2 stars", "3 stars", "4 stars", "5 stars"], ("negative",) * 2 + ("neutral",) + ("positive",) * 2),
    ],
)
def test_plain_names_are_understood(names: list[str], outputs: tuple[str, ...]) -> None:
    assert outputs_of(names, None, "m") == outputs


def test_a_mapping_joins_labels_and_leaves_some_out() -> None:
    labels = {"anger": "negative", "joy": "positive", "love": "positive", "surprise": None}
    names = ["joy", "Anger", "LOVE", "surprise"]
    assert outputs_of(names, labels, "m") == ("positive", "negative", "positive", None)


@pytest.mark.parametrize(
    ("names", "labels", "sentence"),
    [
        (
            ["LABEL_0", "LABEL_1"],
            None,
            r"LABEL_0, LABEL_1, and what they mean cannot be told.*=\{LABEL_0: <class>",
        ),
        (["a", "b"], {"a": "negative"}, r"does not say what b of m is: name every label"),
        (["a", "b"], {"a": "negative", "b": "positive", "c": None}, "labels= names c, but the labels of m are a, b"),
        (["a", "b"], {"a": "bad", "b": "positive"}, "maps 'a' to 'bad'"),
        (["a", "b"], {"a": "positive", "b": None}, "is negative: a sentiment classifier has both"),
        (["negative", "neutral"], None, "is positive: a sentiment classifier has both"),
    ],
)
def test_a_mapping_that_says_too_little_or_too_much(
    names: list[str], labels: dict[str, str | None] | None, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        outputs_of(names, labels, "m")


def test_probabilities_of_one_class_add_and_what_is_left_out_has_no_share(tmp_path: Path) -> None:
    outputs = ("positive", "negative", None, "positive")
    model = TrainedModel(None, None, ("positive", "negative"), outputs, 8, Origin("folder", str(tmp_path)))  # type: ignore[arg-type]
    logits = torch.tensor([[1.0, 2.0, 50.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    shares = model.probabilities(logits)
    assert shares.sum(1) == pytest.approx([1.0, 1.0])
    e = torch.e
    assert shares[0].tolist() == pytest.approx([2 * e / (2 * e + e**2), e**2 / (2 * e + e**2)])
    assert shares[1].tolist() == pytest.approx([2 / 3, 1 / 3])
