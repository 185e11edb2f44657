"""``python train.py ...`` in processes that start at once: one server imports torch, and forks for every command.

The processes are as real as others: they have signals, exit codes and a working directory of their own. What reads
its environment while it is imported (the hub's address, say) needs ``runs.started`` instead.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.helpers.runs import ROOT

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["sentiment_transfer.runs.train", "transformers.models.xlm_roberta.modeling_xlm_roberta", "wandb"]
)


class Command:
    """``python train.py arguments...`` in ``cwd``, going on until it ends or is sent a signal."""

    def __init__(self, cwd: Path, *arguments: str) -> None:
        self.cwd = cwd
        self._output = cwd / f"output-{len(list(cwd.glob('output-*')))}.txt"
        self._process = SERVER.Process(target=main, args=(cwd, arguments, self._output, dict(os.environ)), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def output(self) -> str:
        return self._output.read_text() if self._output.exists() else ""

    def wait(self, timeout: float = 240) -> int:
        """The exit code; that of a process which a signal ended is the signal's number below 0."""
        self._process.join(timeout)
        assert self._process.exitcode is not None, f"still running after {timeout} s:\n{self.output}"
        return self._process.exitcode

    def until(self, moment: Callable[[], object], timeout: float = 240) -> Command:
        """Come back as soon as ``moment()`` is true."""
        deadline = time.monotonic() + timeout
        while not moment():
            assert self._process.is_alive(), f"it ended before the moment came:\n{self.output}"
            assert time.monotonic() < deadline, f"the moment did not come:\n{self.output}"
            time.sleep(0.002)
        return self

    def stop(self, signum: int) -> int:
        """Send a signal and return the exit code."""
        os.kill(self.pid, signum)
        return self.wait()


def main(cwd: Path, arguments: tuple[str, ...], output: Path, environment: dict[str, str]) -> None:
    multiprocessing.current_process().daemon = False  # it may have processes of its own, as any command may
    os.environ.clear()  # the server has what stood there when it began
    os.environ.update(environment)
    os.chdir(cwd)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(descriptor, stream.fileno())
    os.close(0)  # who asks a question gets no answer
    sys.argv = [str(ROOT / "train.py"), *arguments]
    runpy.run_path(sys.argv[0], run_name="__main__")
