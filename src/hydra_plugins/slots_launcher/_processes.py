"""A job's process: started in a group of its own, stopped with all it started, and never left behind.

Three things see to the last, from the quickest to the slowest: on Linux the kernel kills a job whose launcher dies
(PR_SET_PDEATHSIG); a warden, one small process per sweep, kills the groups of all jobs when the launcher is gone,
whatever they have started themselves; and a launcher that takes over an abandoned claim ends what its job left running.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from hydra_plugins.slots_launcher._owner import start_time

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with(parent: int) -> Callable[[], None] | None:
    """A ``preexec_fn`` for a job's process: the kernel kills it when ``parent`` dies. None outside Linux."""
    if LIBC is None:
        return None
    prctl, sigkill = LIBC.prctl, int(signal.SIGKILL)

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, sigkill)
        if os.getppid() != parent:  # it died before the question was put
            os._exit(1)

    return ask


class Process:
    """One running job. ``log`` is appended to: a job that is continued has one log.

    ``lost``: it was killed with another process that it depended on, and can be started again. ``pid`` is that of its
    group as well, ``started`` its ``start_time``.
    """

    lost = False
    pid: int
    started: str

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path, warden: Warden) -> None:
        self.log_start = write_command(command, log)
        with log.open("ab") as file:
            self._popen = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the launcher alone, which hands it on; one group to kill
                preexec_fn=die_with(os.getpid()),  # safe: the launcher has one thread
            )
        self.pid = self._popen.pid
        self.started = start_time(self.pid)
        self._warden = warden
        warden.watch(self.pid)

    def poll(self) -> int | None:
        """The exit code once it has ended (a signal's number below 0); what it had started is killed first."""
        if self._popen.returncode is None:
            # Looked at without taking its exit status: until that is taken, its id is nobody else's.
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return None
            kill_group(self.pid)
            self._popen.wait()
            self._warden.forget(self.pid)
        return self._popen.returncode

    def ask_to_stop(self) -> None:
        """SIGTERM to the job itself: what it has started, it ends."""
        if self.poll() is None:
            self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self.poll() is None:
            kill_group(self.pid)


def write_command(command: list[str], log: Path) -> int:
    """Begin a job's part of its log; returns where that begins, after the command."""
    with log.open("ab") as file:
        file.write(f"$ {' '.join(command)}\n".encode(errors="backslashreplace"))
        return file.tell()


def kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses a group of zombies
        os.killpg(group, signal.SIGKILL)


def evict(group: int) -> None:
    """Kill a group that is not ours to wait for, and come back when its leader is gone."""
    kill_group(group)
    deadline = time.monotonic() + 30
    while start_time(group) and time.monotonic() < deadline:
        time.sleep(0.01)


class Warden:
    """A process that outlives the launcher by a moment: it reads what to watch from a pipe that only we write to.

    When the pipe ends, the launcher is gone, and every group that is still watched is killed.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", WARDEN],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._pipe: IO[bytes] = self._process.stdin

    def watch(self, group: int) -> None:
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        self._tell(f"-{group}\n")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._pipe.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError):  # somebody killed it: the kernel's own signal remains
            self._pipe.write(line.encode())
            self._pipe.flush()


WARDEN = """
import os, signal, sys
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""
