"""The other launchers of a sweep: which jobs they are at, by their claims and the file system's clock."""

from __future__ import annotations

import time
from pathlib import Path

from hydra_plugins.slots_launcher._claims import Found
from hydra_plugins.slots_launcher._owner import this_process
from hydra_plugins.slots_launcher._progress import duration


class Clock:
    """The file system's own clock, by the times it gives to a file: that of another host may go differently.

    Every launcher of a sweep touches the same file, so that a killed one leaves none of its own.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def now(self) -> float:
        """Seconds since the epoch."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
            return self.path.stat().st_mtime
        except OSError:
            return time.time()


class Others:
    """The other launchers, as seen by one that counts a claim as abandoned ``stale_after`` seconds after its beat."""

    def __init__(self, clock: Clock, stale_after: float) -> None:
        self._clock, self._stale_after = clock, stale_after
        self._began = clock.now()
        self._seen: dict[Path, tuple[int, float, float]] = {}  # job -> number, beat, when it was first seen so
        self._told: set[Path] = set()

    def hold(self, job: Path, found: Found) -> bool:
        """Whether one of them is at the job in this folder, whose latest claim was ``found``.

        The job does not run here: a claim that is still this launcher's own could not be changed, on a full disk.
        """
        if found.record is not None and found.record.owner == this_process():
            return False
        seen = time.monotonic()  # this machine's: no clock that is set changes it
        number, beat, since = self._seen.get(job, (-1, 0.0, seen))
        if (number, beat) != (found.number, found.beat):
            since = seen
        self._seen[job] = (found.number, found.beat, since)
        return found.held(self._clock.now(), self._stale_after, unchanged=seen - since)

    def failure(self, found: Found) -> str:
        """Why the job failed with one of them since this launcher began; empty where it did not."""
        record = found.record
        if record is None or record.state != "failed" or record.owner == this_process():
            return ""
        recent = self._began <= found.beat <= self._clock.now()  # one dated in the future may be of any time
        return f"{record.reason} (in process {record.pid} on {record.host})" if recent else ""

    def news(self, job: Path, found: Found) -> str:
        """Who holds the job, and for how long that is believed; empty where it was told before."""
        if job in self._told:
            return ""
        self._told.add(job)
        record = found.record
        who = f"process {record.pid} on {record.host} is at it" if record else "another launcher is claiming it"
        ahead = found.beat - self._clock.now()
        if ahead > 0 and (record is None or record.owner.alive() is None):
            who += (
                f"; its claim is dated {duration(ahead)} in the future, so it is taken over when it has not changed "
                f"for {duration(self._stale_after)}"
            )
        return who
