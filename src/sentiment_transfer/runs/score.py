"""Class probabilities of every scored split, under every selection's weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl

from sentiment_transfer.data.base import ReviewSet
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.results.predictions import Mistake, Predictions, confident_mistakes
from sentiment_transfer.training.checkpoints import DIVERGED
from sentiment_transfer.training.ranks import ALONE, Ranks
from sentiment_transfer.training.selection import History, SavedWeights
from sentiment_transfer.training.weights import load_weights

# Two probabilities this close may swap by rounding: logits differ by up to 0.2 in 16 bits, 0.002 in fp32.
NEAR_16_BIT, NEAR_FP32 = 0.1, 0.001

# (weights, splits) -> probabilities of each split, (n, classes) float32, in the order of its reviews.
Predict = Callable[[SavedWeights, Sequence[ReviewSet]], Sequence[np.ndarray]]


@dataclass(frozen=True)
class Scored:
    """A split with its probabilities, (n, classes) float32, under every selection."""

    split: ReviewSet
    weights: Mapping[str, SavedWeights]  # by selection
    probabilities: dict[str, np.ndarray]  # by selection

    @property
    def name(self) -> str:
        return self.split.name

    @property
    def is_test(self) -> bool:
        return self.split.split == "test"

    @cached_property
    def predictions(self) -> Predictions:
        reviews = self.split.reviews
        return Predictions(reviews.ids, reviews.labels, reviews.folds, reviews.classes, self.probabilities)

    @cached_property
    def mistakes(self) -> list[Mistake]:
        """The most confident wrong answers."""
        return confident_mistakes(
            self.predictions, lambda rows: self.split.reviews.take(rows).table["text"].to_pylist()
        )


def score(wanted: Sequence[tuple[ReviewSet, Mapping[str, SavedWeights]]], predict: Predict) -> list[Scored]:
    """Score each split with the weights of its selections, in the order of ``wanted``.

    ``predict`` is called once for all splits that need the same weights; selections that share weights share their
    probabilities.
    """
    answers: dict[tuple[SavedWeights, int], np.ndarray] = {}
    for weights in dict.fromkeys(w for _, selections in wanted for w in selections.values()):
        places = [place for place, (_, selections) in enumerate(wanted) if weights in selections.values()]
        for place, probabilities in zip(places, predict(weights, [wanted[p][0] for p in places]), strict=True):
            answers[weights, place] = probabilities
    return [
        Scored(split, selections, {name: answers[weights, place] for name, weights in selections.items()})
        for place, (split, selections) in enumerate(wanted)
    ]


def network_predict(
    trainer: pl.Trainer, module: SentimentClassifier, data: TransferDataModule, folder: Path, ranks: Ranks = ALONE
) -> Predict:
    """A ``Predict`` for weights of the run in ``folder``: all splits in one pass, sorted by length.

    Processes that share the run share the batches; each returns all probabilities. ``Predict`` raises UserError,
    with the review, if a probability is NaN.
    """

    def predict(weights: SavedWeights, splits: Sequence[ReviewSet]) -> list[np.ndarray]:
        load_weights(module.network, weights.path(folder))
        with module.unchanged_weights():
            own = trainer.predict(module, dataloaders=data.scoring_dataloader(splits)) or []
        batches = [batch for gathered in ranks.all_gather(own) for batch in gathered]
        ends = np.cumsum([len(s.reviews) for s in splits])
        answers = np.split(_in_order(batches, int(ends[-1])), ends[:-1])
        for split, probabilities in zip(splits, answers, strict=True):
            refuse_not_finite(split, probabilities)
        return answers

    ranks.barrier()  # until the main process has written the weights
    return predict


def refuse_other_than_logged(scored: Scored, history: History, *, bf16: bool) -> None:
    """Raise UserError if the saved weights do not score a development set as logged at the end of their epoch.

    Training and scoring are different code; this check would detect a disagreement. Reviews whose two most probable
    classes are closer than rounding may be predicted differently: in bf16, the batch that a review is in changes its
    probabilities by some hundredths.
    """
    for selection, weights in scored.weights.items():
        if weights.kind != "epoch":
            continue  # the mean of weights has no logged score
        logged = history[weights.number]["dev"][scored.name]["error"]
        answers, gold = scored.probabilities[selection], np.asarray(scored.split.reviews.labels)
        error = float(np.mean(answers.argmax(1) != gold))
        highest = np.sort(answers, axis=1)
        near = np.count_nonzero(highest[:, -1] - highest[:, -2] < (NEAR_16_BIT if bf16 else NEAR_FP32))
        if abs(error - logged) * len(gold) > near + 0.5:
            raise UserError(
                f"The weights of {weights} score {error:.1%} error on the development set of {scored.name}, but "
                f"{logged:.1%} was logged when that epoch ended ({near} of {len(gold)} reviews are near enough to the "
                "boundary for rounding to matter). Training and scoring did not compute the same, so no result was "
                "written. Try trainer.packed=false, and please report this with train.log."
            )


def _in_order(batches: Sequence[Any], rows: int) -> np.ndarray:
    first = batches[0]["probabilities"]
    ordered = np.full((rows, first.shape[1]), np.nan, dtype=np.float32)
    for batch in batches:
        ordered[batch["rows"].numpy()] = batch["probabilities"].numpy()
    return ordered


def refuse_not_finite(split: ReviewSet, probabilities: np.ndarray) -> None:
    """Raise UserError, with the first review of its kind, unless all ``probabilities`` (n, classes) are finite."""
    wrong = np.flatnonzero(~np.isfinite(probabilities).all(1))
    if len(wrong):
        raise UserError(
            f"The trained network's probabilities for {review_name(split, int(wrong[0]))} are not numbers: {DIVERGED}"
        )


def review_name(split: ReviewSet, row: int) -> str:
    """``review 17 of written_ja (test)``"""
    return f"review {split.reviews.ids[row]} of {split.name} ({split.split})"
