"""The parts of a program's time, as it accounts for them itself."""

from __future__ import annotations

import time


class Parts:
    """``parts("name")`` adds the seconds since the last call to that part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._mark = time.perf_counter()

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._mark
        self._mark = now
