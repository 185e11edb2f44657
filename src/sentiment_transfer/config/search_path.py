"""``hydra.searchpath=[~/experiments]``: folders of configuration files beside the program's own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.errors import UserError

KEY = "hydra.searchpath"
TYPED = re.compile(rf"[+]*{re.escape(KEY)}=(.*)", re.DOTALL)
SCHEME = "file://"


def with_search_path(arguments: Sequence[str]) -> list[str]:
    """A command line with the folders of its search path as Hydra takes them: absolute, in a list, quoted.

    Hydra would take ``~`` for a syntax error, and leave out a folder that it does not find with a warning.

    Raises:
        UserError: a folder does not exist, or has no files for a group of this program.
    """
    return [_absolute(argument) if TYPED.fullmatch(argument) else argument for argument in arguments]


def folders_of(arguments: Sequence[str]) -> list[Path]:
    """The folders of a search path that ``with_search_path`` has been through."""
    typed = [match[1] for match in map(TYPED.fullmatch, arguments) if match]
    return [Path(each.removeprefix(SCHEME)) for value in typed for each in _elements(value) if each.startswith(SCHEME)]


def group_names(folder: Path) -> Iterator[str]:
    """The groups for which ``folder`` may hold files: experiment, model and so on."""
    yield from (each.name for each in folder.iterdir() if each.is_dir() and each.name != "hydra")


def _absolute(argument: str) -> str:
    value = argument.partition("=")[2]
    if value in ("", "[]", "null"):
        return argument
    return f"{KEY}=[{','.join(map(_quoted, map(_folder, _elements(value))))}]"


def _elements(value: str) -> list[str]:
    try:
        given: Any = OverridesParser.create().parse_override(f"{KEY}={value}").value()
    except HydraException:
        given = value.strip().removeprefix("[").removesuffix("]").split(",")
    return [str(each).strip().strip("\"'") for each in (given if isinstance(given, list) else [given])]


def _folder(typed: str) -> str:
    if "://" in typed and not typed.startswith(SCHEME):
        return typed  # pkg:// of an installed package
    path = Path(os.path.abspath(os.path.expanduser(typed.removeprefix(SCHEME))))
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise UserError(f"{KEY}: {typed} {what}. Give a folder in which experiment/ or model/ lies.")
    groups = sorted(group_names(conf_folder()))
    if path.name in groups and not any((path / group).is_dir() for group in groups):
        raise UserError(
            f"{KEY}: {typed} is itself the folder of the group {path.name}. Give the one above it: "
            f"'{KEY}=[{os.path.dirname(typed.rstrip('/')) or '.'}]'."
        )
    if not any((path / group).is_dir() for group in [*groups, "dataset", "hydra"]):
        raise UserError(
            f"{KEY}: {typed} has no folder of a group, such as {os.path.join(typed, 'experiment')}: an experiment file "
            "belongs there."
        )
    return f"{SCHEME}{path}"


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(\\*)"', r'\1\1\\"', text) + '"'
