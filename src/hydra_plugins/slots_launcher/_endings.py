"""How jobs end, what an exit code means, and the list of failures at the end."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.text import Text

from hydra_plugins.slots_launcher._command import again
from hydra_plugins.slots_launcher._hooks import Hooks
from hydra_plugins.slots_launcher._jobs import Job

if TYPE_CHECKING:
    from hydra_plugins.slots_launcher._display import Display

LAST_LINES = 12  # of a failed job's log
SHOWN = 10  # failures whose logs are shown
SHOWN_BEFORE = 20  # jobs done before whose scores are shown


@dataclass
class Ending:
    job: Job
    what: Literal["done", "skipped", "failed", "stopped"]
    reason: str = ""
    log: tuple[Path, int] | None = None  # the log, and the byte where the attempt begins


def meaning(code: int, done_file: str) -> str:
    """Why a job with this exit code (a signal's number below 0) failed, as it left no ``done_file``."""
    if code == 0:
        return f"ended without an error, but left no {done_file}"
    if code == -signal.SIGKILL:
        return "was killed (SIGKILL): by somebody, or by the system because memory was short"
    signum = -code if code < 0 else code - 128
    if code < 0 or signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        return f"was stopped by {signal.Signals(signum).name}" if signum in set(signal.Signals) else f"signal {signum}"
    return f"exit code {code}"


def out_of_memory(smaller: str) -> str:
    """Why a job failed that said so; ``smaller`` is the override that it was last tried with, if any."""
    return "ran out of memory" + (f", also with {smaller}" if smaller else "")


def refusal(error: OSError, folder: Path) -> str:
    """Why a job could not even be started."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full: {folder} cannot be written"
    return f"{error.filename or folder}: {error.strerror or error}"


def last_lines(log: tuple[Path, int] | None) -> list[str]:
    """The end of what the attempt wrote; of lines that were overwritten (progress bars) the last state."""
    if log is None:
        return []
    path, start = log
    try:
        with path.open("rb") as file:
            file.seek(max(start, file.seek(0, os.SEEK_END) - 20_000))
            text = file.read().decode(errors="replace")
    except OSError as error:
        return [f"({path} cannot be read: {error.strerror})"]
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
    return [line for line in lines if line][-LAST_LINES:]


def show_failures(console: Console, failed: Sequence[Ending]) -> None:
    """Each failure with its reason and the end of its log, then the command that runs just these again."""
    console.print()
    for ending in failed[:SHOWN]:
        console.print(Text(f"{ending.job.name} {ending.reason}", style="bold red"))
        console.print(Text("  " + " ".join(ending.job.overrides), style="dim"))
        for line in last_lines(ending.log):
            console.print(Text("  | " + line))
        if ending.log is not None:
            console.print(Text(f"  {ending.log[0]}", style="dim"))
        console.print()
    if len(failed) > SHOWN:
        console.print(f"and {len(failed) - SHOWN} more: {', '.join(e.job.name for e in failed[SHOWN:])}\n")
    console.print("To run just these again:")
    console.print(Text("  " + again([ending.job.name for ending in failed])))


def show_finished_before(display: Display, endings: Sequence[Ending], hooks: Hooks) -> None:
    """A line with the scores of each job that was done before, SHOWN_BEFORE at most; the others have had theirs."""
    before = sorted((e.job for e in endings if e.what == "skipped"), key=lambda job: job.number)
    if not hooks.has_scores:
        return
    for job in before[:SHOWN_BEFORE]:
        display.event("before", job.name, scores=hooks.scores(job.folder))
    if len(before) > SHOWN_BEFORE:
        display.say(f"and {len(before) - SHOWN_BEFORE} more that were done before", "dim")


def show_closing(display: Display, sweep: Path, endings: Sequence[Ending], hooks: Hooks) -> None:
    """The last lines of a sweep: what the program's function ``closing`` says about all finished jobs together."""
    done = [ending.job.folder for ending in endings if ending.what in ("done", "skipped")]
    for line in hooks.closing(sweep, done):
        display.say(line)


def value_of(done_file: Path, key: str | None) -> Any:
    """The value of a dotted key in a finished job's file, for a sweeper that optimises; None if it has none."""
    if key is None:
        return None
    try:
        value = json.loads(done_file.read_text(encoding="utf-8"))
        for part in key.split("."):
            value = value[part]
        return value
    except (OSError, ValueError, KeyError, TypeError):
        return None
