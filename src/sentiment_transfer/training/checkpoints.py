"""The files of a run in training: ``checkpoints/last.ckpt`` to go on from, and the weights that selections need.

Every file is written under a temporary name and renamed, so that a kill at any moment leaves the earlier one.
Weights that no selection needs any more are removed only after ``last.ckpt`` has been saved: until then the state
to go on from still points to them.
"""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import Checkpoint

from sentiment_transfer.errors import UserError
from sentiment_transfer.results.inputs import Inputs
from sentiment_transfer.results.record import Stopped
from sentiment_transfer.training.endings import ends_here, stopped_early
from sentiment_transfer.training.interruption import Interrupted, StopRequest
from sentiment_transfer.training.ranks import ALONE, Ranks
from sentiment_transfer.training.selection import History, at_epoch, mean_of_epochs, weights_needed
from sentiment_transfer.training.weights import (
    opened_weights,
    remove_other_weights,
    save_average,
    save_checkpoint,
    save_weights,
    train_again,
)

log = logging.getLogger(__name__)

DIVERGED = "the run has diverged. Lower optimizer.learning_rate (it is a part of the run's name, so this is a new run)."


def last_checkpoint(folder: Path) -> Path:
    return folder / "checkpoints" / "last.ckpt"


def mapped_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A checkpoint, whose tensors are mapped and not read, and what ``RunCheckpoints`` put into it."""
    state = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    return state, state["callbacks"][RunCheckpoints.__qualname__]


def epoch_line(entry: dict[str, Any], epochs: int) -> str:
    """``epoch 2/4: train loss 0.213; smsa_id dev loss 0.31, error 8.1 %``"""
    sets = "".join(f"; {name} dev loss {d['loss']:.3f}, error {d['error']:.1%}" for name, d in entry["dev"].items())
    return f"epoch {entry['epoch'] + 1}/{epochs}: train loss {entry['train']['loss']:.3f}{sets}"


class RunCheckpoints(Checkpoint):
    """Saves, selects and stops. As Lightning's ``Checkpoint`` it runs after every other callback, whose state and whose
    decision to stop are then in what it saves.

    Args:
        folder: the run's directory.
        stop: asked after every optimiser step whether to save and stop.
        dev_rows: reviews of each development set, in the order of the validation loaders.
        source_dev: the development sets that ``source_dev`` selects by.
        oracle_for: the targets that select by their own development set.
        save_every_seconds: between saves inside an epoch.
        average: keep the running mean of the epochs' weights as well.
        ranks: the processes that share the run; the first one's clock and files count.
        inputs: what the run is computed from (``results/inputs.py``), kept in every checkpoint.
        last_step: the optimiser step after which training ends; None: at the last epoch's end.
    """

    def __init__(
        self,
        folder: Path,
        stop: StopRequest,
        dev_rows: dict[str, int],
        source_dev: list[str],
        oracle_for: list[str],
        save_every_seconds: float,
        average: bool = False,
        ranks: Ranks = ALONE,
        inputs: Inputs | None = None,
        last_step: int | None = None,
    ) -> None:
        self.folder, self.stop = folder, stop
        self.dev_rows, self.source_dev, self.oracle_for = dev_rows, source_dev, oracle_for
        self.save_every_seconds, self.average, self.ranks = save_every_seconds, average, ranks
        self.inputs = inputs or Inputs(reviews={}, files={})
        self.last_step = last_step
        self.history: History = []
        self.stopped: Stopped | None = None
        self.should_stop = False  # the trainer's, which Lightning does not keep
        self.train_seconds = self.validate_seconds = 0.0
        self.trained = 0  # optimiser steps, once the plan's last one was taken
        self._dev: dict[str, dict[str, float]] = {}
        self._clock = self._saved = 0.0

    def state_dict(self) -> dict[str, Any]:
        seconds = {"train_seconds": self.train_seconds, "validate_seconds": self.validate_seconds}
        state = {"history": self.history, **seconds, "inputs": self.inputs}
        state |= {"should_stop": True} if self.should_stop else {}
        state |= {"trained": self.trained} if self.trained else {}
        return state | ({"stopped": self.stopped} if self.stopped else {})

    def on_load_checkpoint(self, trainer: Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Count the batches' parts as they are cut now: after running out of memory there are more of them, and another
        machine may have other devices."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        now, then = data.sampler(), data.saved_sampler(checkpoint[type(data).__qualname__])
        if (now.micro_batches, now.world_size) == (then.micro_batches, then.world_size):
            return
        progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        saved = dict(progress["current"])
        ready = now.remap_position(saved["ready"], then)
        steps = trainer.limit_train_batches if isinstance(trainer.limit_train_batches, int) else len(now)
        epochs = checkpoint["epoch"] * min(steps, len(now))
        for stage, parts in saved.items():
            # Inside an epoch one part is not "completed" yet when it is saved, and Lightning looks for just that.
            progress["current"][stage] = ready - (saved["ready"] - parts)
            progress["total"][stage] = epochs + progress["current"][stage]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = list(state_dict["history"])
        self.train_seconds = float(state_dict["train_seconds"])
        self.validate_seconds = float(state_dict.get("validate_seconds", 0.0))
        self.trained = int(state_dict.get("trained", 0))
        self.stopped = state_dict.get("stopped")
        self.should_stop = state_dict.get("should_stop", self.stopped is not None)

    def on_fit_start(self, trainer: Trainer, pl_module: pl.LightningModule) -> None:
        trainer.should_stop = False  # a timer that has run out ends training at a step, after which sets are scored

    def on_train_start(self, trainer: Trainer, pl_module: pl.LightningModule) -> None:
        self.stop.listen()
        self.stop.patient = True
        self._clock = self._saved = time.monotonic()
        trainer.should_stop = self.should_stop
        if self.ranks.is_main:
            self._refuse_damaged_weights(trainer.max_epochs or 0)

    def _refuse_damaged_weights(self, epochs: int) -> None:
        """Raise UserError now, and not after hours of training, if weights that the run's end needs are damaged."""
        if not self.history:
            return
        needed = weights_needed(self.history, self.oracle_for, self.source_dev, oracle=True)
        if self.average and epochs > 1:
            needed.add(mean_of_epochs(len(self.history)))
        for weights in needed:
            with opened_weights(weights.path(self.folder), train_again(self.folder)):
                pass

    def on_train_batch_end(self, trainer: Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        self._tick()
        if self.last_step is not None and trainer.global_step >= self.last_step:
            trainer.should_stop = True
        if ends_here(trainer):
            return  # development sets are scored now, and the epoch's end saves
        batch = trainer.fit_loop.epoch_loop.batch_progress.current.ready
        if batch == trainer.num_training_batches or batch % trainer.accumulate_grad_batches:
            return  # the epoch's end saves by itself; gradients in the making are no part of a checkpoint
        due = self.ranks.is_main and time.monotonic() - self._saved >= self.save_every_seconds
        # One question for both, after every step: processes that share a run must save and stop after the same one.
        asked, late = divmod(self.ranks.all_reduce_max(2 * (self.stop.signum or 0) + due), 2)
        if asked or late:
            self._save(trainer)
            self._stop_where_asked(trainer, asked)

    def on_validation_start(self, trainer: Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.sanity_checking:
            self._tick()

    def on_validation_end(self, trainer: Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        begun, self._clock = self._clock, time.monotonic()
        self.validate_seconds += self._clock - begun
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self._dev = {
            name: {
                "n": rows,
                "loss": metrics[f"dev/{name}/loss"],
                "error": 1.0 - metrics[f"dev/{name}/accuracy"],
                "macro_f1": metrics[f"dev/{name}/f1"],
            }
            for name, rows in self.dev_rows.items()
        }

    def on_train_epoch_end(self, trainer: Trainer, pl_module: pl.LightningModule) -> None:
        train = {name: float(value) for name, value in pl_module.train_metrics.compute().items()}  # type: ignore[operator, union-attr]
        epoch = trainer.current_epoch
        dev = [value for values in self._dev.values() for value in values.values()]
        if not all(map(math.isfinite, [*train.values(), *dev])):
            raise UserError(f"The loss is not a number in epoch {epoch + 1}: {DIVERGED}")
        self.history = [*self.history[:epoch], {"epoch": epoch, "train": train, "dev": self._dev}]
        log.info("%s", epoch_line(self.history[-1], trainer.max_epochs or 0))
        at_the_plans_end = self.last_step is not None and trainer.global_step >= self.last_step
        self.stopped = None if at_the_plans_end else stopped_early(trainer)
        if at_the_plans_end or (epoch + 1 == trainer.max_epochs and self.stopped is None):
            self.trained = trainer.global_step
        needed = weights_needed(self.history, self.oracle_for, self.source_dev, oracle=True)
        if at_epoch(epoch) in needed:
            save_weights(pl_module.network, at_epoch(epoch).path(self.folder), self.ranks)  # type: ignore[arg-type]
        if self.average and (trainer.max_epochs or 0) > 1:
            # Under a name of its own: until last.ckpt is saved, the state to go on from needs the mean before this one.
            save_average(pl_module.network, self.folder, epoch + 1, self.ranks)  # type: ignore[arg-type]
            needed.add(mean_of_epochs(epoch + 1))
        self._save(trainer)
        if self.ranks.is_main:
            remove_other_weights(self.folder, needed)
        self._stop_where_asked(trainer, self.ranks.all_reduce_max(self.stop.signum or 0))

    def on_train_end(self, trainer: Trainer, pl_module: pl.LightningModule) -> None:
        self.stop.patient = False
        # Noted after the last epoch's save: no step comes that would look.
        self._stop_where_asked(trainer, self.ranks.all_reduce_max(self.stop.signum or 0))

    def on_exception(self, trainer: Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self.stop.patient = False

    def _tick(self) -> None:
        now = time.monotonic()
        self.train_seconds += now - self._clock
        self._clock = now

    def _save(self, trainer: Trainer) -> None:
        self.should_stop = trainer.should_stop
        with trainer.lightning_module.metrics_of_all_ranks():  # type: ignore[operator]
            checkpoint = trainer._checkpoint_connector.dump_checkpoint(weights_only=False)
        if self.trained:  # no step follows, and what is scored has its own files: of XLM-R base, a third of this one
            checkpoint |= {"state_dict": {}, "optimizer_states": []}
        if self.ranks.is_main:
            # Not trainer.save_checkpoint: it goes through a file in the system's temporary folder and copies, which a
            # kill can cut in half.
            save_checkpoint(checkpoint, last_checkpoint(self.folder))
        self._saved = time.monotonic()

    def _stop_where_asked(self, trainer: Trainer, signum: int) -> None:
        if signum:
            epochs = trainer.max_epochs or 0
            epoch = min(trainer.current_epoch + 1, epochs)
            raise Interrupted(signum, f"epoch {epoch} of {epochs}, step {trainer.global_step}")
