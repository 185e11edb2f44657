"""A sweep's table from its directories alone: what is done, running, stopped, failed or still to be begun."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hydra_plugins.slots_launcher._claims import FOLDER, latest
from hydra_plugins.slots_launcher._jobs import INDEX
from hydra_plugins.slots_launcher._output import Output
from hydra_plugins.slots_launcher._progress import FILE, duration, read_progress

STYLES = {"done": "green", "running": "bold", "failed": "bold red", "stopped": "yellow", "begun": "yellow"}
ORDER = ("running", "failed", "stopped", "begun", "queued", "done")
STALE_AFTER = 120.0  # the launcher's own default


@dataclass
class Status:
    name: str
    state: str  # one of ORDER
    detail: str = ""
    progress: str = ""
    changed: float = 0.0  # seconds since the epoch


def statuses(sweep: Path, done_file: str = "result.json") -> list[Status]:
    """Every job of ``sweep``: its directories, and those that its latest command named but that nobody has begun."""
    begun = {path.relative_to(sweep).as_posix(): path for path in job_folders(sweep, done_file)}
    named = named_jobs(sweep)
    begun |= {name: sweep / name for name in named if is_job(sweep / name, done_file)}
    found = [status_of(name, path, done_file) for name, path in sorted(begun.items())]
    return found + [Status(name, "queued") for name in sorted(named - begun.keys())]


def job_folders(folder: Path, done_file: str) -> Iterator[Path]:
    """Jobs at any depth, as their directories' names may have a / in them; not what a job has in its own."""
    for parent, names, _ in os.walk(folder):
        for name in sorted(names):
            if is_job(path := Path(parent, name), done_file):
                yield path
        names[:] = [n for n in names if not (n.startswith(".") or is_job(Path(parent, n), done_file))]


def is_job(path: Path, done_file: str) -> bool:
    return any(os.path.exists(path / entry) for entry in (done_file, FOLDER, ".hydra"))


def named_jobs(sweep: Path) -> set[str]:
    try:
        jobs = json.loads((sweep / FOLDER / INDEX).read_text(encoding="utf-8"))["jobs"]
        return {str(entry[0]) for entry in jobs.values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()


def status_of(name: str, job: Path, done_file: str) -> Status:
    done = job / done_file
    if done.exists():
        return Status(name, "done", changed=done.stat().st_mtime)
    found = latest(job)
    progress = read_progress(job / FOLDER / FILE)
    reached = f"{progress.done:.0%} {progress.text}" if progress else ""
    changed = max(found.beat, progress.written if progress else 0.0)
    record = found.record
    if record is None:
        return Status(name, "begun", "no claim: begun by another launcher, or by hand", reached, changed)
    now = time.time()
    if found.held(now, STALE_AFTER, unchanged=found.beat - now):
        return Status(name, "running", f"process {record.pid} on {record.host}", reached, changed)
    if record.state == "held" and found.beat > now:
        return Status(name, "stopped", f"its claim, of {record.host}, is dated in the future", reached, changed)
    if record.state == "held":
        return Status(name, "stopped", f"its launcher on {record.host} is gone", reached, changed)
    state = "stopped" if record.state == "out of memory" else record.state
    return Status(name, state, record.reason or "saved when its launcher was stopped", reached, changed)


def status_table(rows: Sequence[Status], now: float) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for heading in ("job", "state", "progress", "since"):
        table.add_column(heading, no_wrap=True)
    table.add_column("")
    for row in sorted(rows, key=lambda row: (ORDER.index(row.state), row.name)):
        since = duration(max(0.0, now - row.changed)) if row.changed else ""
        table.add_row(row.name, Text(row.state, style=STYLES.get(row.state, "")), row.progress, since, row.detail)
    return table


def lines(arguments: Sequence[str]) -> Iterator[Table | Text]:
    for argument in arguments:
        sweep = Path(argument)
        rows = statuses(sweep)
        count = Counter(row.state for row in rows)
        yield status_table(rows, time.time())
        counted = ", ".join(f"{count[state]} {state}" for state in ORDER if count[state]) or "no job"
        yield Text(f"{argument}: {counted}", style="bold")


def main(arguments: Sequence[str]) -> int:
    folders = arguments or ["multirun"]
    for folder in folders:
        if not Path(folder).is_dir():
            print(f"error: There is no folder {folder}: name the directory of a sweep.", file=sys.stderr)
            return 1
    output = Output()
    console = Console(file=output, highlight=False, soft_wrap=not output.isatty())  # type: ignore[arg-type]
    for line in lines(folders):
        console.print(line)
    if output.full:
        print("error: The disk is full: the table could not be written to standard output.", file=sys.stderr)
    return int(output.full)
