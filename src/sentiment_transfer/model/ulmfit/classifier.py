"""The training of the ULMFiT classifier (arXiv 1801.06146, sections 3.2 and 3.3): slanted triangular learning rates,
discriminative fine-tuning and gradual unfreezing."""

from __future__ import annotations

import math
from typing import Any, cast

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from transformers import PreTrainedModel

from sentiment_transfer.model.classifier import Batch, SentimentClassifier
from sentiment_transfer.model.ulmfit.network import UlmfitForSequenceClassification

FACTOR = 2.6  # between the learning rates of neighbouring layers; section 3.2
RATIO = 32  # of the peak learning rate to the lowest; section 3.2


class SlantedTriangular:
    """The factor of the peak learning rate at step t of T (section 3.2, equation 3).

    cut = floor(T cut_frac);  p = t / cut below cut, else 1 - (t - cut) / (cut (1 / cut_frac - 1))
    factor = (1 + p (ratio - 1)) / ratio
    """

    def __init__(self, steps: int, cut_frac: float = 0.1, ratio: float = RATIO) -> None:
        self.ratio = ratio
        self.cut = math.floor(steps * cut_frac)
        self.fall = (
            self.cut * (1 / cut_frac - 1) if self.cut else steps
        )  # no increase where it would take less than one step

    def __call__(self, step: int) -> float:
        p = step / self.cut if step < self.cut else 1 - (step - self.cut) / self.fall
        # floor() ends the decay a few steps early where T is no multiple of 1 / cut_frac.
        return (1 + max(0.0, p) * (self.ratio - 1)) / self.ratio


class StagedTriangles:
    """A slanted triangle for each epoch that unfreezes a layer group, and one for the epochs that train all of them, as
    in the authors' program (fastai, courses/dl2/imdb_scripts/train_clas.py); the paper leaves this open.

    ``steps`` are those of all ``epochs``.
    """

    # Plain numbers only: a scheduler saves them in the checkpoint, which is read with weights_only=True.
    def __init__(self, steps: int, epochs: int, groups: int, cut_frac: float) -> None:
        self.steps, self.cut_frac = steps, cut_frac
        self.epoch_steps = max(1, steps // epochs)
        self.unfreezing_steps = min(groups - 1, epochs - 1) * self.epoch_steps

    def __call__(self, step: int) -> float:
        if step < self.unfreezing_steps:
            return SlantedTriangular(self.epoch_steps, self.cut_frac)(step % self.epoch_steps)
        return SlantedTriangular(self.steps - self.unfreezing_steps, self.cut_frac)(step - self.unfreezing_steps)


def discriminative_rates(peak: float, groups: int, factor: float = FACTOR) -> list[float]:
    """Learning rates of the layer groups, the lowest first: ``peak`` at the top, ``factor`` lower per group below."""
    return [peak / factor ** (groups - 1 - group) for group in range(groups)]


def trained_groups(epoch: int, groups: int) -> int:
    """Number of groups, from the top, that epoch ``epoch`` (from 0) trains: one more each epoch (section 3.3)."""
    return min(epoch + 1, groups)


class UlmfitClassifier(SentimentClassifier):
    """``SentimentClassifier`` with gradual unfreezing, discriminative learning rates, slanted triangular schedules
    (``warmup_ratio`` is their ``cut_frac``) and AR and TAR penalties, which the logged losses exclude."""

    def __init__(self, encoder: PreTrainedModel, **options: Any) -> None:
        super().__init__(encoder, **options)
        self.language_model: dict[str, Any] = {}  # the record's entry about the language model
        self.language_seconds = 0.0  # its training time, in whichever run or attempt

    @property
    def ulmfit(self) -> UlmfitForSequenceClassification:
        return cast(UlmfitForSequenceClassification, self.network)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["language_model"] = {"facts": self.language_model, "seconds": self.language_seconds}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.language_model = checkpoint["language_model"]["facts"]
        self.language_seconds = checkpoint["language_model"]["seconds"]

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        super().on_train_batch_start(batch, batch_idx)
        # Not at an epoch's start, whose hook Lightning leaves out where a run resumes in mid-epoch.
        self._unfreeze(self.trainer.current_epoch)

    def on_fit_end(self) -> None:
        self._unfreeze((self.trainer.max_epochs or 1) - 1)  # where an earlier attempt had finished training

    def _unfreeze(self, epoch: int) -> None:
        groups = self.ulmfit.groups()
        frozen = len(groups) - trained_groups(epoch, len(groups))
        for number, group in enumerate(groups):
            group.requires_grad_(number >= frozen)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = super().training_step(batch, batch_idx)
        penalty = self.ulmfit.penalty
        return loss if penalty is None else loss + penalty

    def _schedule(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        epochs, groups = self.trainer.max_epochs or 1, len(self.ulmfit.groups())
        return LambdaLR(optimizer, StagedTriangles(steps, epochs, groups, self.warmup_ratio))

    def _parameter_groups(self) -> list[dict[str, Any]]:
        groups = self.ulmfit.groups()
        rates = discriminative_rates(self.learning_rate, len(groups))
        return [
            {"params": parameters, "lr": rate, "weight_decay": decay}
            for group, rate in zip(groups, rates, strict=True)
            for decay, parameters in (
                (self.weight_decay, [p for p in group.parameters() if p.ndim >= 2]),
                (0.0, [p for p in group.parameters() if p.ndim < 2]),
            )
            if parameters
        ]
