from __future__ import annotations

from typing import Any

import pytest

from sentiment_transfer.config.training_options import TrainerConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.training.plan import Plan, planned, shortening_steps


def config(**extra: Any) -> TrainerConfig:
    return TrainerConfig(max_epochs=3, batch_size=8, extra=extra)


@pytest.mark.parametrize(
    ("extra", "plan", "shortened"),
    [
        ({}, Plan(5, 3, 15), None),
        ({"limit_train_batches": 2}, Plan(2, 3, 6), None),
        ({"limit_train_batches": 99}, Plan(5, 3, 15), None),
        ({"limit_train_batches": 0.5}, Plan(2, 3, 6), None),
        ({"limit_train_batches": 1.0}, Plan(5, 3, 15), None),
        ({"max_steps": 7}, Plan(5, 2, 7), 7),
        ({"max_steps": 10}, Plan(5, 2, 10), 10),
        ({"max_steps": 99}, Plan(5, 3, 15), None),
        ({"max_steps": 7, "limit_train_batches": 0.4}, Plan(2, 3, 6), None),
    ],
)
def test_the_plan_of_38_reviews(extra: dict[str, Any], plan: Plan, shortened: int | None) -> None:
    assert planned(config(**extra), 38) == plan
    assert shortening_steps(config(**extra), 38) == shortened


def test_a_plan_without_steps_or_with_too_few_is_refused() -> None:
    with pytest.raises(UserError, match="less than one of the 5 optimiser steps of an epoch"):
        planned(config(limit_train_batches=0.1), 38)
    with pytest.raises(UserError, match="more than the 15 optimiser steps of this run"):
        planned(config(min_steps=16), 38)
