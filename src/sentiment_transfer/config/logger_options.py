"""Options of the loggers: group ``logger``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge


@dataclass
class LoggerConfig:
    csv: bool = True  # metrics.csv in the run directory
    wandb: bool = False
    project: str = "sentiment-transfer"
    entity: str | None = None
    tags: list[str] = field(default_factory=list)
    log_every: Annotated[int, Ge(1)] = 50  # optimiser steps
    progress_bar: bool = True
    init_timeout: float = 30.0  # seconds until W&B counts as unreachable and goes offline
    finish_timeout: float = 120.0  # seconds that a finished run waits for its upload
