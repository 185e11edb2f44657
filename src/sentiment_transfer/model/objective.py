"""The optimiser, the schedule and the loss that ``_target_`` names, made and tried before training."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from sentiment_transfer.config.imported import imported
from sentiment_transfer.config.objective_options import (
    AdafactorConfig,
    AdamWConfig,
    Called,
    LionConfig,
    LossConfig,
    OptimizerConfig,
    ScheduleConfig,
    SGDConfig,
    WeightedConfig,
)
from sentiment_transfer.errors import UserError

Loss = Callable[[Tensor, Tensor], Tensor]  # logits (reviews, classes) and labels (reviews,) int64 -> ()
WIDTH = 64  # of the matrix that an optimiser is tried on


def make_optimizer(config: OptimizerConfig, groups: list[dict[str, Any]], rate: float, **more: Any) -> Optimizer:
    """The optimiser of parameter ``groups``, each of which has its ``weight_decay``.

    Raises UserError where the target is missing, is no optimiser, or takes other arguments.
    """
    target = imported("optimizer._target_", config._target_)
    if not (isinstance(target, type) and issubclass(target, Optimizer)):
        raise _invalid("optimizer", config, "is not a subclass of torch.optim.Optimizer.")
    if not _takes(target, "lr"):
        raise _invalid("optimizer", config, "takes no argument lr, which is optimizer.learning_rate.")
    if not _takes(target, "weight_decay") and config.weight_decay:
        raise _invalid("optimizer", config, "takes no weight_decay: type optimizer.weight_decay=0.")
    return cast(Optimizer, _called("optimizer", config, params=groups, lr=rate, **more))


def make_schedule(config: ScheduleConfig, optimizer: Optimizer, warmup: int, steps: int) -> LRScheduler:
    """The schedule over ``steps``, the first ``warmup`` of which warm up.

    Its target is called as transformers' are, with ``num_warmup_steps`` and ``num_training_steps`` where it takes them.
    Raises UserError where the target is missing, is no schedule by steps, or takes other arguments.
    """
    target = imported("schedule._target_", config._target_)
    counts: dict[str, Any] = {"num_warmup_steps": warmup, "num_training_steps": steps}
    if warmup and not _takes(target, "num_warmup_steps"):
        raise _invalid("schedule", config, "takes no num_warmup_steps: type optimizer.warmup_ratio=0.")
    taken: dict[str, Any] = {name: count for name, count in counts.items() if _takes(target, name)}
    made = _called("schedule", config, optimizer=optimizer, **taken)
    if not isinstance(made, LRScheduler) or isinstance(made, ReduceLROnPlateau):
        raise _invalid("schedule", config, "is not a schedule by steps (torch.optim.lr_scheduler.LRScheduler).")
    return made


def make_loss(config: LossConfig, classes: Sequence[str], counts: Sequence[int]) -> Loss:
    """The loss of training. ``counts``: reviews of each class in the training set.

    A class is called with its arguments, a function gets them with every batch. Raises UserError where the target is
    missing or takes other arguments.
    """
    target = imported("loss._target_", config._target_)
    more: dict[str, Any] = {}
    if isinstance(config, WeightedConfig):
        more = {"classes": list(classes), "counts": list(counts)}
    made = _called("loss", config, called=isinstance(target, type), **more)
    if isinstance(made, nn.Module) and any(p.requires_grad for p in made.parameters()):
        raise _invalid("loss", config, "has parameters to train, and the network's alone are trained.")
    return cast(Loss, made)


def refuse_unusable(
    optimizer: OptimizerConfig, schedule: ScheduleConfig, loss: LossConfig, *, precision: str, fsdp: bool, cut: bool
) -> None:
    """Try all three on a network of two weights. ``cut``: batches are computed in parts or on several devices.

    Raises UserError where one of them cannot be made or fails, and where a loss would depend on how batches are cut.
    """
    if fsdp and isinstance(optimizer, AdafactorConfig):
        raise UserError(
            "optimizer=adafactor is invalid with trainer.strategy=fsdp: its factors are of whole matrices, which fsdp "
            "cuts. Type optimizer=adamw, whose state fsdp shares."
        )
    tried = _tried(optimizer)
    if precision == "16-mixed" and getattr(tried, "_step_supports_amp_scaling", False):
        raise _invalid("optimizer", optimizer, "is fused, and cannot be clipped in 16-mixed: leave fused out.")
    make_schedule(schedule, tried, 1 if optimizer.warmup_ratio else 0, 10)
    if not isinstance(loss, WeightedConfig):  # which needs the counts, and is a mean
        _try_loss(loss, make_loss(loss, (), ()), cut)


def state_bytes(config: OptimizerConfig) -> float:
    """The optimiser's state in bytes per weight of a matrix, fp32."""
    if isinstance(config, AdamWConfig):
        return 8.0
    state = [value for each in _tried(config).state.values() for value in each.values()]
    tensors = [value for value in state if isinstance(value, Tensor) and value.numel() >= WIDTH]
    if isinstance(config, AdafactorConfig):
        return 0.0  # two vectors for each matrix
    return sum(t.numel() * t.element_size() for t in tensors) / (WIDTH * WIDTH + WIDTH)


def is_elementwise(config: OptimizerConfig) -> bool:
    """Whether a weight's step depends on its own gradients alone, and not on the size of the matrix that it is in.

    Then rows of a vocabulary that other texts add change no trained weight.
    """
    return isinstance(config, AdamWConfig | LionConfig | SGDConfig)


def _tried(config: OptimizerConfig) -> Optimizer:
    """The optimiser of a matrix and a vector, after a step."""
    matrix, vector = (nn.Parameter(torch.ones(shape)) for shape in ((WIDTH, WIDTH), (WIDTH,)))
    groups = [
        {"params": [matrix], "weight_decay": config.weight_decay},
        {"params": [vector], "weight_decay": 0.0},
    ]
    optimizer = make_optimizer(config, groups, config.learning_rate)

    def closure() -> Tensor:  # as Lightning calls a step
        with torch.enable_grad():
            loss = (matrix.square().mean() + vector.square().mean()) * 0.5
            loss.backward()
        return loss

    with _sentences("optimizer", config):
        optimizer.step(closure)  # type: ignore[arg-type]
    return optimizer


def _try_loss(config: LossConfig, loss: Loss, cut: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 1, 1, 0, 1, 1])
    logits = torch.randn(6, 2, generator=generator, requires_grad=True)
    with _sentences("loss", config):
        whole, *parts = (
            _of_batch(loss, logits[rows], labels[rows]) for rows in (slice(0, 6), slice(0, 4), slice(4, 6))
        )
    if not isinstance(whole, Tensor) or whole.shape != () or not whole.requires_grad:
        raise _invalid("loss", config, "must give one number, a tensor of shape () that depends on the logits.")
    if cut and not torch.isclose(whole, parts[0] * 4 / 6 + parts[1] * 2 / 6, rtol=1e-4):
        raise _invalid(
            "loss",
            config,
            "is not a mean over reviews: computed in parts, or on several devices, it would be another loss. Leave "
            "trainer.micro_batch_size and trainer.devices out, or use a smaller trainer.batch_size.",
        )


def _of_batch(loss: Loss, logits: Tensor, labels: Tensor) -> Tensor:
    torch.manual_seed(0)
    return loss(logits, labels)


def _takes(target: Any, name: str) -> bool:
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # a built-in function tells nothing
        return True
    return any(p.name == name or p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def _called(group: str, config: Called, *, called: bool = True, **more: Any) -> Any:
    settings = {"_target_": config._target_, "_convert_": "all"} | config.arguments()
    with _sentences(group, config):
        # Not through instantiate's own keywords, which it copies: groups hold the network's parameters.
        made = instantiate(settings | {"_partial_": True})
        return made(**more) if called else made


@contextmanager
def _sentences(group: str, config: Called) -> Iterator[None]:
    """Errors of the user's own code, or of arguments that it does not take, as sentences."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        cause = error.__cause__ or error if isinstance(error, InstantiationException) else error
        reason = str(cause).partition("\n")[0]
        raise _invalid(group, config, f"failed ({type(cause).__name__}: {reason}).") from error


def _invalid(group: str, config: Called, what: str) -> UserError:
    return UserError(f"{group}._target_={config._target_} {what}")
