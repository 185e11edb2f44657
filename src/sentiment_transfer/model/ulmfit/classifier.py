"""The classifier's training by ULMFiT's recipe, in place of a pretrained transformer's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from torch import Tensor
from transformers import PreTrainedModel

from sentiment_transfer.model.classifier import Batch, SentimentClassifier
from sentiment_transfer.model.ulmfit.network import UlmfitForSequenceClassification
from sentiment_transfer.model.ulmfit.schedule import StagedTriangles, discriminative_rates, trained_groups


class UlmfitClassifier(SentimentClassifier):
    """``SentimentClassifier`` with gradual unfreezing, a rate for every layer, slanted triangles (``warmup_ratio`` is
    their ``cut_frac``) and the penalty on activations. The losses that it reports are without the penalty."""

    def __init__(self, encoder: PreTrainedModel, **options: Any) -> None:
        super().__init__(encoder, **options)
        self.language_model: dict[str, Any] = {}  # what the encoder starts from, for the record
        self.language_seconds = 0.0  # that it took, whichever run or attempt trained it

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
        # Here and not at an epoch's start, which has no hook where a run goes on from the middle of one.
        self._thaw(self.trainer.current_epoch)

    def on_fit_end(self) -> None:
        self._thaw((self.trainer.max_epochs or 1) - 1)  # where an earlier attempt had trained all there was to train

    def _thaw(self, epoch: int) -> None:
        groups = self.ulmfit.groups()
        frozen = len(groups) - trained_groups(epoch, len(groups))
        for number, group in enumerate(groups):
            group.requires_grad_(number >= frozen)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = super().training_step(batch, batch_idx)
        penalty = self.ulmfit.penalty
        return loss if penalty is None else loss + penalty

    def _schedule(self, steps: int) -> Callable[[int], float]:
        return StagedTriangles(steps, self.trainer.max_epochs or 1, len(self.ulmfit.groups()), self.warmup_ratio)

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
