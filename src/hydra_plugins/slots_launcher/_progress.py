"""How far a job is: what it writes into the file that SLOTS_PROGRESS names, and what is left to do by that.

The file is JSON, replaced atomically: ``{"done": 0.25, "text": "epoch 1/4"}``, ``done`` the share of the whole job.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "SLOTS_PROGRESS"
FILE = "progress.json"


@dataclass
class Progress:
    done: float  # 0..1
    text: str
    written: float  # seconds since the epoch


def read_progress(path: Path) -> Progress | None:
    try:
        written = path.stat().st_mtime
        content = json.loads(path.read_text(encoding="utf-8"))
        return Progress(min(1.0, max(0.0, float(content["done"]))), str(content.get("text", "")), written)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


class Pace:
    """Seconds left, from the first share that this attempt reported to the latest: a continued job starts late."""

    def __init__(self) -> None:
        self._first: Progress | None = None
        self.latest: Progress | None = None

    def see(self, progress: Progress | None) -> None:
        if progress is not None:
            self._first = self._first or progress
            self.latest = progress

    def seconds_left(self, now: float) -> float | None:
        if self._first is None or self.latest is None or self.latest.done <= self._first.done:
            return None
        rate = (self.latest.done - self._first.done) / max(1e-9, self.latest.written - self._first.written)
        return max(0.0, (1 - self.latest.done) / rate - (now - self.latest.written))


def duration(seconds: float) -> str:
    """``47 s``, ``12 min 5 s``, ``3 h 20 min``"""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
