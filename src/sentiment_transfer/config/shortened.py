"""Runs that are cut short to try something: at most some rows of every dataset, a part of every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from sentiment_transfer.config.dataset import DatasetConfig
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.trainer_arguments import LIMIT

D = TypeVar("D", bound=DatasetConfig)
SHORTENED = "shortened: "


def limited(configs: Mapping[str, D], limit: int | None) -> dict[str, D]:
    """Datasets that keep at most ``limit`` rows of each split; one with a limit of its own keeps that."""
    if limit is None:
        return dict(configs)
    return {name: replace(each, limit=limit) if each.limit is None else each for name, each in configs.items()}


def shortened_caveats(config: Config) -> list[str]:
    """``["shortened: data.limit=100"]``; empty for a whole run. Scores of a shortened run compare with no other's."""
    limits = {"data.limit": config.data.limit, f"trainer.extra.{LIMIT}": config.trainer.extra.get(LIMIT)}
    given = ", ".join(f"{key}={value}" for key, value in limits.items() if value is not None)
    return [f"{SHORTENED}{given}"] if given else []
