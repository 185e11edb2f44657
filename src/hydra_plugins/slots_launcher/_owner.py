"""Which process owns a claim, and whether that process can be seen from here.

A process id means something only within one PID namespace of one start of a machine: two containers may share a host
name, a directory and even process ids, and neither sees the other's processes. Host names are shown, never compared.
"""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HOST = socket.gethostname()


@functools.cache
def boot_id() -> str:
    """Tells this start of this machine from every other; empty where the system does not say."""
    if sys.platform != "linux":
        return f"{sys.platform} {HOST}"  # without PID namespaces; a process's start time tells one start from the next
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@functools.cache
def pid_namespace() -> str:
    """The PID namespace of this process; empty where ``/proc`` is hidden or shows the processes of another one."""
    if sys.platform != "linux":
        return "none"
    try:
        shown = os.readlink("/proc/self") == str(os.getpid())
        return os.readlink("/proc/self/ns/pid") if shown else ""
    except OSError:
        return ""


def start_time(pid: int) -> str:
    """When a process began, in the system's own words; empty where there is none (a zombie counts as none)."""
    if sys.platform == "linux":
        try:
            # The name, in parentheses, may hold anything: the fields are counted from the last parenthesis on.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return listed.stdout.strip()


def hidden(pid: int) -> bool:
    """Whether there is such a process, of another user, that ``/proc`` does not show (mounted with ``hidepid``)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return sys.platform == "linux" and not Path(f"/proc/{pid}").exists()
    except OSError:
        pass
    return False


@dataclass(frozen=True)
class Owner:
    """A process that makes claims."""

    boot: str
    namespace: str
    pid: int
    started: str  # a later process may have the same id

    @property
    def visible(self) -> bool:
        """Whether the process, if it lives, can be seen from here: this start of this machine, this namespace."""
        here = (boot_id(), pid_namespace())
        return all(here) and here == (self.boot, self.namespace)

    def alive(self) -> bool | None:
        """Whether the process lives; None where that cannot be known from here."""
        if not self.visible:
            return None
        started = start_time(self.pid)
        return None if not started and hidden(self.pid) else started == self.started


def this_process() -> Owner:
    pid = os.getpid()
    return Owner(boot_id(), pid_namespace(), pid, start_time(pid) if pid_namespace() else "")
