"""The comments beside the fields of a dataclass and at the head of a configuration file: the help is made of them."""

from __future__ import annotations

import dataclasses
import inspect
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def field_comments(schema: type[Any]) -> dict[str, str]:
    """Option -> its comment, for the fields of a dataclass that have one; those of its bases included.

    A comment ends the field's own line, or fills the lines above it.
    """
    found: dict[str, str] = {}
    for owner in reversed(schema.__mro__):
        if dataclasses.is_dataclass(owner):
            found |= _own_comments(owner)
    return found


def _own_comments(owner: type[Any]) -> dict[str, str]:
    source = inspect.cleandoc("\n" + inspect.getsource(owner))
    lines = source.splitlines()
    comments = {
        token.start[0]: (token.string.lstrip("# ").rstrip(), not lines[token.start[0] - 1].lstrip().startswith("#"))
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    for number, line in enumerate(lines, start=1):
        if not (match := re.match(r"    (\w+): ", line)):
            continue
        last = _last_line(lines, number)
        if last in comments:
            found[match[1]] = comments[last][0]
            continue
        above: list[str] = []
        while (before := number - 1 - len(above)) in comments and not comments[before][1]:
            above.insert(0, comments[before][0])
        if above:
            text = " ".join(above)
            found[match[1]] = text[0].lower() + text[1:]  # a sentence there, behind bounds here
    return found


def _last_line(lines: list[str], first: int) -> int:
    """The last line of a field's definition, whose brackets may be closed further down."""
    open_brackets, number = 0, first
    for number in range(first, len(lines) + 1):
        code = lines[number - 1].partition("  #")[0]
        open_brackets += sum(map(code.count, "([{")) - sum(map(code.count, ")]}"))
        if open_brackets <= 0:
            break
    return number


def file_summary(path: Path) -> str:
    """The first sentence of the comment that begins a YAML file; empty where it begins with none."""
    return re.split(r"(?<!\bal)\. |[.:]$", " ".join(_head(path)), maxsplit=1)[0]


def _head(path: Path) -> Iterator[str]:
    # A user's file may be of another encoding: where it is chosen, experiments/checked.py says so.
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.startswith("#") or line.startswith("#   "):  # a command
            return
        if not line.startswith("# @package"):
            yield line.lstrip("# ")
