"""Options of the loggers: group ``logger``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge


@dataclass
class LoggerConfig:
    csv: bool = True  # metrics.csv in the run directory
    wandb: bool = False  # Weights & Biases; offline without a login or a network
    project: str = "sentiment-transfer"  # of Weights & Biases
    entity: str | None = None  # user or team on Weights & Biases; null: the one that is logged in
    tags: list[str] = field(default_factory=list)  # of the run on Weights & Biases, e.g. [draft,long]
    log_every: Annotated[int, Ge(1)] = 50  # optimiser steps
    progress_bar: bool = True  # on a terminal
    init_timeout: float = 30.0  # seconds until W&B counts as unreachable and goes offline
    finish_timeout: float = 120.0  # seconds that a finished run waits for its upload
