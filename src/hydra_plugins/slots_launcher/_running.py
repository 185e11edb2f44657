"""A job at work: its slot, its claim, its process, and how far it is."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field

from hydra_plugins.slots_launcher._claims import FOLDER, Claim
from hydra_plugins.slots_launcher._display import Row
from hydra_plugins.slots_launcher._jobs import Job
from hydra_plugins.slots_launcher._processes import Process
from hydra_plugins.slots_launcher._progress import FILE, Pace, read_progress
from hydra_plugins.slots_launcher._remaining import AtWork
from hydra_plugins.slots_launcher._slots import Slot


@dataclass
class Running:
    job: Job
    slot: Slot
    claim: Claim
    process: Process
    since: float = field(default_factory=time.time)
    pace: Pace = field(default_factory=Pace)
    lost: bool = False  # its claim is no longer ours

    def name_process(self) -> None:
        """Let the claim name the job's process, as soon as that is known."""
        if not self.process.started or self.process.pid == self.claim.record.child:
            return
        with contextlib.suppress(OSError):  # two other things see to it that the job is not left behind
            self.claim.update(child=self.process.pid, child_started=self.process.started)

    def row(self) -> Row:
        progress = read_progress(self.job.folder / FOLDER / FILE)
        if progress is not None and progress.written >= self.since - 1:  # not an earlier attempt's
            self.pace.see(progress)
        return Row(self.job.name, self.slot.name, self.since, self.pace.latest)

    def at_work(self, now: float) -> AtWork:
        return AtWork(self.job.cost, now - self.since, self.pace.latest)
