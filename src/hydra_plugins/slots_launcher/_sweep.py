"""One sweep on one machine: jobs wait in a queue, slots take them, endings are collected. Single-threaded."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path

from hydra_plugins.slots_launcher._claims import FOLDER, Claim, Found, latest, make_claim
from hydra_plugins.slots_launcher._display import Counts, Display
from hydra_plugins.slots_launcher._endings import Ending, meaning, out_of_memory, refusal
from hydra_plugins.slots_launcher._forked import Preloading
from hydra_plugins.slots_launcher._hooks import Hooks
from hydra_plugins.slots_launcher._jobs import Job
from hydra_plugins.slots_launcher._options import Options
from hydra_plugins.slots_launcher._others import Others
from hydra_plugins.slots_launcher._processes import Warden, evict
from hydra_plugins.slots_launcher._progress import FILE, VARIABLE, duration, read_progress
from hydra_plugins.slots_launcher._remaining import AtWork, seconds_left
from hydra_plugins.slots_launcher._running import Running
from hydra_plugins.slots_launcher._signals import Signals
from hydra_plugins.slots_launcher._slots import Slot

ASK_AGAIN = (1.0, 15.0)  # seconds between looks at jobs that are in another launcher's hands: from, up to
NEVER = float("inf")


class Sweep:
    """``command`` gives a job's command line; ``run`` comes back when every job has ended, here or elsewhere."""

    def __init__(
        self,
        jobs: Sequence[Job],
        slots: Sequence[Slot],
        options: Options,
        command: Callable[[Job], list[str]],
        display: Display,
        signals: Signals,
        others: Others,
        hooks: Hooks,
    ) -> None:
        self.options, self.command, self.display, self.signals = options, command, display, signals
        # The dearest first: a long job that begins last is what a sweep waits for.
        self.queue = deque(sorted(jobs, key=lambda job: (-job.cost, job.number)))
        self.free = list(reversed(slots))
        self.running: list[Running] = []
        self.elsewhere: list[Job] = []
        self.took: list[tuple[float, float]] = []  # cost and seconds of jobs that ended here
        self.endings: list[Ending] = []
        self.stopping = False
        self._hooks = hooks
        self.warden = Warden()
        self._preloading = Preloading(options.preload, self.warden)
        self._others = others
        self._beat_every = options.stale_after / 6
        self._beat_at = time.monotonic() + self._beat_every
        self._ask_every = ASK_AGAIN[0]
        self._ask_at = self._kill_at = NEVER

    def run(self) -> list[Ending]:
        try:
            while self.queue or self.running or self.elsewhere:
                self._heed_signals()
                self._reap()
                self._fill_slots()
                self._look_elsewhere()
                self._beat()
                if self.running or self.elsewhere:
                    self._show()
                    self.signals.wait(self._due() - time.monotonic())
        finally:
            for running in self.running:
                running.process.kill()
            self._preloading.end()
            self.warden.close()
        return self.endings

    def done_file(self, job: Job) -> Path:
        return job.folder / self.options.done_file

    def _due(self) -> float:
        shown = time.monotonic() + self.display.seconds
        return min(self._beat_at if self.running else NEVER, self._ask_at, self._kill_at, shown)

    def _show(self) -> None:
        if self.display.seconds == NEVER:
            return
        rows = [running.row() for running in self.running]
        ended = Counter(ending.what for ending in self.endings)
        counts = Counts(
            total=len(self.endings) + len(self.queue) + len(self.running) + len(self.elsewhere),
            queued=len(self.queue),
            running=len(self.running),
            elsewhere=len(self.elsewhere),
            done=ended["done"],
            skipped=ended["skipped"],
            failed=ended["failed"],
            left=self._seconds_left(),
        )
        self.display.refresh(counts, rows)

    def _seconds_left(self) -> float | None:
        """Until all jobs have ended, those of other launchers in slots of their own; None while it cannot be told."""
        now = time.time()
        here = [running.at_work(now) for running in self.running]
        others = [AtWork(job.cost, 0.0, read_progress(job.folder / FOLDER / FILE)) for job in self.elsewhere]
        slots = len(self.running) + len(self.free) + len(others)
        return seconds_left([job.cost for job in self.queue], [*here, *others], slots, self.took, now)

    # Starting

    def _fill_slots(self) -> None:
        while self.queue and (self.free or self.done_file(self.queue[0]).exists()):
            self._begin(self.queue.popleft())

    def _begin(self, job: Job) -> None:
        """Start ``job`` in a free slot, unless it is done, or another launcher has it."""
        if self.done_file(job).exists():
            with contextlib.suppress(OSError):  # of a launcher that was killed just after the job's end
                if (job.folder / FOLDER).exists() and not self._others.hold(job.folder, latest(job.folder)):
                    shutil.rmtree(job.folder / FOLDER, ignore_errors=True)
            reason = self._hooks.outdated(job.folder)
            self._end(job, "failed" if reason else "skipped", reason or "")
            return
        try:
            found = latest(job.folder)
            if self._is_elsewhere(job, found):
                return
            if job.size is not None and found.record is not None and found.record.size is not None:
                job.size = min(job.size, found.record.size)
            claim = make_claim(job.folder, found, list(job.overrides), evict, job.size)
            if claim is None:
                self._wait_for(job)
            elif self.done_file(job).exists():  # finished elsewhere between the look and the claim
                claim.done()
                self._end(job, "skipped")
            else:
                self._start(job, claim)
        except OSError as error:
            self._end(job, "failed", refusal(error, job.folder))

    def _is_elsewhere(self, job: Job, found: Found) -> bool:
        """Whether another launcher sees to this job, or has seen it fail since we began."""
        if self._others.hold(job.folder, found):
            if news := self._others.news(job.folder, found):
                self.display.event("waiting", job.name, news)
            self._wait_for(job)
        elif failure := self._others.failure(found):
            self._end(job, "failed", failure, (job.folder / self.options.log_file, 0))
        else:
            return False
        return True

    def _wait_for(self, job: Job) -> None:
        self.elsewhere.append(job)
        if self._ask_at == NEVER:
            self._ask_at = time.monotonic() + self._ask_every

    def _start(self, job: Job, claim: Claim) -> None:
        slot = self.free.pop()
        environment = os.environ | slot.environment | {VARIABLE: str(job.folder / FOLDER / FILE)}
        try:
            log, another = job.folder / self.options.log_file, len(self.queue) > len(self.free)
            process = self._preloading.start(slot.name, self.command(job), environment, log, another=another)
        except OSError as error:
            self.free.append(slot)
            with contextlib.suppress(OSError):
                claim.let_go("failed", reason=refusal(error, job.folder))
            raise
        self.running.append(Running(job, slot, claim, process))
        self.running[-1].name_process()
        smaller = job.smaller(self.options.out_of_memory_halves)
        self.display.event("started", job.name, f"on {slot.name}" + (f", {smaller}" if smaller else ""))

    def _look_elsewhere(self) -> None:
        if time.monotonic() < self._ask_at:
            return
        waiting, self.elsewhere, self._ask_at = self.elsewhere, [], NEVER
        before = len(waiting)
        for job in waiting:
            if self.stopping:
                return
            if not self.free and not self.done_file(job).exists():
                self._wait_for(job)
            else:
                self._begin(job)
        changed = len(self.elsewhere) < before
        self._ask_every = ASK_AGAIN[0] if changed else min(ASK_AGAIN[1], 1.5 * self._ask_every)

    # Ending

    def _reap(self) -> None:
        for running in list(self.running):
            code = running.process.poll()
            running.name_process()
            if code is not None:
                self.running.remove(running)
                self.free.append(running.slot)
                with contextlib.suppress(OSError):  # the folder is gone, or its file system
                    self._judge(running, code)

    def _judge(self, running: Running, code: int) -> None:
        job, claim = running.job, running.claim
        log = (job.folder / self.options.log_file, running.process.log_start)
        if self.done_file(job).exists():
            claim.done()
            took = time.time() - running.since
            self.took.append((job.cost, running.at_work(time.time()).whole(time.time()) or took))
            self._end(job, "done", f"in {duration(took)}")
        elif running.process.lost and not self.stopping:
            self.display.event("lost", job.name, "the process that it was forked from was killed: it is started afresh")
            self.queue.appendleft(job)
            claim.let_go("stopped")
        elif running.lost:
            self.display.event("lost", job.name, "its directory was taken over or removed")
            self.queue.append(job)
        elif self.stopping:
            self._end(job, "stopped", "", log)
            claim.let_go("stopped")
        elif code == self.options.out_of_memory_exit_code and job.size is not None and job.size % 2 == 0:
            claim.record.size = job.size = job.size // 2
            self.queue.appendleft(job)
            self.display.event(
                "retried", job.name, f"out of memory: tried again with {job.smaller(self.options.out_of_memory_halves)}"
            )
            claim.let_go("out of memory")
        else:
            short = code == self.options.out_of_memory_exit_code
            reason = (
                out_of_memory(job.smaller(self.options.out_of_memory_halves))
                if short
                else meaning(code, self.options.done_file)
            )
            self._end(job, "failed", reason, log)
            claim.let_go("failed", reason=reason)

    def _end(self, job: Job, what: str, reason: str = "", log: tuple[Path, int] | None = None) -> None:
        self.endings.append(Ending(job, what, reason, log))  # type: ignore[arg-type]
        if what != "skipped":
            self.display.event(what, job.name, reason, self._hooks.scores(job.folder) if what == "done" else ())
        if what == "failed" and self.options.fail_fast and not self.stopping:
            self.display.say("A job has failed and fail_fast is set: the others are asked to save and stop.")
            self._stop()

    # Stopping and staying

    def _heed_signals(self) -> None:
        if self.signals.stops and not self.stopping:
            self.display.say("Stopping: the running jobs are asked to save. Once more, and they are killed.", "yellow")
            self._stop()
        if len(self.signals.stops) > 1 or time.monotonic() >= self._kill_at:
            for running in self.running:
                running.process.kill()

    def _stop(self) -> None:
        self.stopping = True
        self._kill_at = time.monotonic() + self.options.stop_grace
        self.queue.clear()
        self.elsewhere.clear()
        for running in self.running:
            running.process.ask_to_stop()

    def _beat(self) -> None:
        """Show the other launchers that we live, and let go of what one of them took over."""
        if time.monotonic() < self._beat_at:
            return
        self._beat_at = time.monotonic() + self._beat_every
        for running in self.running:
            try:
                running.lost = not running.claim.beat()
            except OSError:
                continue  # the file system is away for a moment; if for longer, the claim grows stale by itself
            if running.lost:
                running.process.kill()
