"""The group ``logger`` as a record keeps it: flat, as it was when W&B and metrics.csv were the only loggers.

What came later is left out while it is not used, as the other LATER options are.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from sentiment_transfer.config.logger_options import (
    MOST_STEPS,
    SHIPPED,
    CsvOptions,
    LoggerConfig,
    WandbOptions,
)
from sentiment_transfer.errors import without_credentials

OF_WANDB = ("project", "entity", "init_timeout", "finish_timeout")
LATER_LOGGERS = {name: schema for name, schema in SHIPPED.items() if name not in ("csv", "wandb")}
KEPT = ("tags", "log_every", "progress_bar", "own", *LATER_LOGGERS)
EXACT = "log_every_exact"  # of a record whose log_every is the user's own and not the default's most steps
RECORDED = ("csv", "wandb", "log_model", EXACT, *OF_WANDB, *KEPT)
SECRET = re.compile(r"(^|_)(api_?key|token|password|secret)$", re.IGNORECASE)


def recorded_loggers(config: LoggerConfig) -> dict[str, Any]:
    """The plain values of a record; without what looks like a credential."""
    wandb = config.wandb or WandbOptions()
    values: dict[str, Any] = {
        "csv": config.csv is not None,
        "wandb": config.wandb is not None,
        "project": wandb.project,
        "entity": wandb.entity,
        "tags": list(config.tags),
        "log_every": config.log_every or MOST_STEPS,
        "progress_bar": config.progress_bar,
        "init_timeout": wandb.init_timeout,
        "finish_timeout": wandb.finish_timeout,
    }
    if config.log_every == MOST_STEPS:
        values[EXACT] = True
    if wandb.log_model:
        values["log_model"] = True
    for name in LATER_LOGGERS:
        if (options := getattr(config, name)) is not None:
            values[name] = dataclasses.asdict(options)
    if config.own:
        values["own"] = config.own
    shown: dict[str, Any] = _without_secrets(values)
    return shown


def loggers_of_record(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``LoggerConfig`` that ``recorded_loggers`` made ``values`` of; unknown keys stay in it."""
    fields: dict[str, Any] = {key: value for key, value in values.items() if key not in RECORDED or key in KEPT}
    if fields.get("log_every") == MOST_STEPS and not values.get(EXACT):
        fields["log_every"] = None
    if values.get("csv"):
        fields["csv"] = CsvOptions()
    if values.get("wandb"):
        options = {key: values[key] for key in (*OF_WANDB, "log_model") if key in values}
        fields["wandb"] = WandbOptions(**options)
    for name, schema in LATER_LOGGERS.items():
        if isinstance(given := fields.get(name), Mapping):
            fields[name] = schema(**given)
    return fields


def _without_secrets(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _without_secrets(each, str(key)) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_secrets(each, name) for each in value]
    if isinstance(value, str):
        return "***" if SECRET.search(name) else without_credentials(value)
    return value
