"""Jobs forked from a slot's preloaded process, for the launcher's side of ``_preloaded.py``."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra_plugins.slots_launcher._owner import start_time
from hydra_plugins.slots_launcher._processes import Process, Warden, die_with, kill_group, write_command

SERVER = Path(__file__).with_name("_preloaded.py")


class Preloaded:
    """A process that has called ``preload`` (module:function) with the first job's arguments, and forks for every job.

    Its ``environment`` is the slot's. ``gone`` once it has ended, for whatever reason: jobs are then started afresh.
    """

    def __init__(self, preload: str, arguments: list[str], environment: Mapping[str, str], warden: Warden) -> None:
        reader, writer = os.pipe()
        self._popen = subprocess.Popen(
            [sys.executable, str(SERVER), str(writer)],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[writer],
            start_new_session=True,
            preexec_fn=die_with(os.getpid()),
        )
        os.close(writer)
        os.set_blocking(reader, False)
        self.pid, self.warden, self.gone = self._popen.pid, warden, False
        self._reader, self._unread = reader, b""
        warden.watch(self.pid)
        self.tell(launcher=os.getpid(), path=sys.path, preload=preload, arguments=arguments)

    def tell(self, **what: object) -> None:
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):  # it is gone, which `heard` finds
            self._popen.stdin.write((json.dumps(what) + "\n").encode())
            self._popen.stdin.flush()

    def heard(self) -> list[dict[str, Any]]:
        """Its messages since the last call."""
        with contextlib.suppress(BlockingIOError):
            while not self.gone:
                read = os.read(self._reader, 65536)
                self._unread += read
                self.gone = not read
        *lines, self._unread = self._unread.split(b"\n")
        return [json.loads(line) for line in lines]

    def end(self) -> None:
        kill_group(self.pid)
        self._popen.wait()
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):
            self._popen.stdin.close()
        os.close(self._reader)
        self.gone = True
        self.warden.forget(self.pid)


class Forked(Process):
    """A running job that ``server`` has forked, or will when it has imported what it needs.

    ``lost`` where the server ended before the job did: nothing is known of the job then but that it was killed.
    """

    pid = 0  # until the server has said it
    started = ""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path, server: Preloaded) -> None:
        self.log_start = write_command(command, log)
        self._server = server
        self._code: int | None = None
        server.tell(command=command, environment=dict(environment), log=str(log.absolute()))

    def poll(self) -> int | None:
        if self._code is None:
            for heard in self._server.heard():
                if "pid" in heard:
                    self.pid = heard["pid"]
                    self.started = start_time(self.pid)
                    self._server.warden.watch(self.pid)
                self._code = heard.get("code", self._code)
            if self._code is None and self._server.gone:
                self._code, self.lost = -signal.SIGKILL, True
                if self.pid:
                    kill_group(self.pid)  # the kernel has killed the job itself, not what it had started
            if self._code is not None and self.pid:
                self._server.warden.forget(self.pid)
        return self._code

    def ask_to_stop(self) -> None:
        if self.poll() is not None:
            return
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        else:  # it has not begun
            kill_group(self._server.pid)

    def kill(self) -> None:
        if self.poll() is None:
            kill_group(self.pid or self._server.pid)


class Preloading:
    """The preloaded process of every slot, each begun where the slot is expected to have a second job."""

    def __init__(self, preload: str | None, warden: Warden) -> None:
        self._preload = preload if sys.platform == "linux" else None
        self._warden = warden
        self._servers: dict[str, Preloaded] = {}

    def start(
        self, slot: str, command: list[str], environment: Mapping[str, str], log: Path, *, another: bool
    ) -> Process:
        """The job's process, forked where it can be. ``another``: more jobs wait than there are slots."""
        server = self._servers.get(slot)
        if server is None and self._preload and another and not environment.get("CUDA_VISIBLE_DEVICES"):
            server = self._servers[slot] = Preloaded(self._preload, command[1:], environment, self._warden)
        if server is None or server.gone:
            return Process(command, environment, log, self._warden)
        return Forked(command, environment, log, server)

    def end(self) -> None:
        for server in self._servers.values():
            server.end()
