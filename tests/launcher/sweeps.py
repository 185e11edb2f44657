"""Sweeps of the little program in ``app``, as processes, in a folder of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.runs import ROOT

APP = Path(__file__).parent / "app" / "work.py"


class Sweep:
    """``python work.py -m arguments...`` in ``cwd``; its output is a file.

    ``inside``: a command that it is handed to as arguments.
    """

    def __init__(self, cwd: Path, *arguments: str, inside: Sequence[str] = (), **environment: str) -> None:
        self.cwd = cwd
        cwd.mkdir(parents=True, exist_ok=True)
        self._output = cwd / f"output-{len(list(cwd.glob('output-*')))}.txt"
        inherited = {k: v for k, v in os.environ.items() if k not in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")}
        with self._output.open("w") as file:
            self.process = subprocess.Popen(
                [*inside, sys.executable, str(APP), "-m", *arguments],
                cwd=cwd,
                env=inherited
                | {"PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": "", "QUICK": "1"}
                | environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait(self, timeout: float = 120) -> int:
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"still running after {timeout} s:\n{self.output}") from None

    def until(self, moment: Callable[[], object], timeout: float = 60) -> Sweep:
        deadline = time.monotonic() + timeout
        while not moment():
            assert self.process.poll() is None, f"it ended before the moment came:\n{self.output}"
            assert time.monotonic() < deadline, f"the moment did not come:\n{self.output}"
            time.sleep(0.01)
        return self

    def stop(self, signum: int) -> int:
        self.process.send_signal(signum)
        return self.wait()


def swept(cwd: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and output of a whole sweep."""
    sweep = Sweep(cwd, *arguments, **environment)
    return sweep.wait(), sweep.output


def results(cwd: Path) -> dict[str, dict[str, Any]]:
    """Job directory -> its result, environment left out."""
    found = {}
    for path in sorted((cwd / "multirun").glob("*/result.json")):
        found[path.parent.name] = json.loads(path.read_text())
        found[path.parent.name].pop("environment")
    return found


def environment_of(cwd: Path) -> list[dict[str, str | None]]:
    return [json.loads(path.read_text())["environment"] for path in (cwd / "multirun").glob("*/result.json")]


def noted(cwd: Path, what: str) -> list[str]:
    """The job directories that began (``starts``) or came to their end (``ends``), in the order they did."""
    path = cwd / "multirun" / f"{what}.txt"
    return path.read_text().split() if path.exists() else []


def children(pid: int) -> list[int]:
    """Process ids of the jobs (and the warden) that a launcher has started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return list(map(int, path.read_text().split())) if path.exists() else []


def job_processes(cwd: Path) -> list[int]:
    """Every process on this machine that is at a job in ``cwd``: by its command line, or, where it was forked from one
    that serves many jobs, by the log that it writes to."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode(errors="replace")
            alive = (path / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
            forked = "_preloaded.py" in words and os.readlink(path / "fd" / "1").startswith(f"{cwd}/")
        except OSError:
            continue
        if alive and (forked or f"hydra.run.dir='{cwd}/" in words):
            found.append(int(path.name))
    return found


def gone(cwd: Path, seconds: float = 10) -> bool:
    """Whether no process is at a job in ``cwd`` any more, within ``seconds``."""
    deadline = time.monotonic() + seconds
    while job_processes(cwd) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not job_processes(cwd)


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def own_processes() -> tuple[str, ...]:
    """The command that starts another with a PID namespace of its own, as a container does; skips where none can."""
    command = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("a PID namespace cannot be made here: it needs unshare of util-linux, and root")
    return command
