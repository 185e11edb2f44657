"""Overrides of the group ``logger`` that Hydra would refuse without saying what to type."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sentiment_transfer.config.logger_options import SHIPPED
from sentiment_transfer.errors import UserError

SWITCH = re.compile(rf"\+*logger\.({'|'.join(SHIPPED)})=(\w+)", re.IGNORECASE)
ON, OFF = ("true", "yes", "on"), ("false", "no", "off")
OPTION = re.compile(rf"\+*logger\.({'|'.join(SHIPPED)})\.\w+=", re.IGNORECASE)


def refuse_switches(arguments: Sequence[str]) -> None:
    """Raise UserError for ``logger.wandb=true``: a logger is chosen by its name."""
    for argument in arguments:
        match = SWITCH.fullmatch(argument)
        if match and (switch := match[2].lower()) in (*ON, *OFF):
            chosen = match[1] if switch in ON else "csv" if match[1] != "csv" else "none"
            raise UserError(f"{argument} is invalid: loggers are chosen by name. Type logger={chosen}.")


def options_without_logger(arguments: Sequence[str]) -> str | None:
    """The sentence for options of loggers that are not chosen; None where there are none."""
    chosen = [argument.partition("=")[2] for argument in arguments if argument.startswith("logger=")]
    named = set(re.findall(r"\w+", chosen[-1])) if chosen else set()
    without = [argument for argument in arguments if (match := OPTION.match(argument)) and match[1] not in named]
    if not without:
        return None
    missing = [name for name in SHIPPED if any(OPTION.match(each)[1] == name for each in without)]  # type: ignore[index]
    loggers = [*(name for name in SHIPPED if name in named), *missing]
    shown = loggers[0] if len(loggers) == 1 else f"[{','.join(loggers)}]"
    return f"{without[0]} is an option of a logger that this run does not have. Type logger={shown} as well."
