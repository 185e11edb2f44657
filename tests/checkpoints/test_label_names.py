"""Label names of other classifiers: mapped to classes if they are unambiguous, otherwise by labels=."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sentiment_transfer.checkpoints.model import Origin, TrainedModel
from sentiment_transfer.checkpoints.saved import classes_of_logits
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
def test_unambiguous_names_are_mapped(names: list[str], outputs: tuple[str, ...]) -> None:
    assert classes_of_logits(names, None, "m") == outputs


def test_a_mapping_merges_labels_and_ignores_some() -> None:
    labels = {"anger": "negative", "joy": "positive", "love": "positive", "surprise": None}
    names = ["joy", "Anger", "LOVE", "surprise"]
    assert classes_of_logits(names, labels, "m") == ("positive", "negative", "positive", None)


@pytest.mark.parametrize(
    ("names", "labels", "sentence"),
    [
        (
            ["LABEL_0", "LABEL_1"],
            None,
            r"LABEL_0, LABEL_1, whose classes are ambiguous.*=\{LABEL_0: <class>",
        ),
        (["a", "b"], {"a": "negative"}, r"gives no class for b of m: name every label"),
        (["a", "b"], {"a": "negative", "b": "positive", "c": None}, "labels= names c, but the labels of m are a, b"),
        (["a", "b"], {"a": "bad", "b": "positive"}, "maps 'a' to 'bad'"),
        (["a", "b"], {"a": "positive", "b": None}, "is negative: a sentiment classifier has both"),
        (["negative", "neutral"], None, "is positive: a sentiment classifier has both"),
    ],
)
def test_an_incomplete_or_invalid_mapping_is_refused(
    names: list[str], labels: dict[str, str | None] | None, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        classes_of_logits(names, labels, "m")


def test_probabilities_of_one_class_add_and_ignored_logits_get_none(tmp_path: Path) -> None:
    outputs = ("positive", "negative", None, "positive")
    model = TrainedModel(None, None, ("positive", "negative"), outputs, 8, Origin("folder", str(tmp_path)))  # type: ignore[arg-type]
    logits = torch.tensor([[1.0, 2.0, 50.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    probabilities = model.probabilities(logits)
    assert probabilities.sum(1) == pytest.approx([1.0, 1.0])
    e = torch.e
    assert probabilities[0].tolist() == pytest.approx([2 * e / (2 * e + e**2), e**2 / (2 * e + e**2)])
    assert probabilities[1].tolist() == pytest.approx([2 / 3, 1 / 3])
