"""From a card's parts to Markdown: text from outside cannot become markup, a table's cell or another heading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from sentiment_transfer.card.contents import all_facts, contents
from sentiment_transfer.card.metadata import metadata
from sentiment_transfer.card.parts import Conversion
from sentiment_transfer.card.scores import score_rows
from sentiment_transfer.results.record import RunResult

MARKS = re.compile(r"([\\`*\[\]<>|#~])")


class Verbatim(str):
    """Markdown that this program wrote."""


def model_card(
    result: RunResult,
    folder: Path,
    *,
    selection: str,
    place: str,
    conversions: Sequence[Conversion] = (),
) -> str:
    """The README.md of an exported model, front matter included.

    ``folder`` is the run's, whose predictions the intervals are taken from; ``selection`` names the exported weights;
    ``place`` is the hub name or folder that the examples load from.
    """
    rows = list(score_rows(result, folder, selection))
    front = metadata(result, rows, all_facts(result), onnx=bool(conversions)).to_yaml()
    body = environment().get_template("card.md.j2").render(contents(result, selection, rows, conversions, place))
    return f"---\n{front}\n---\n\n{body}"


def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("sentiment_transfer.card"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: escaped(value) if isinstance(value, str) else value,
    )
    made.filters |= {"cells": cells, "code": code, "markdown": Verbatim, "fenced": fenced}
    return made


def escaped(text: str) -> str:
    """``text`` as itself in Markdown, on one line."""
    return text if isinstance(text, Verbatim) else MARKS.sub(r"\\\1", " ".join(text.split()))


def cells(values: Iterable[str]) -> Verbatim:
    """A row of a table."""
    return Verbatim(f"| {' | '.join(escaped(value) for value in values)} |")


def code(text: str) -> Verbatim:
    """A code span; backticks, which would end it, become apostrophes."""
    return Verbatim(f"`{' '.join(text.replace('`', chr(39)).replace('|', '/').split())}`")


def fenced(text: str, language: str) -> Verbatim:
    """A code block with a fence that the text does not hold."""
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return Verbatim(f"{fence}{language}\n{text}\n{fence}")
