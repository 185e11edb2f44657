"""The display of a sweep: a live table on a terminal, a line per event anywhere else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hydra_plugins.slots_launcher._output import Output
from hydra_plugins.slots_launcher._progress import Pace, duration

STYLES = {"done": "green", "failed": "bold red", "retried": "yellow", "stopped": "yellow"}


@dataclass
class Row:
    """A running job as it is shown."""

    name: str
    slot: str
    since: float  # time.time()
    pace: Pace


@dataclass
class Counts:
    total: int
    queued: int = 0
    running: int = 0
    elsewhere: int = 0  # at work in another launcher
    done: int = 0
    skipped: int = 0  # done before
    failed: int = 0

    def line(self) -> str:
        shown = {
            "queued": self.queued,
            "running": self.running,
            "in another launcher": self.elsewhere,
            "done": self.done,
            "done before": self.skipped,
            "failed": self.failed,
        }
        optional = ("in another launcher", "done before", "failed")
        parts = [f"{n} {what}" for what, n in shown.items() if n or what not in optional]
        return f"{self.total} jobs: " + ", ".join(parts)


class Display:
    """``seconds`` between refreshes; infinite where nothing is redrawn."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=Output(), highlight=False, soft_wrap=True)  # type: ignore[arg-type]
        self.seconds = 1.0 if self.console.is_terminal else float("inf")
        # Redrawn by the launcher itself: it must not have a second thread when it starts processes.
        self._live: Live | None = None
        if self.console.is_terminal:
            self._live = Live(console=self.console, auto_refresh=False, transient=True)

    def __enter__(self) -> Display:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str, style: str = "") -> None:
        self._print(Text(text, style=style))

    def event(self, what: str, name: str, detail: str = "") -> None:
        """One line: what happened to which job. Starts are shown by the table where there is one."""
        if what == "started" and self._live is not None:
            return
        line = Text(f"{what:8} {name}")
        line.stylize(STYLES.get(what, ""), 0, len(what))
        line.append(f"  {detail}" if detail else "", style="dim" if what in ("started", "done") else "")
        self._print(line)

    def _print(self, text: Text) -> None:
        self.console.print(text)

    def refresh(self, counts: Counts, rows: Sequence[Row]) -> None:
        if self._live is not None:
            shown = Group(running_table(rows, time.time()), Text(counts.line(), style="bold"))
            self._live.update(shown, refresh=True)


def running_table(rows: Sequence[Row], now: float) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("running", no_wrap=True, overflow="ellipsis", ratio=1)
    for heading in ("slot", "progress", "so far", "left"):
        table.add_column(heading, no_wrap=True)
    for row in rows:
        progress, left = row.pace.latest, row.pace.seconds_left(now)
        reached = f"{progress.done:4.0%} {progress.text}" if progress else "starting"
        table.add_row(row.name, row.slot, reached, duration(now - row.since), "" if left is None else duration(left))
    return table
