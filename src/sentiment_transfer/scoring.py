"""Class probabilities of every test set, for every epoch that a selection points to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytorch_lightning as pl

from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.distributed.ranks import ALONE, Ranks
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.training.checkpoints import DIVERGED
from sentiment_transfer.training.selection import weights_path
from sentiment_transfer.training.weights import load_weights

Probabilities = dict[str, np.ndarray]  # selection -> (n, classes) float32, in the order of the reviews


def score(
    trainer: pl.Trainer,
    module: SentimentClassifier,
    data: TransferDataModule,
    folder: Path,
    chosen: dict[str, dict[str, int]],
    ranks: Ranks = ALONE,
) -> dict[str, Probabilities]:
    """Probabilities for each test set and selection.

    ``chosen`` is, per test set, selection -> epoch. Each epoch's weights are loaded once and score, in one pass sorted
    by length, the sets that need them; selections that share an epoch share its probabilities. Processes that share the
    run share the batches, and all have all probabilities at the end. Raises UserError where the network answers with no
    numbers.
    """
    by_epoch: dict[int, dict[str, np.ndarray]] = {}
    ranks.wait()  # for the first to have written the weights
    for epoch in sorted({epoch for epochs in chosen.values() for epoch in epochs.values()}):
        load_weights(module.network, weights_path(folder, epoch))
        sets = [s for s in data.test_sets if epoch in chosen[s.name].values()]
        own = trainer.predict(module, dataloaders=data.scoring_dataloader(sets)) or []
        outputs = [batch for batches in ranks.gathered(own) for batch in batches]
        ends = np.cumsum([len(s.reviews) for s in sets])
        parts = np.split(_in_order(outputs, int(ends[-1])), ends[:-1])
        by_epoch[epoch] = {s.name: part for s, part in zip(sets, parts, strict=True)}
    return {
        name: {selection: by_epoch[epoch][name] for selection, epoch in epochs.items()}
        for name, epochs in chosen.items()
    }


def _in_order(batches: list, rows: int) -> np.ndarray:
    first = batches[0]["probabilities"]
    ordered = np.full((rows, first.shape[1]), np.nan, dtype=np.float32)
    for batch in batches:
        ordered[batch["rows"].numpy()] = batch["probabilities"].numpy()
    if not np.isfinite(ordered).all():
        raise UserError(f"The trained network's probabilities are not numbers: {DIVERGED}")
    return ordered
