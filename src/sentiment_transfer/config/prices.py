"""The user's list of prices, ``conf/prices.yaml``: of models per token, of machines per hour."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.errors import UserError

FILE = "prices.yaml"


@dataclass(frozen=True)
class ModelPrice:
    """US dollars per million tokens."""

    input: float
    output: float


@dataclass(frozen=True)
class Prices:
    models: Mapping[str, ModelPrice] = field(default_factory=dict)
    machines: Mapping[str, float] = field(default_factory=dict)  # part of a device's name -> US dollars per hour

    def per_hour(self, device: str) -> float | None:
        """The price of the machine whose listed name is in ``device``, the longest if several are."""
        named = [name for name in self.machines if name.casefold() in device.casefold()]
        return self.machines[max(named, key=len)] if named else None


def price_file() -> Path:
    """``conf/prices.yaml`` of the working directory where there is one, else the program's own."""
    own = Path("conf") / FILE
    return own if own.is_file() else conf_folder() / FILE


def read_prices() -> Prices:
    """The user's list; without a file, no price is known. Raises UserError where it is not as its comments say."""
    import yaml

    path = price_file()
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        return Prices()
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read: {str(error).splitlines()[0]}.") from error
    if not isinstance(content, dict) or set(content) - {"models", "machines"}:
        raise UserError(f"{path} must have the keys models and machines, and no other.")
    for key in ("models", "machines"):
        if not isinstance(content.get(key) or {}, dict):
            raise UserError(f"{path}: {key} must be a mapping of names to prices.")
    models = {}
    for name, price in (content.get("models") or {}).items():
        if not isinstance(price, dict) or set(price) != {"input", "output"}:
            raise UserError(f"{path}: the price of {name} must be like {{input: 0.25, output: 1.00}}.")
        models[str(name)] = ModelPrice(*(_amount(path, name, price[key]) for key in ("input", "output")))
    machines = {str(name): _amount(path, name, price) for name, price in (content.get("machines") or {}).items()}
    return Prices(models, machines)


def _amount(path: Path, name: object, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise UserError(f"{path}: the price of {name} is {value}, which is not an amount in US dollars.")
    return float(value)
