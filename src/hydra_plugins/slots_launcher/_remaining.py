"""How long a sweep still takes: what waits for a slot, at the pace of the jobs that have ended or are at work."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hydra_plugins.slots_launcher._progress import Progress, duration


@dataclass(frozen=True)
class AtWork:
    """A running job."""

    cost: float
    so_far: float  # seconds since its start
    progress: Progress | None = None  # of this attempt

    def whole(self, now: float) -> float | None:
        """Seconds that the job takes if nothing interrupts it: what comes before the first share, and all shares."""
        if self.progress is None or self.progress.whole is None:
            return None
        before = self.so_far - (now - self.progress.written) - self.progress.seconds
        return max(0.0, before) + self.progress.whole

    def left(self, now: float) -> float | None:
        return None if self.progress is None else self.progress.seconds_left(now)


class Durations:
    """Durations of jobs by their cost, from those that are known."""

    def __init__(self, known: Iterable[tuple[float, float]]) -> None:  # (cost, seconds)
        by_cost = defaultdict(list)
        for cost, seconds in known:
            by_cost[cost].append(seconds)
        self._mean = {cost: sum(all_) / len(all_) for cost, all_ in by_cost.items()}

    def expected(self, cost: float) -> float | None:
        """Seconds of a job of ``cost``: the mean of jobs like it, else of the nearest ones, in proportion."""
        if not self._mean:
            return None
        nearest = min(self._mean, key=lambda known: abs(known - cost))
        ratio = cost / nearest if nearest > 0 and cost > 0 else 1.0
        return self._mean[nearest] * ratio


def seconds_left(
    queued: Sequence[float], at_work: Sequence[AtWork], slots: int, ended: Iterable[tuple[float, float]], now: float
) -> float | None:
    """Seconds until the last job ends; None where nothing tells how long a job takes.

    ``queued``: costs in the order of the queue. ``slots``: jobs at once. ``ended``: (cost, seconds) of finished jobs.
    """
    wholes = [(job.cost, whole) for job in at_work if (whole := job.whole(now)) is not None]
    durations = Durations([*ended, *wholes])
    ends = []
    for job in at_work:
        left, expected = job.left(now), durations.expected(job.cost)
        if left is None:
            if expected is None:
                return None
            left = max(0.0, expected - job.so_far)
        ends.append(left)
    free = ends + [0.0] * max(0, slots - len(ends))
    if not free:
        return None
    heapq.heapify(free)
    last = max(free)
    for cost in queued:
        expected = durations.expected(cost)
        if expected is None:
            return None
        end = heapq.heappop(free) + expected
        heapq.heappush(free, end)
        last = max(last, end)
    return last


def about(seconds: float | None) -> str:
    """``about 3 h 20 min left``; empty where it is not known. No finer than it can be told."""
    if seconds is None:
        return ""
    shown = duration(60 * round(seconds / 60)).removesuffix(" 0 s") if seconds >= 600 else duration(seconds)
    return f"about {shown} left"
