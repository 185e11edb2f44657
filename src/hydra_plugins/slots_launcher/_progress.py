"""How far a job is: what it writes into the file that SLOTS_PROGRESS names, and what is left to do by that.

The file is JSON, replaced atomically: ``{"done": 0.25, "text": "epoch 1/4"}``, ``done`` the share of the whole job.
``"first": 0.1, "seconds": 90`` may be added: the first share of this attempt, and the seconds since.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

VARIABLE = "SLOTS_PROGRESS"
FILE = "progress.json"


@dataclass(frozen=True)
class Progress:
    done: float  # 0..1
    text: str
    written: float  # seconds since the epoch
    first: float | None = None  # the share that this attempt began with; None: not known
    seconds: float = 0.0  # from then to ``written``

    @property
    def shown(self) -> str:
        """``31% epoch 2/4``; of a stage without a share, its name."""
        return f"{self.done:.0%} {self.text}" if self.done else self.text

    @property
    def whole(self) -> float | None:
        """Seconds that all shares take at the pace of this attempt: a continued job starts late."""
        if self.first is None or self.done <= self.first or self.seconds <= 0:
            return None
        return self.seconds / (self.done - self.first)

    def seconds_left(self, now: float) -> float | None:
        return None if self.whole is None else max(0.0, (1 - self.done) * self.whole - max(0.0, now - self.written))


def read_progress(path: Path) -> Progress | None:
    try:
        written = path.stat().st_mtime
        content = json.loads(path.read_text(encoding="utf-8"))
        done, seconds = float(content["done"]), float(content.get("seconds", 0.0))
        first = None if content.get("first") is None else float(content["first"])
        if not all(map(math.isfinite, (done, seconds, first or 0.0))):
            return None
        return Progress(min(1.0, max(0.0, done)), str(content.get("text", "")), written, first, seconds)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


class Pace:
    """The latest progress of an attempt; where the job does not say when it began, since it was first seen."""

    def __init__(self) -> None:
        self._first: Progress | None = None
        self.latest: Progress | None = None

    def see(self, progress: Progress | None) -> None:
        if progress is None:
            return
        if progress.first is None:
            if self._first is None or progress.done < self._first.done or not self._first.done:
                self._first = progress
            progress = replace(progress, first=self._first.done, seconds=progress.written - self._first.written)
        self.latest = progress


def duration(seconds: float) -> str:
    """``47 s``, ``12 min 5 s``, ``3 h 20 min``"""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
