"""Runs that are cut short to try something: at most some rows of every dataset, a part of every epoch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TypeVar

from sentiment_transfer.config.dataset import DatasetConfig
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.trainer_arguments import LIMIT, MAX_STEPS, MAX_TIME

D = TypeVar("D", bound=DatasetConfig)
SHORTENED = "shortened: "


def limited(configs: Mapping[str, D], limit: int | None) -> dict[str, D]:
    """Datasets that keep at most ``limit`` rows of each split; one with a limit of its own keeps that."""
    if limit is None:
        return dict(configs)
    return {name: replace(each, limit=limit) if each.limit is None else each for name, each in configs.items()}


def shortened_caveats(config: Config, without: Collection[str] = ()) -> list[str]:
    """``["shortened: data.limit=100"]``; empty for a whole run. Scores of a shortened run compare with no other's.

    ``without``: arguments of the trainer that have turned out to shorten nothing.
    """
    extra = {key: config.trainer.extra.get(key) for key in (LIMIT, MAX_STEPS, MAX_TIME) if key not in without}
    if type(extra.get(LIMIT)) is float and extra[LIMIT] == 1:  # the share, and not a number of steps
        del extra[LIMIT]
    limits = {"data.limit": config.data.limit} | {f"trainer.extra.{key}": value for key, value in extra.items()}
    given = ", ".join(f"{key}={value}" for key, value in limits.items() if value is not None)
    return [f"{SHORTENED}{given}"] if given else []
