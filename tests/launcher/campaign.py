"""The fault campaign: a sweep is disturbed repeatedly until the same command has finished everything.

Faults: jobs and launchers are killed with -9 or asked to stop, the disk fills up, the directory of an unfinished job is
removed with its log and its claims, a second launcher competes, and W&B is unreachable.
Invariant: an existing result is complete and never changes again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.launcher.sweeps import gone, job_processes, kill

# As in another container on the same host: pids are others', and the namespace dies with its first process.
NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
UNREACHABLE = {"WANDB_API_KEY": "0" * 40, "WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_MODE": "online"}


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[bool]:
    """Mount a separate small file system at ``folder``; yields False if this user may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def can_unshare() -> bool:
    """Whether this user may make PID namespaces."""
    try:
        return subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0
    except OSError:
        return False


@dataclass
class Campaign:
    """``command`` in ``cwd`` writes its jobs to ``cwd/multirun``; ``pace`` is the mean of seconds between faults."""

    command: list[str]
    cwd: Path
    jobs: int
    pace: float
    seed: int
    disk: bool = False  # whether multirun is a small file system that may be filled
    tracking: tuple[str, ...] = ()  # arguments that turn W&B on, where the program has it
    namespaces: bool = False  # whether a second launcher may be one that does not see the first one's processes
    environment: dict[str, str] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    launchers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    finished: dict[Path, bytes] = field(default_factory=dict)  # result -> its bytes when first seen
    broken: list[str] = field(default_factory=list)  # violations of the invariant

    def run(self, wanted: int, seconds: float) -> None:
        """Inject at least ``wanted`` faults, unless all jobs finish first; then run the same command undisturbed."""
        chance = random.Random(self.seed)
        deadline = time.monotonic() + seconds
        try:
            while self.faults.total() < wanted and not self.all_done() and time.monotonic() < deadline:
                if not self.alive():
                    self.launch(chance)
                until = time.monotonic() + chance.expovariate(1 / self.pace)
                while time.monotonic() < until:
                    self.watch()
                    time.sleep(0.05)
                self.disturb(chance)
            for launcher in self.launchers:
                launcher.wait(timeout=600)
        finally:
            for launcher in self.launchers:
                launcher.kill()
                launcher.wait()
        if not gone(self.cwd):
            self.broken.append(f"jobs outlived their launchers: {job_processes(self.cwd)}")
        self.last_code = self.start().wait()  # the same command, undisturbed
        self.watch()

    def start(self, *more: str, inside: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[bytes]:
        """Start the command with ``more`` arguments; ``inside``: a command that it is handed to as arguments."""
        with (self.cwd / "output.txt").open("ab") as file:
            launcher = subprocess.Popen(
                [*inside, *self.command, *more],
                cwd=self.cwd,
                env=os.environ | self.environment | environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.launchers.append(launcher)
        return launcher

    def launch(self, chance: random.Random) -> None:
        if self.tracking and chance.random() < 0.2:
            self.start(*self.tracking, **UNREACHABLE)
            self.faults["W&B unreachable"] += 1
        else:
            self.start()

    def alive(self) -> list[subprocess.Popen[bytes]]:
        return [launcher for launcher in self.launchers if launcher.poll() is None]

    def results(self) -> list[Path]:
        return sorted((self.cwd / "multirun").glob("*/result.json"))

    def all_done(self) -> bool:
        return len(self.results()) == self.jobs

    def watch(self) -> None:
        for path in self.results():
            content = path.read_bytes()
            if path not in self.finished:
                try:
                    json.loads(content)
                except ValueError:
                    self.broken.append(f"{path} was half a result")
                self.finished[path] = content
            elif content != self.finished[path]:
                self.broken.append(f"{path} was done twice")
                self.finished[path] = content
        for path in set(self.finished) - set(self.results()):
            self.broken.append(f"{path} is gone")
            del self.finished[path]

    def disturb(self, chance: random.Random) -> None:
        faults = [self.kill_job] * 6 + [self.kill_launcher] * 3 + [self.stop_launcher, self.stop_job]
        faults += [self.remove_folder] * 2 + [self.compete] * 2 + ([self.fill_disk] if self.disk else [])
        chance.choice(faults)(chance)

    def kill_job(self, chance: random.Random) -> None:
        if processes := job_processes(self.cwd):
            kill(chance.choice(processes))
            self.faults["job killed"] += 1

    def stop_job(self, chance: random.Random) -> None:
        if processes := job_processes(self.cwd):
            try:
                os.kill(chance.choice(processes), signal.SIGTERM)
            except ProcessLookupError:
                return
            self.faults["job told to stop"] += 1

    def kill_launcher(self, chance: random.Random) -> None:
        if alive := self.alive():
            launcher = chance.choice(alive)
            launcher.kill()
            launcher.wait()
            self.faults["launcher killed"] += 1

    def stop_launcher(self, chance: random.Random) -> None:
        if alive := self.alive():
            chance.choice(alive).send_signal(chance.choice([signal.SIGINT, signal.SIGTERM]))
            self.faults["launcher told to stop"] += 1

    def compete(self, chance: random.Random) -> None:
        if len(self.alive()) < 3:
            elsewhere = self.namespaces and chance.random() < 0.5
            self.start(inside=NAMESPACE if elsewhere else ())
            self.faults["second launcher, other PID namespace" if elsewhere else "second launcher"] += 1

    def remove_folder(self, chance: random.Random) -> None:
        unfinished = [log.parent for log in (self.cwd / "multirun").glob("*/job.log")]
        unfinished = [folder for folder in unfinished if not (folder / "result.json").exists()]
        if unfinished:
            folder = chance.choice(unfinished)
            # Moved away first: a run that finishes this very moment must not lose a result to the fault itself.
            away = self.cwd / "multirun" / ".removed" / str(self.faults.total())
            away.parent.mkdir(exist_ok=True)
            try:
                folder.rename(away)
            except OSError:
                return
            if (away / "result.json").exists():
                away.rename(folder)
                return
            shutil.rmtree(away, ignore_errors=True)
            self.faults["directory removed"] += 1

    def fill_disk(self, chance: random.Random) -> None:
        ballast = self.cwd / "multirun" / ".ballast"
        try:
            with ballast.open("wb") as file:
                while True:
                    file.write(bytes(2**16))
                    file.flush()
        except OSError:
            self.faults["disk full"] += 1
        time.sleep(chance.uniform(0.2, 2.0))
        ballast.unlink(missing_ok=True)
