"""Paths as they are typed, in the quotes that Hydra's grammar asks for: files may have any name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from sentiment_transfer.errors import UserError

KEY = re.compile(r"\+{0,2}[A-Za-z_][\w.@/-]*")
DATASETS = ("source", "targets")
WRITTEN = ("output", "paths.output_dir")  # what does not exist yet


def with_quoted_paths(arguments: Sequence[str]) -> list[str]:
    """``arguments``, with each value that is the name of a file or folder here read as that, whatever is in it.

    Elements of a list as well: ``targets=[größe.csv,written_ja]``. Raises UserError for a dataset's file whose name
    Hydra would take for an interpolation.
    """
    return [_quoted(argument) for argument in arguments]


def _quoted(argument: str) -> str:
    key, equals, value = argument.partition("=")
    if not equals or not KEY.fullmatch(key) or _is_read_as(argument, value):
        return argument
    if os.path.exists(value) or (key in WRITTEN and value and "${" not in value):
        return f"{key}={_path(key, value)}"
    in_list = value.startswith("[") and value.endswith("]")
    inner = value[1:-1] if in_list else value
    parts = [inner] if os.path.exists(inner) else inner.split(",")
    if in_list or len(parts) > 1:
        shown = ",".join(_element(key, each) for each in parts)
        return f"{key}=[{shown}]" if in_list else f"{key}={shown}"
    return argument


def _element(key: str, typed: str) -> str:
    """An element of a list or a sweep; a blank around it is no part of the name, unless a file's name has it."""
    path = typed if os.path.exists(typed) else typed.strip()
    return typed if not os.path.exists(path) or _is_read_as(f"{key}={path}", path) else _path(key, path)


def _is_read_as(argument: str, value: str) -> bool:
    """Whether Hydra reads the value as this text, or as what no file's name is meant by: a number, true, null."""
    found = _parsed(argument)
    plain = found is not None and not isinstance(found, list | dict)
    return value[:1] in "\"'" or (plain and (found == value or not isinstance(found, str)) and "${" not in value)


def _parsed(argument: str) -> Any:
    try:
        override = OverridesParser.create().parse_override(argument)
    except HydraException:
        return None
    return [] if override.is_sweep_override() else override.value() if override.value() is not None else False


def _path(key: str, path: str) -> str:
    if key.lstrip("+") in DATASETS and "${" in path:
        raise UserError(f"{key}={path}: a file with ${{ in its name cannot be named here. Rename it.")
    # A tilde begins the home of a user of that name, a brace a mapping; a space is taken off the value of a group.
    path = f"./{path}" if path[:1] in ("~", "{", " ") else path
    return '"' + re.sub(r'(\\*)"', r'\1\1\\"', path.replace("${", "\\${")) + '"'
