"""The rows of a file in windows of limited size, so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

# A window ends after this many rows or characters, whichever comes first. A kill costs the window at hand: at XLM-R
# base's 2,800 tokens a second on two cores, 4,096 reviews of 60 tokens are a minute and a half.
ROWS = 4_096
CHARACTERS = 4_000_000

T = TypeVar("T")


class Row(NamedTuple):
    """One row of the input."""

    content: str  # as it stands in the file, its line end included
    text: object  # to be classified
    reason: str = ""  # why the row has no text; empty if it has one


class Window(NamedTuple):
    """Consecutive rows of the input."""

    texts: list[object]
    reasons: list[str]  # why a row has no text; empty if it has one
    content: Any  # the rows in the format's own form
    position: int  # how far the file has been read: bytes, or rows of a Parquet file


class Answers(NamedTuple):
    """The model's predictions for a window's rows."""

    labels: list[str | None]
    probabilities: np.ndarray  # (rows, classes) float32, NaN for rows without a label
    reasons: list[str]  # why a row has no label; empty if it has one


class Columns(NamedTuple):
    """The names of the columns that are added to a row."""

    label: str
    probabilities: tuple[str, ...]  # one for each class
    reason: str

    @property
    def all(self) -> tuple[str, ...]:
        return (self.label, *self.probabilities, self.reason)


class Format(Protocol):
    """Reads rows from a file, and renders them with their predictions as a file of the same kind."""

    total: int | None  # the last window's position; None if it is not known

    @property
    def names(self) -> list[str]:
        """The file's own columns."""

    def windows(self, skip: int) -> Iterator[Window]:
        """All rows but the first ``skip``."""

    def render(self, window: Window, answers: Answers, columns: Columns, *, first: bool) -> bytes:
        """A window's rows with their predictions; with the header, if the file has one, before the ``first``."""


def in_windows(rows: Iterator[Row], position: Callable[[], int], size: int = ROWS) -> Iterator[Window]:
    """``rows`` in windows of at most ``size``; ``position()`` is how far the file has been read."""
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


def prefetched(items: Iterator[T]) -> Iterator[T]:
    """``items``, each computed in another thread while the one before it is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as thread:
        end: Any = object()
        upcoming = thread.submit(next, items, end)
        while (item := upcoming.result()) is not end:
            upcoming = thread.submit(next, items, end)
            yield item
