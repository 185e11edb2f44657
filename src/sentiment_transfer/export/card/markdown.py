"""Text from outside in Markdown: it cannot become markup, a table's cell or another heading."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

MARKS = re.compile(r"([\\`*\[\]<>|#~])")


class Verbatim(str):
    """Markdown that this program wrote."""


def escaped(text: str) -> str:
    """``text`` as itself in Markdown, on one line."""
    return text if isinstance(text, Verbatim) else MARKS.sub(r"\\\1", " ".join(text.split()))


def cells(values: Iterable[str]) -> Verbatim:
    """A row of a table."""
    return Verbatim(f"| {' | '.join(escaped(value) for value in values)} |")


def code(text: str) -> Verbatim:
    """A code span; backticks, which would end it, become apostrophes, and what would end a cell, a slash."""
    return Verbatim(f"`{' '.join(text.replace('`', chr(39)).replace('|', '/').split())}`")


def fenced(text: str, language: str) -> Verbatim:
    """A code block with a fence that the text does not hold."""
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return Verbatim(f"{fence}{language}\n{text}\n{fence}")


def listed(texts: Iterable[str]) -> Verbatim:
    """A list of strings as Python and JSON write it, one to a line."""
    return Verbatim(json.dumps(list(texts), ensure_ascii=False, indent=4))
