"""Rows of a file on their way through: a window of them at a time, so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

# A window ends after so many rows or characters, whichever comes first. What a kill costs is the window at hand: at
# XLM-R base's 2,800 tokens a second on two cores, 4,096 reviews of 60 tokens are a minute and a half.
ROWS = 4_096
CHARACTERS = 4_000_000


class Row(NamedTuple):
    """One row as it was read."""

    content: str  # as it stands in the file, its line end included
    text: object  # what is to be answered
    reason: str = ""  # why the row has no text; empty where it has


class Window(NamedTuple):
    """Some rows one after the other."""

    texts: list[object]
    reasons: list[str]  # why a row's text cannot be had; empty where it can
    content: Any  # the rows as the format keeps them
    position: int  # how far the file has been read: bytes, or rows of a Parquet file


class Answers(NamedTuple):
    """What a model says of a window's rows."""

    labels: list[str | None]
    probabilities: np.ndarray  # (n, classes) float32, NaN where there is no label
    reasons: list[str]  # empty where there is a label


class Columns(NamedTuple):
    """Names of what is added to a row."""

    label: str
    probabilities: tuple[str, ...]  # one for each class
    reason: str

    @property
    def all(self) -> tuple[str, ...]:
        return (self.label, *self.probabilities, self.reason)


class Format(Protocol):
    """How rows are read from a file and written into another of the same kind."""

    total: int | None  # what a window's position counts up to; None where it is not known

    @property
    def names(self) -> list[str]:
        """The file's own columns."""

    def windows(self, skip: int) -> Iterator[Window]:
        """All rows but the first ``skip``."""

    def render(self, window: Window, answers: Answers, columns: Columns, *, first: bool) -> bytes:
        """A window's rows with their answers, with what stands before the first row where they are the ``first``."""


T = TypeVar("T")


def in_windows(rows: Iterator[Row], position: Any, size: int = ROWS) -> Iterator[Window]:
    """``rows`` in windows of at most ``size`` rows; ``position()`` tells how far the file has been read."""
    texts: list[object] = []
    reasons: list[str] = []
    content: list[str] = []
    characters = 0
    for row in rows:
        texts.append(row.text)
        reasons.append(row.reason)
        content.append(row.content)
        characters += len(row.content)
        if len(content) >= size or characters >= CHARACTERS:
            yield Window(texts, reasons, content, position())
            texts, reasons, content, characters = [], [], [], 0
    if content:
        yield Window(texts, reasons, content, position())


def ahead(items: Iterator[T]) -> Iterator[T]:
    """``items``, each made in another thread while the one before it is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        nothing: Any = object()
        coming = thread.submit(next, items, nothing)
        while (item := coming.result()) is not nothing:
            coming = thread.submit(next, items, nothing)
            yield item
