"""Lightning's progress bar with epochs counted from 1, as everywhere else, and gone when its work is done."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.callbacks.progress.tqdm_progress import Tqdm
from tqdm.contrib.logging import logging_redirect_tqdm


@contextmanager
def lines_above_the_bar() -> Iterator[None]:
    """While it lasts, a line that is logged to the terminal moves the bar down and is not glued to it."""
    if not sys.stderr.isatty():
        yield
        return
    with logging_redirect_tqdm():
        yield


class EpochBar(TQDMProgressBar):
    """A bar for each epoch and each pass that scores, on standard error: standard output may be a file.

    It must be the first callback, since the others print on the line that it clears.
    """

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """Those of the module; without the number of the loggers' version, which is no metric."""
        return {name: value for name, value in super().get_metrics(trainer, pl_module).items() if name != "v_num"}

    def init_train_tqdm(self) -> Tqdm:
        return self._bar("training")

    def init_validation_tqdm(self) -> Tqdm:
        return self._bar("development sets", position=1)

    def init_predict_tqdm(self) -> Tqdm:
        return self._bar("scoring")

    def on_train_epoch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self.train_progress_bar.reset(self.total_train_batches)
        self.train_progress_bar.set_description(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}")

    def on_train_epoch_end(self, *arguments: Any) -> None:
        super().on_train_epoch_end(*arguments)
        self.train_progress_bar.clear()

    def on_predict_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if self.has_dataloader_changed(dataloader_idx):
            self.predict_progress_bar.reset(self.total_predict_batches_current_dataloader)

    def _bar(self, description: str, position: int = 0) -> Tqdm:
        return Tqdm(
            desc=description,
            position=position,
            disable=self.is_disabled,
            leave=False,
            dynamic_ncols=True,
            file=sys.stderr,
            smoothing=0,
            bar_format=self.BAR_FORMAT,
        )
