"""Reports of training and scoring to a launcher, as shares of the whole run by the tokens that each of them takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from sentiment_transfer.data.base import ReviewSet
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.files.progress import ProgressFile, progress_file
from sentiment_transfer.formatting import listed

TRAINING = 3  # a training step takes as long as this number of forward passes: backward is two


class RunProgress(Callback):
    """Reports epochs and scoring. ``data`` must be tokenised.

    ``passes`` is the number of weights that are scored; set it as soon as it is known.
    """

    def __init__(self, file: ProgressFile, data: TransferDataModule, passes: int) -> None:
        self.file, self.passes = file, passes
        training, rows = tokens(data.train_sets), sum(len(s.reviews) for s in data.train_sets)
        self._epoch = TRAINING * training / rows * len(data.epoch_rows)
        self._is_cut = False
        self._dev = tokens(data.dev_sets)
        self._scoring = tokens([*data.test_sets, *data.dev_sets])
        self._scored = 0  # passes
        targets = [s.name for s in data.test_sets if s.name not in data.source]
        self._scores = f"scoring {listed(targets or [s.name for s in data.test_sets], most=2)}"

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        if trainer.is_global_zero:
            epoch = trainer.current_epoch
            self._cut(trainer)
            inside = trainer.fit_loop.epoch_loop.batch_progress.current.ready / trainer.num_training_batches
            done = epoch * (self._epoch + self._dev) + inside * self._epoch
            text = f"training epoch {epoch + 1}/{trainer.max_epochs}"
            self.file.report(text, done / self._total(trainer), within=True)

    def _cut(self, trainer: pl.Trainer) -> None:
        """Count of an epoch what limit_train_batches leaves."""
        if not self._is_cut and isinstance(trainer.limit_train_batches, int):
            data: Any = trainer.datamodule  # type: ignore[attr-defined]
            self._epoch *= min(1.0, trainer.limit_train_batches / len(data.sampler()))
        self._is_cut = True

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            self.file.report(self._scores, self._share_scored(trainer, 0.0))

    def on_predict_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        if trainer.is_global_zero:
            inside = (batch_idx + 1) / max(1, sum(trainer.num_predict_batches))
            self.file.report(self._scores, self._share_scored(trainer, inside), within=True)

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._scored += 1

    def _share_scored(self, trainer: pl.Trainer, inside: float) -> float:
        trained = self._trained(trainer)
        return min(1.0, (trained + (self._scored + inside) * self._scoring) / self._total(trainer))

    def _trained(self, trainer: pl.Trainer) -> float:
        return (trainer.max_epochs or 1) * (self._epoch + self._dev)

    def _total(self, trainer: pl.Trainer) -> float:
        return self._trained(trainer) + self.passes * self._scoring


def tokens(sets: Sequence[ReviewSet]) -> int:
    return sum(int(s.tokens.offsets[-1]) for s in sets if s.tokens is not None)


def progress_reports(data: TransferDataModule, passes: int) -> list[RunProgress]:
    """The callback if a launcher reads reports, else none."""
    file = progress_file()
    return [RunProgress(file, data, passes)] if file else []
