"""The card itself: front matter and Markdown, from a run's record and its predictions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from sentiment_transfer.escaping import Verbatim, markdown, markdown_block, markdown_code, markdown_row
from sentiment_transfer.export.card.contents import all_facts, contents
from sentiment_transfer.export.card.metadata import metadata
from sentiment_transfer.export.card.parts import Conversion
from sentiment_transfer.export.card.scores import score_rows
from sentiment_transfer.results.record import RunResult


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
        loader=PackageLoader("sentiment_transfer.export.card"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: markdown(value) if isinstance(value, str) else value,
    )
    made.filters |= {
        "cells": markdown_row,
        "code": markdown_code,
        "markdown": Verbatim,
        "fenced": markdown_block,
        "listed": json_list,
    }
    return made


def json_list(texts: Iterable[str]) -> Verbatim:
    """A list of strings as Python and JSON write it, one to a line."""
    return Verbatim(json.dumps(list(texts), ensure_ascii=False, indent=4))
