"""Get the weights of a run: from a training that starts or goes on here, or from a run that has trained them before."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from sentiment_transfer.config.schema import Config
from sentiment_transfer.data.base import ReviewSet
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.checksums import verify_checkpoint
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.objective import is_elementwise
from sentiment_transfer.model.ulmfit.classifier import UlmfitClassifier
from sentiment_transfer.runs.inputs import continued
from sentiment_transfer.runs.own_errors import own_errors_as_sentences
from sentiment_transfer.runs.trained_before import trained_before, training_lock
from sentiment_transfer.training.checkpoints import RunCheckpoints, last_checkpoint, mapped_checkpoint
from sentiment_transfer.training.selection import History, SavedWeights, select
from sentiment_transfer.training.weights import unreadable

log = logging.getLogger(__name__)


def fit_or_take_over(
    config: Config,
    trainer: pl.Trainer,
    module: SentimentClassifier,
    data: TransferDataModule,
    folder: Path,
    checkpoints: RunCheckpoints,
) -> str | None:
    """Train, unless another run has trained the same weights: then take them over and return that run's id."""
    ranks, inputs = checkpoints.ranks, checkpoints.inputs

    def needed(history: History) -> set[SavedWeights] | None:
        if any(s.name not in history[-1]["dev"] for s in data.dev_sets):
            return None  # oracle, and nobody looked at this development set while it was trained
        return {w for s in [*data.test_sets, *data.dev_sets] for w in selections(config, data, history, s).values()}

    # Where a step depends on the size of a matrix, weights depend on whose texts the trimmed vocabulary is.
    own_vocabulary = config.model.trim_vocabulary and not is_elementwise(config.optimizer)
    if last_checkpoint(folder).exists() or isinstance(module, UlmfitClassifier) or own_vocabulary:
        fit(config, trainer, module, data, folder, checkpoints)
        return None
    with training_lock(config, inputs, folder) if ranks.is_main else nullcontext():
        found = trained_before(config, inputs, folder, needed) if ranks.is_main else None
        if found is not None:
            log.info("The run in %s has trained these weights: they are scored, not trained again.", found.folder)
            for weights in sorted(needed(found.history) or (), key=str):
                found.take_over(weights, module.network, folder)
        taken: dict[str, Any] | None = ranks.all_gather(None if found is None else found.facts)[0]
        if taken is None:
            fit(config, trainer, module, data, folder, checkpoints)
            return None
    checkpoints.load_state_dict(taken)
    return str(taken["run_id"])


def fit(
    config: Config,
    trainer: pl.Trainer,
    module: SentimentClassifier,
    data: TransferDataModule,
    folder: Path,
    checkpoints: RunCheckpoints,
) -> None:
    """Train from the start, or resume from the last checkpoint.

    Raises UserError if the checkpoint was begun with other inputs, or cannot be loaded into this model.
    """
    resume = last_checkpoint(folder)
    if not resume.exists():
        trainer.fit(module, datamodule=data)
        return
    log.info("Resuming from %s", resume)
    try:
        verify_checkpoint(resume)
        state, own = mapped_checkpoint(resume)
        alone = checkpoints.ranks.world_size == 1
        checkpoints.inputs = continued(dict(own["inputs"]), checkpoints.inputs, folder, alone=alone)
        if own.get("trained"):  # what is left is scoring, and the file has neither weights nor an optimiser's state
            checkpoints.load_state_dict(own)
            module.trainer = trainer
            module.on_load_checkpoint(state)
            module.on_fit_end()
            return
        # weights_only: the file is read as tensors and plain values; nothing in it is executed.
        with own_errors_as_sentences(config):
            trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
    except Exception as error:
        # For a damaged file or a state that does not match, torch and Lightning raise a dozen classes of errors.
        if isinstance(error, UserError | OSError) or trainer.global_step:  # after loading: an error of training itself
            raise
        raise UserError(
            f"The checkpoint {resume} cannot be read into this model ({unreadable(error)}): it is damaged or of "
            "another architecture. Delete it to start this run again."
        ) from error


def selections(
    config: Config, data: TransferDataModule, history: History, split: ReviewSet
) -> Mapping[str, SavedWeights]:
    """Selection -> the weights that ``split`` is scored with."""
    oracle, average = split.name not in data.source, config.trainer.average
    return select(history, split.name, data.source_dev_names, oracle=oracle, average=average)
