"""The display of a sweep: a live table on a terminal, a line per event anywhere else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hydra_plugins.slots_launcher._output import Output
from hydra_plugins.slots_launcher._progress import Progress, duration
from hydra_plugins.slots_launcher._remaining import about

NO_LIMIT = 10**6  # in a file
STYLES = {"done": "green", "before": "green", "failed": "bold red", "retried": "yellow", "stopped": "yellow"}


@dataclass
class Row:
    """A running job as it is shown."""

    name: str
    slot: str
    since: float  # time.time()
    progress: Progress | None = None  # of this attempt


@dataclass
class Counts:
    total: int
    queued: int = 0
    running: int = 0
    elsewhere: int = 0  # at work in another launcher
    done: int = 0
    skipped: int = 0  # done before
    failed: int = 0
    left: float | None = None  # seconds until all have ended

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
        return "; ".join(filter(None, [f"{self.total} jobs: " + ", ".join(parts), about(self.left)]))


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

    def event(self, what: str, name: str, detail: str = "", scores: Sequence[str] = ()) -> None:
        """One line: what happened to which job, and what it found. Starts are shown by the table where there is one."""
        if what == "started" and self._live is not None:
            return
        line = Text(f"{what:8} {name}")
        line.stylize(STYLES.get(what, ""), 0, len(what))
        room = self.console.width - line.cell_len - 2 if self.console.is_terminal else NO_LIMIT
        beside = room - cell_len(detail) - 2
        if detail and (not scores or cell_len(fitted(scores, beside)) <= beside):  # else the scores have its room
            line.append(f"  {detail}", style="dim" if what in ("started", "done") else "")
            room = beside
        if scores:
            line.append(f"  {fitted(scores, room)}")
        self._print(line)

    def _print(self, text: Text) -> None:
        self.console.print(text)

    def refresh(self, counts: Counts, rows: Sequence[Row]) -> None:
        if self._live is not None:
            shown = Group(running_table(rows, time.time(), self.console.width), Text(counts.line(), style="bold"))
            self._live.update(shown, refresh=True)


def fitted(texts: Sequence[str], room: int) -> str:
    """As many of ``texts``, at least one, as fit into ``room`` columns: ``smsa_id 91.3 F1 +2 more``."""
    shown = ""
    for count in range(len(texts), 0, -1):
        shown = ", ".join(texts[:count]) + (f" +{len(texts) - count} more" if count < len(texts) else "")
        if cell_len(shown) <= room:
            break
    return shown


def running_table(rows: Sequence[Row], now: float, width: int) -> Table:
    """As many of the columns as fit into ``width``: a job's name and progress first."""
    cells = [cells_of(row, now) for row in rows]
    headings = ["running", "slot", "progress", "so far", "left"]
    for less in ("so far", "slot", "left"):
        if sum(max(cell_len(text) for text in (name, *(row[name] for row in cells))) + 2 for name in headings) > width:
            headings.remove(less)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(heading, no_wrap=True, ratio=1 if heading == "running" else None)
    for row in cells:
        table.add_row(*(Text(row[heading]) for heading in headings))
    return table


def cells_of(row: Row, now: float) -> dict[str, str]:
    left = row.progress.seconds_left(now) if row.progress else None
    return {
        "running": row.name,
        "slot": row.slot,
        "progress": row.progress.shown if row.progress else "starting",
        "so far": duration(now - row.since),
        "left": "" if left is None else duration(left),
    }
