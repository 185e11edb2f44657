"""How long a run trains: from ``trainer.max_epochs`` and the limits in ``trainer.extra``."""

from __future__ import annotations

import math
from typing import NamedTuple

from sentiment_transfer.config.trainer_arguments import LIMIT, MAX_STEPS
from sentiment_transfer.config.training_options import TrainerConfig
from sentiment_transfer.errors import UserError


class Plan(NamedTuple):
    """Optimiser steps of an epoch, epochs, and steps in all: the last epoch may have fewer."""

    epoch_steps: int
    epochs: int
    steps: int


def planned(config: TrainerConfig, reviews: int) -> Plan:
    """The plan of a run whose epochs have ``reviews``.

    Raises UserError where a limit leaves nothing, or where ``min_steps`` are more than there are.
    """
    whole = math.ceil(reviews / config.batch_size)
    limit = config.extra.get(LIMIT)
    epoch_steps = whole if limit is None else int(whole * limit) if isinstance(limit, float) else min(limit, whole)
    if not epoch_steps:
        raise UserError(
            f"trainer.extra.{LIMIT}={limit} is less than one of the {whole} optimiser steps of an epoch: type "
            f"trainer.extra.{LIMIT}=1, a number of steps."
        )
    full = config.max_epochs * epoch_steps
    steps = min(full, config.extra.get(MAX_STEPS) or full)
    if (least := config.extra.get("min_steps") or 0) > steps:
        raise UserError(
            f"trainer.extra.min_steps={least} is more than the {steps} optimiser steps of this run. Use {steps} or "
            "less, or more trainer.max_epochs."
        )
    return Plan(epoch_steps, math.ceil(steps / epoch_steps), steps)


def shortening_steps(config: TrainerConfig, reviews: int) -> int | None:
    """``max_steps`` where the run would have more without it; else None."""
    steps = config.extra.get(MAX_STEPS)
    plan = planned(config, reviews)
    return steps if steps is not None and plan.steps < config.max_epochs * plan.epoch_steps else None
