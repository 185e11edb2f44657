"""Options of what is optimised and how: groups ``optimizer``, ``schedule`` and ``loss``.

``_target_`` is Hydra's: the class or function that is called. The options of a group's dataclass are its arguments, but
those of ``OptimizerConfig`` itself, which every optimiser has.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import Ge, Interval
from omegaconf import MISSING

from sentiment_transfer.config.bounds import BELOW_ONE, POSITIVE
from sentiment_transfer.config.dataset import LATER

NOT_NEGATIVE = Interval(ge=0, lt=math.inf)


@dataclass
class Called:
    """A class or function by ``_target_``, and its arguments."""

    _target_: str = MISSING

    def arguments(self) -> dict[str, Any]:
        """The arguments that are the group's own, by the names that the target has for them."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in self.not_passed()}

    @classmethod
    def not_passed(cls) -> set[str]:
        """Options that are no argument of the target."""
        return {"_target_"}


@dataclass
class Rate(Called):
    learning_rate: Annotated[float, POSITIVE] = 2e-5  # peak rate
    weight_decay: Annotated[float, NOT_NEGATIVE] = 0.01  # not on biases and norms
    warmup_ratio: Annotated[float, BELOW_ONE] = 0.1  # of all steps; what comes after is the schedule's


@dataclass
class OptimizerConfig(Rate):
    """The options that every optimiser has."""

    max_grad_norm: Annotated[float, POSITIVE] = 1.0  # longer gradients are scaled down to this norm
    # Each layer's rate by that of the one above: the head has learning_rate, the top layer layer_decay of it, ..., the
    # embeddings of n layers layer_decay ** (n + 1). null: one rate.
    layer_decay: Annotated[float | None, Interval(gt=0, le=1)] = field(default=None, metadata=LATER)

    @classmethod
    def not_passed(cls) -> set[str]:
        return super().not_passed() | {f.name for f in dataclasses.fields(OptimizerConfig)}


@dataclass
class Betas(Rate):
    """Decay rates of two moments, which are the argument ``betas``."""

    beta1: Annotated[float, BELOW_ONE] = 0.9  # decay rate of the mean of the gradients
    beta2: Annotated[float, BELOW_ONE] = 0.999  # decay rate of the mean of their squares

    def arguments(self) -> dict[str, Any]:
        return super().arguments() | {"betas": (self.beta1, self.beta2)}

    @classmethod
    def not_passed(cls) -> set[str]:
        return super().not_passed() | {"beta1", "beta2"}


@dataclass
class Moments(Betas):
    eps: Annotated[float, POSITIVE] = 1e-8  # added to the denominator


@dataclass
class AdamWConfig(OptimizerConfig, Moments):  # in this order the options stand in the records of earlier runs
    _target_: str = field(default="torch.optim.AdamW", metadata=LATER)


@dataclass
class LionConfig(OptimizerConfig, Betas):
    _target_: str = "lion_pytorch.Lion"
    beta2: Annotated[float, BELOW_ONE] = 0.99  # decay rate of the momentum


@dataclass
class SGDConfig(OptimizerConfig):
    _target_: str = "torch.optim.SGD"
    momentum: Annotated[float, BELOW_ONE] = 0.9  # decay rate of the sum of the gradients
    nesterov: bool = False  # Nesterov's momentum


@dataclass
class AdafactorConfig(OptimizerConfig):
    """transformers' Adafactor with the rate as given: neither scaled by the weights nor relative to the step."""

    _target_: str = "transformers.Adafactor"
    scale_parameter: bool = False  # scale the rate by the size of the weights
    relative_step: bool = False  # is refused: the schedule sets the rate
    clip_threshold: Annotated[float, POSITIVE] = 1.0  # of the root mean square of a matrix's update
    decay_rate: float = -0.8  # of the running mean of squared gradients: 1 - step ** decay_rate

    def problems(self, where: str) -> Iterator[str]:
        if self.relative_step:
            yield (
                f"{where}.relative_step=true chooses the rate by itself, and the schedule sets it: leave it out, and "
                f"type {where}.learning_rate=..."
            )


@dataclass
class ScheduleConfig(Called):
    """A factor of the learning rate over the steps, after a linear warm-up over ``optimizer.warmup_ratio`` of them."""


@dataclass
class LinearConfig(ScheduleConfig):
    _target_: str = field(default="transformers.get_linear_schedule_with_warmup", metadata=LATER)


@dataclass
class CosineConfig(ScheduleConfig):
    _target_: str = "transformers.get_cosine_schedule_with_warmup"
    num_cycles: Annotated[float, POSITIVE] = 0.5  # 0.5: once from the peak to 0


@dataclass
class ConstantConfig(ScheduleConfig):
    _target_: str = "transformers.get_constant_schedule_with_warmup"


@dataclass
class LossConfig(Called):
    """The loss of training. Development sets are always scored by the plain cross-entropy."""


@dataclass
class CrossEntropyConfig(LossConfig):
    _target_: str = field(default="torch.nn.CrossEntropyLoss", metadata=LATER)
    label_smoothing: Annotated[float, BELOW_ONE] = 0.0  # this share of the label is spread over all classes


@dataclass
class WeightedConfig(LossConfig):
    _target_: str = "sentiment_transfer.model.losses.WeightedCrossEntropy"
    # A number for each class, by its name; null: inverse to their frequencies in the training set.
    class_weights: Any = None

    def problems(self, where: str) -> Iterator[str]:
        weights = self.class_weights
        if weights is not None and not isinstance(weights, dict):
            example = f"'{where}.class_weights={{negative: 2, positive: 1}}'"
            yield f"{where}.class_weights={weights} is invalid: type {example}."
            return
        for name, weight in (weights or {}).items():
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
                yield f"{where}.class_weights.{name}={weight} is invalid: it must be a number > 0."


@dataclass
class FocalConfig(LossConfig):
    _target_: str = "sentiment_transfer.model.losses.FocalLoss"
    gamma: Annotated[float, Ge(0)] = 2.0  # 0: the cross-entropy


# Group -> option -> dataclass; the first is the default.
SHIPPED: dict[str, dict[str, type[Called]]] = {
    "optimizer": {"adamw": AdamWConfig, "adafactor": AdafactorConfig, "lion": LionConfig, "sgd": SGDConfig},
    "schedule": {"linear": LinearConfig, "cosine": CosineConfig, "constant": ConstantConfig},
    "loss": {"cross_entropy": CrossEntropyConfig, "weighted": WeightedConfig, "focal": FocalConfig},
}
BASES: dict[str, type[Called]] = {"optimizer": OptimizerConfig, "schedule": ScheduleConfig, "loss": LossConfig}
