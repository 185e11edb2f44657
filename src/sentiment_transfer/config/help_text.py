"""The answer to ``--help``: a command's groups and options, as wide as the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig

from sentiment_transfer.config.choices import dataset_lines, groups_of
from sentiment_transfer.config.described import options_of, schema_of

WIDEST = 100  # columns
LEFT = 34


def help_text(composed: DictConfig) -> str:
    """The groups and options of a composed configuration, which holds Hydra's own node as well."""
    width = max(60, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))
    return "\n".join(_lines(composed, width))


def _lines(composed: DictConfig, width: int) -> Iterator[str]:
    groups = groups_of(composed.hydra.runtime.choices)
    if groups:
        yield "Groups: choose one option of each, group=option"
        for group, options in groups.items():
            yield ""
            for name, summary in options.items():
                yield from _entry(f"{group}={name}", summary, width)
    if "targets" in groups:
        yield ""
        roles = "source= and targets=" if "source" in groups else "targets="
        yield f"Datasets, for {roles} (several: [one,two]; your own: its file)"
        yield ""
        for names, summary in dataset_lines():
            yield from _entry(names, summary, width)
    if groups:
        yield ""
    yield "Options: name=value, with the values of the choices above" if groups else "Options: name=value"
    before = None
    for option in options_of(composed, _schema(composed)):
        if option.group != before:
            yield ""
        before = option.group
        yield from _entry(f"{option.name}={option.value}", option.text, width)


def _schema(composed: DictConfig) -> type[Any]:
    schema = schema_of(composed)
    assert schema is not None, "every command registers a schema"
    return schema


def _entry(left: str, right: str, width: int) -> Iterator[str]:
    """``left`` in a column of its own, ``right`` beside it; below it where ``left`` is too long."""
    first = textwrap.wrap(
        left, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
    )
    text = textwrap.wrap(right, width - LEFT - 4, break_on_hyphens=False)
    if text and len(first) == 1 and len(first[0]) < LEFT + 3:
        yield f"{first[0]:{LEFT + 4}}{text[0]}"
        text = text[1:]
    else:
        yield from first
    yield from (" " * (LEFT + 4) + line for line in text)
