"""Class probabilities of every set that is scored, for every epoch that a selection points to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytorch_lightning as pl

from sentiment_transfer.data.sets import ReviewSet
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.training.checkpoints import DIVERGED
from sentiment_transfer.training.ranks import ALONE, Ranks
from sentiment_transfer.training.selection import History, weights_path
from sentiment_transfer.training.weights import load_weights

Probabilities = dict[str, np.ndarray]  # selection -> (n, classes) float32, in the order of the reviews
# Two probabilities this near may change places by rounding: logits are off by up to 0.2 in 16 bits, 0.002 in fp32.
NEAR_16_BIT, NEAR_FP32 = 0.1, 0.001


def score(
    trainer: pl.Trainer,
    module: SentimentClassifier,
    data: TransferDataModule,
    folder: Path,
    wanted: Sequence[tuple[ReviewSet, dict[str, int]]],
    ranks: Ranks = ALONE,
) -> list[Probabilities]:
    """Probabilities for each set and selection, in the order of ``wanted``, which is sets with selection -> epoch.

    Each epoch's weights are loaded once and score, in one pass sorted by length, the sets that need them; selections
    that share an epoch share its probabilities. Processes that share the run share the batches, and all have all
    probabilities at the end. Raises UserError where the network answers with no numbers.
    """
    by_epoch: dict[int, dict[int, np.ndarray]] = {}
    ranks.barrier()  # for the first to have written the weights
    for epoch in sorted({epoch for _, epochs in wanted for epoch in epochs.values()}):
        load_weights(module.network, weights_path(folder, epoch))
        places = [place for place, (_, epochs) in enumerate(wanted) if epoch in epochs.values()]
        sets = [wanted[place][0] for place in places]
        with module.unchanged_weights():
            own = trainer.predict(module, dataloaders=data.scoring_dataloader(sets)) or []
        outputs = [batch for batches in ranks.all_gather(own) for batch in batches]
        ends = np.cumsum([len(s.reviews) for s in sets])
        parts = np.split(_in_order(outputs, int(ends[-1])), ends[:-1])
        by_epoch[epoch] = dict(zip(places, parts, strict=True))
    return [
        {selection: by_epoch[epoch][place] for selection, epoch in epochs.items()}
        for place, (_, epochs) in enumerate(wanted)
    ]


def refuse_other_than_logged(
    review_set: ReviewSet,
    probabilities: Probabilities,
    epochs: Mapping[str, int],
    history: History,
    *,
    low_precision: bool,
) -> None:
    """Raises UserError where the kept weights do not score a development set as was logged when their epoch ended.

    Training and scoring are different code; this is where a run would see that they disagree. A review may be answered
    otherwise where its two most probable classes are as near as rounding brings them: ``low_precision``, in 16 bits, which
    batches it was computed in moves a probability by some hundredths.
    """
    for selection, epoch in epochs.items():
        if epoch < 0:
            continue  # a mean of weights, which was not logged
        logged = history[epoch]["dev"][review_set.name]["error"]
        answers, gold = probabilities[selection], np.asarray(review_set.reviews.labels)
        error = float(np.mean(answers.argmax(1) != gold))
        highest = np.sort(answers, axis=1)
        near = np.count_nonzero(highest[:, -1] - highest[:, -2] < (NEAR_16_BIT if low_precision else NEAR_FP32))
        if abs(error - logged) * len(gold) > near + 0.5:
            raise UserError(
                f"The weights of epoch {epoch + 1} score {error:.1%} error on the development set of "
                f"{review_set.name}, but {logged:.1%} was logged when that epoch ended ({near} of {len(gold)} reviews "
                "are near enough to the boundary for rounding to matter). Training and scoring did not compute the "
                "same, so no result was written. Try trainer.packed=false, and please report this with train.log."
            )


def _in_order(batches: list, rows: int) -> np.ndarray:
    first = batches[0]["probabilities"]
    ordered = np.full((rows, first.shape[1]), np.nan, dtype=np.float32)
    for batch in batches:
        ordered[batch["rows"].numpy()] = batch["probabilities"].numpy()
    if not np.isfinite(ordered).all():
        raise UserError(f"The trained network's probabilities are not numbers: {DIVERGED}")
    return ordered
