"""Class probabilities of every test set, for every epoch that a selection points to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytorch_lightning as pl

from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.training.checkpoints import DIVERGED, load_weights, weights_path

Probabilities = dict[str, np.ndarray]  # selection -> (n, classes) float32, in the order of the reviews


def score(
    trainer: pl.Trainer,
    module: SentimentClassifier,
    data: TransferDataModule,
    folder: Path,
    chosen: dict[str, dict[str, int]],
) -> dict[str, Probabilities]:
    """Probabilities for each test set and selection.

    ``chosen`` is, per test set, selection -> epoch. Each epoch's weights are loaded once and score, in one pass,
    the sets that need them; selections that share an epoch share its probabilities. Raises UserError where the
    network answers with no numbers.
    """
    by_epoch: dict[int, dict[str, np.ndarray]] = {}
    for epoch in sorted({epoch for epochs in chosen.values() for epoch in epochs.values()}):
        load_weights(module.network, weights_path(folder, epoch))
        sets = [s for s in data.test_sets if epoch in chosen[s.name].values()]
        loaders = [loader for s, loader in zip(data.test_sets, data.test_dataloader(), strict=True) if s in sets]
        outputs = trainer.predict(module, dataloaders=loaders) or []
        # Lightning unwraps the list where there is one loader.
        batches = [outputs] if len(loaders) == 1 else outputs
        by_epoch[epoch] = {
            s.name: _in_order(batches_of_set, len(s.reviews)) for s, batches_of_set in zip(sets, batches, strict=True)
        }
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
