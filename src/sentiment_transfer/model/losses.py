"""Losses beside the mean cross-entropy. Each is a mean over the reviews of a batch, so that the loss of a batch is the
mean of its parts', by their sizes: however it is cut for memory or among devices, the step is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sentiment_transfer.errors import UserError


class WeightedCrossEntropy(nn.Module):
    """sum(w[y] * cross-entropy) / reviews, with weights whose mean over the training set is 1.

    ``torch.nn.CrossEntropyLoss(weight=...)`` divides by the weights of the batch instead. Then a review would count
    differently beside others, and a part of a batch would need the labels of the rest.

    Args:
        classes: the class names, in the order of the logits.
        counts: reviews of each class in the training set.
        class_weights: by class; None: inverse to ``counts``.

    Raises UserError where ``class_weights`` does not name each class once.
    """

    weight: Tensor  # (classes,) float32

    def __init__(
        self, classes: Sequence[str], counts: Sequence[int], class_weights: Mapping[str, float] | None = None
    ) -> None:
        super().__init__()
        if class_weights is not None and set(class_weights) != set(classes):
            example = ", ".join(f"{name}: 1" for name in classes)
            raise UserError(
                f"loss.class_weights names {', '.join(map(str, class_weights))}, and the classes are "
                f"{', '.join(classes)}: type 'loss.class_weights={{{example}}}'."
            )
        total = torch.tensor(counts, dtype=torch.float64)
        if class_weights is None:
            weight = total.sum() / (len(total) * total.clamp(min=1))
        else:
            weight = torch.tensor([float(class_weights[name]) for name in classes], dtype=torch.float64)
        weight = weight * total.sum() / (weight * total).sum()
        self.register_buffer("weight", weight.float(), persistent=False)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(logits, labels, weight=self.weight, reduction="none").mean()


class FocalLoss(nn.Module):
    """mean((1 - p[y]) ** gamma * cross-entropy), p the probabilities (arXiv 1708.02002, without its alpha)."""

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        each = cross_entropy(logits, labels, reduction="none")
        missed = (-torch.expm1(-each)).clamp(min=1e-12)  # at 0 the power has no finite gradient where gamma < 1
        return (missed**self.gamma * each).mean()
