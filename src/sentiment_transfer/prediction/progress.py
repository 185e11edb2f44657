"""A bar with the time that is left, on a terminal; nothing anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

Moved = Callable[[int, int, int], None]  # position in the file, rows and tokens since the last call


@contextmanager
def progress(total: int | None, done: int) -> Iterator[Moved]:
    """``total`` is what the position counts up to; ``done`` the rows of an earlier attempt."""
    columns = (
        TextColumn("{task.fields[rows]:>11,} rows"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[rate]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=total, rows=done, rate="")
        started = time.monotonic()
        rows = tokens = 0

        def moved(position: int, more_rows: int, more_tokens: int) -> None:
            nonlocal rows, tokens
            rows, tokens = rows + more_rows, tokens + more_tokens
            seconds = max(time.monotonic() - started, 1e-3)
            rate = f"{rows / seconds:,.0f} rows/s, {tokens / seconds:,.0f} tokens/s"
            bar.update(task, completed=position if total else None, rows=done + rows, rate=rate)

        yield moved
