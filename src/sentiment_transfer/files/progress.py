"""How far a run is, for the launcher that started it: a small file that is replaced, where one is asked for.

The launcher names the file in SLOTS_PROGRESS and removes it when the run is finished; docs/launcher.md has the format.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from functools import cache
from pathlib import Path

VARIABLE = "SLOTS_PROGRESS"
SECONDS = 1.0  # between two reports of one stage, at least


class ProgressFile:
    """The reports of one process. What cannot be written is left out: it is only shown, and no reason to end a run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._done = 0.0
        self._first: tuple[float, float] | None = None  # the first share of this attempt, and when it was reported
        self._written = float("-inf")

    def report(self, text: str, done: float | None = None, *, within: bool = False) -> None:
        """Report the stage ``text``, and the share ``done`` of the whole run, 0..1, where it has changed.

        ``within`` a stage that was reported before: at most one report in SECONDS.
        """
        now = time.monotonic()
        if within and now - self._written < SECONDS:
            return
        if done is not None:
            if self._first is None or done < self._done:  # less: another run begins, which had to wait for this one
                self._first = done, now
            self._done = done
        self._written = now
        content: dict[str, float | str] = {"done": round(self._done, 4), "text": text}
        if self._first is not None:
            content |= {"first": round(self._first[0], 4), "seconds": round(now - self._first[1], 1)}
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
            with temporary.open("x", encoding="utf-8") as file:  # a link that was put there is not followed
                json.dump(content, file)
            os.replace(temporary, self.path)


def progress_file() -> ProgressFile | None:
    """This process's reports; None where no launcher reads them."""
    path = os.environ.get(VARIABLE)
    return _opened(path) if path else None


@cache
def _opened(path: str) -> ProgressFile:
    return ProgressFile(Path(path))


def report_stage(text: str, *, within: bool = False) -> None:
    """Report a stage that is no known share of the run, if a launcher reads reports."""
    if file := progress_file():
        file.report(text, within=within)
