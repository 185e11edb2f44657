"""Whether and why a training ends before its plan: a callback, or the time that it was given."""

from __future__ import annotations

import logging

from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import Timer

from sentiment_transfer.results.record import Stopped

log = logging.getLogger(__name__)

OUT_OF_TIME = "The time of trainer.extra.max_time was over."


def ends_here(trainer: Trainer) -> bool:
    """Whether training was told to end, and has the epochs and steps that it must have at least."""
    return trainer.should_stop and trainer.fit_loop._can_stop_early


def stopped_early(trainer: Trainer) -> Stopped | None:
    """Where and why a callback ends training after this epoch; None where it goes on, or would end here anyway."""
    epoch, epochs = trainer.current_epoch + 1, trainer.max_epochs or 0
    whole = trainer.fit_loop.epoch_loop.batch_progress.current.ready >= trainer.num_training_batches
    if not ends_here(trainer) or (epoch >= epochs and whole):
        return None
    if any(isinstance(each, Timer) and (each.time_remaining() or 0) <= 0 for each in trainer.callbacks):  # type: ignore[attr-defined]
        stopped = Stopped(epoch=epoch, max_epochs=epochs, reason=OUT_OF_TIME)
        log.info("Stopped in epoch %d of %d. %s", epoch, epochs, OUT_OF_TIME)
        return stopped
    reasons = (getattr(each, "stopping_reason_message", None) for each in trainer.callbacks)  # type: ignore[attr-defined]
    reason = next((each for each in reasons if isinstance(each, str)), "A callback has stopped the training.")
    stopped = Stopped(epoch=epoch, max_epochs=epochs, reason=reason.removesuffix(" Signaling Trainer to stop."))
    log.info("Stopped after epoch %d of %d. %s", epoch, epochs, stopped["reason"])
    return stopped
