"""A sweep's table from its directories alone: what is done, running, stopped, failed or still to be begun."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hydra_plugins.slots_launcher._claims import FOLDER, latest
from hydra_plugins.slots_launcher._display import NO_LIMIT, fitted
from hydra_plugins.slots_launcher._hooks import Hooks
from hydra_plugins.slots_launcher._jobs import INDEX
from hydra_plugins.slots_launcher._output import Output
from hydra_plugins.slots_launcher._progress import FILE, Progress, duration, read_progress
from hydra_plugins.slots_launcher._remaining import AtWork, about, seconds_left

STYLES = {"done": "green", "running": "bold", "failed": "bold red", "stopped": "yellow", "begun": "yellow"}
ORDER = ("running", "failed", "stopped", "begun", "queued", "done")
GAP = 2  # columns between two of the table's
STALE_AFTER = 120.0  # the launcher's own default
STARTED = Path(".hydra", "config.yaml")  # written by Hydra at the start of every attempt


@dataclass
class Status:
    name: str
    state: str  # one of ORDER
    detail: str = ""
    progress: Progress | None = None
    changed: float = 0.0  # seconds since the epoch
    began: float = 0.0  # the latest attempt; 0: not known
    cost: float = 0.0
    scores: list[str] = field(default_factory=list)

    def took(self) -> tuple[float, float] | None:
        """Cost and seconds of a finished job's last attempt; None where its times say nothing."""
        return (self.cost, self.changed - self.began) if 0 < self.began < self.changed else None

    def at_work(self, now: float) -> AtWork:
        return AtWork(self.cost, now - self.began if self.began else 0.0, self.progress)

    def shown(self, now: float, room: int) -> str:
        """How far the job is, what it found, or why it is in its state."""
        if self.state == "done":
            return fitted(self.scores, room)
        left = self.progress.seconds_left(now) if self.progress and self.state == "running" else None
        reached = [self.progress.shown if self.progress else "", "" if left is None else f"{duration(left)} left"]
        return "; ".join(filter(None, [", ".join(filter(None, reached)), self.detail]))


def statuses(sweep: Path, done_file: str = "result.json", hooks: Hooks | None = None) -> list[Status]:
    """Every job of ``sweep``: its directories, and those that its latest command named but that nobody has begun."""
    begun = {path.relative_to(sweep).as_posix(): path for path in job_folders(sweep, done_file)}
    costs = named_jobs(sweep)
    begun |= {name: sweep / name for name in costs if is_job(sweep / name, done_file)}
    found = [status_of(name, path, done_file) for name, path in sorted(begun.items())]
    found += [Status(name, "queued") for name in sorted(costs.keys() - begun.keys())]
    for row in found:
        row.cost = costs.get(row.name, 0.0)
        if hooks and row.state == "done":
            row.scores = hooks.scores(sweep / row.name)
    return found


def job_folders(folder: Path, done_file: str) -> Iterator[Path]:
    """Jobs at any depth, as their directories' names may have a / in them; not what a job has in its own."""
    for parent, names, _ in os.walk(folder):
        for name in sorted(names):
            if is_job(path := Path(parent, name), done_file):
                yield path
        names[:] = [n for n in names if not (n.startswith(".") or is_job(Path(parent, n), done_file))]


def is_job(path: Path, done_file: str) -> bool:
    return any(os.path.exists(path / entry) for entry in (done_file, FOLDER, ".hydra"))


def named_jobs(sweep: Path) -> dict[str, float]:
    """Name -> cost of the jobs that the sweep's latest command named."""
    try:
        jobs = json.loads((sweep / FOLDER / INDEX).read_text(encoding="utf-8"))["jobs"]
        return {str(entry[0]): float(entry[1]) for entry in jobs.values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return {}


def status_of(name: str, job: Path, done_file: str) -> Status:
    done = job / done_file
    began = (job / STARTED).stat().st_mtime if (job / STARTED).exists() else 0.0
    if done.exists():
        return Status(name, "done", changed=done.stat().st_mtime, began=began)
    found = latest(job)
    progress = read_progress(job / FOLDER / FILE)
    if progress is not None and progress.written < began:
        progress = None  # of an earlier attempt
    changed = max(found.beat, progress.written if progress else 0.0)

    def as_(state: str, detail: str) -> Status:
        return Status(name, state, detail, progress, changed, began)

    record = found.record
    if record is None:
        return as_("begun", "no claim: begun by another launcher, or by hand")
    now = time.time()
    if found.held(now, STALE_AFTER, unchanged=found.beat - now):
        return as_("running", f"process {record.pid} on {record.host}")
    if record.state == "held" and found.beat > now:
        return as_("stopped", f"its claim, of {record.host}, is dated in the future")
    if record.state == "held":
        return as_("stopped", f"its launcher on {record.host} is gone")
    state = "stopped" if record.state == "out of memory" else record.state
    return as_(state, record.reason or "saved when its launcher was stopped")


def status_table(rows: Sequence[Status], now: float, width: int) -> Table:
    """``width``: of the terminal. Where the scores do not fit, there is no column ``since``; long texts are wrapped."""
    rows = sorted(rows, key=lambda row: (ORDER.index(row.state), row.name))
    since = [duration(max(0.0, now - row.changed)) if row.changed else "" for row in rows]
    room = width - widest([row.name for row in rows], "job") - widest([row.state for row in rows], "state") - GAP * 2
    beside = room - widest(since, "since") - GAP
    narrow = any(cell_len(row.shown(now, beside)) > beside for row in rows if row.state == "done")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("job", "state") if narrow else ("job", "state", "since"):
        table.add_column(heading, no_wrap=True)
    table.add_column("")
    for row, ago in zip(rows, since, strict=True):
        state = Text(row.state, style=STYLES.get(row.state, ""))
        shown = Text(row.shown(now, room if narrow else beside))
        table.add_row(*([Text(row.name), state] if narrow else [Text(row.name), state, ago]), shown)
    return table


def widest(cells: Sequence[str], heading: str) -> int:
    return max(map(cell_len, [heading, *cells]))


def time_left(rows: Sequence[Status], now: float) -> float | None:
    """Seconds until all that runs or is queued has ended, at as many jobs at once as there are now."""
    running = [row.at_work(now) for row in rows if row.state == "running"]
    if not running:
        return None
    queued = sorted((row.cost for row in rows if row.state in ("queued", "begun", "stopped")), reverse=True)
    ended = [took for row in rows if row.state == "done" and (took := row.took())]
    return seconds_left(queued, running, len(running), ended, now)


def lines(sweeps: Sequence[str], hooks: Hooks, width: int) -> Iterator[Table | Text]:
    for argument in sweeps:
        sweep, now = Path(argument), time.time()
        rows = statuses(sweep, hooks=hooks)
        count = Counter(row.state for row in rows)
        yield status_table(rows, now, width)
        counted = ", ".join(f"{count[state]} {state}" for state in ORDER if count[state]) or "no job"
        yield Text("; ".join(filter(None, [f"{argument}: {counted}", about(time_left(rows, now))])), style="bold")
        for line in hooks.closing(sweep, [sweep / row.name for row in rows if row.state == "done"]):
            yield Text(line)


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog="python -m hydra_plugins.slots_launcher", description="The state of sweeps, from their directories alone."
    )
    options.add_argument("sweeps", nargs="*", default=["multirun"], help="directories of sweeps (default: multirun)")
    for name in ("scores", "closing"):
        options.add_argument(
            f"--{name}", metavar="MODULE:FUNCTION", help=f"of the program's, as in the option hydra.launcher.{name}"
        )
    return options


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    try:
        hooks = Hooks(scores=options.scores, closing=options.closing)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return show(options.sweeps, hooks)


def show(sweeps: Sequence[str], hooks: Hooks) -> int:
    """Print the tables of these directories; returns the exit code."""
    for folder in sweeps:
        if not Path(folder).is_dir():
            print(f"error: There is no folder {folder}: name the directory of a sweep.", file=sys.stderr)
            return 1
    output = Output()
    console = Console(file=output, highlight=False, soft_wrap=not output.isatty())  # type: ignore[arg-type]
    for line in lines(sweeps, hooks, console.width if output.isatty() else NO_LIMIT):
        console.print(line)
    if output.full:
        print("error: The disk is full: the table could not be written to standard output.", file=sys.stderr)
    return int(output.full)
