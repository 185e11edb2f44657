"""How far a run is, for the launcher's table: written where the environment variable SLOTS_PROGRESS says."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning import Callback, Trainer

VARIABLE = "SLOTS_PROGRESS"  # set by the launcher; docs/launcher.md has the format
SECONDS = 1.0  # between two writes, at least


def progress_reports() -> list[Callback]:
    """The callback where somebody asks for it, else none."""
    path = os.environ.get(VARIABLE)
    return [ProgressFile(Path(path))] if path else []


def report_stage(text: str) -> None:
    """What a run does before its epochs begin, for whoever asked."""
    if path := os.environ.get(VARIABLE):
        ProgressFile(Path(path))._write(0.0, text)


class ProgressFile(Callback):
    def __init__(self, path: Path) -> None:
        self.path = path
        self._written = 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        if trainer.is_global_zero and time.monotonic() - self._written >= SECONDS:
            epochs, epoch = trainer.max_epochs or 1, trainer.current_epoch
            inside = trainer.fit_loop.epoch_loop.batch_progress.current.ready / trainer.num_training_batches
            self._write((epoch + inside) / epochs, f"epoch {epoch + 1}/{epochs}")

    def on_train_end(self, trainer: Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            self._write(1.0, "scoring")

    def _write(self, done: float, text: str) -> None:
        self._written = time.monotonic()
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):  # only shown: no reason to end a run
            temporary.write_text(json.dumps({"done": round(done, 4), "text": text}), encoding="utf-8")
            os.replace(temporary, self.path)
