"""Datasets as arguments, given by name, by path or as a DataFrame, and as options of the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from sentiment_transfer.api.tables import is_table, stored_table
from sentiment_transfer.config.own_files import LANGUAGES, NAME, is_own
from sentiment_transfer.errors import UserError

OWN_NAME = "table"  # of a DataFrame that is given without a name
PATHS = ("path", "dev_path", "test_path")  # options that may be a DataFrame
OPTIONS = {"text": "text", "label": "label"}  # those that say which columns are read, and their defaults


def as_choice(group: str, given: Any, options: Mapping[str, Any], cache_dir: str) -> Any:
    """``source`` or ``targets`` as the command line takes it: names, paths, and mappings of own files' options.

    ``options`` are the call's, by full name. Each DataFrame is written to a file below ``cache_dir``. Raises UserError
    for what is no dataset.
    """

    def of_table(name: str, table: Any, typed: Mapping[str, Any]) -> str:
        columns = [
            str(typed.get(key, options.get(f"{group}.{name}.{key}", default))) for key, default in OPTIONS.items()
        ]
        return stored_table(table, f"{group}.{name}", columns[0], columns[1], cache_dir)

    def named(name: Any, value: Any) -> Any:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise UserError(
                f"{group}: {name!r} is no name for a dataset. Use letters, digits, dashes and underscores, such as "
                "shop_ja."
            )
        if is_table(value):
            value = {"path": value}
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if not isinstance(value, Mapping):
            return value
        if not any(is_table(value.get(key)) for key in PATHS):
            return value
        if not value.get("language") and not options.get(f"{group}.{name}.language") and _language(name) is None:
            raise UserError(
                f"{group}.{name} has no language. End its name with one, {{{name + '_ja'!r}: frame}}, or give it as "
                f'an option: {group}={{"{name}": {{"path": frame, "language": "ja"}}}}.'
            )
        return {
            key: of_table(name, each, value) if key in PATHS and is_table(each) else each for key, each in value.items()
        }

    def element(value: Any) -> Any:
        if isinstance(value, Mapping) and not is_table(value):
            return {name: named(name, each) for name, each in value.items()}
        if is_table(value):
            return {OWN_NAME: named(OWN_NAME, value)}
        value = os.fspath(value) if isinstance(value, os.PathLike) else value
        if not isinstance(value, str):
            raise UserError(
                f"{group} holds {value!r}, which is no dataset: give the name of one, a path, or {{name: DataFrame}}."
            )
        if "," in value and not is_own(value):
            names = [part.strip(" []") for part in value.split(",")]
            raise UserError(f"{group}={value!r} names several datasets: give a list, {group}={names}.")
        return value

    if isinstance(given, Sequence) and not isinstance(given, str):
        if not given:
            raise UserError(
                f"{group} is an empty list: " + ('type targets="none".' if group == "targets" else "name a dataset.")
            )
        return [element(value) for value in given]
    return element(given)


def _language(name: str) -> str | None:
    """The language that the end of a name states: ``ja`` of ``shop_ja``."""
    last = name.replace("-", "_").rpartition("_")[2].lower()
    return last if last in LANGUAGES else None
