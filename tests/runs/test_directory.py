"""The lock of a run's directory, between processes that do not see each other."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.launcher.sweeps import own_processes

from sentiment_transfer.errors import UserError
from sentiment_transfer.runs.directory import exclusive_lock, run_directory

HOLD = """
import sys
from pathlib import Path
from sentiment_transfer.runs.directory import exclusive_lock
with exclusive_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_run_is_locked_between_containers_and_a_wait_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    command = [*own_processes(), sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(UserError, match="Another process is computing the same run"), exclusive_lock(tmp_path):
            pass
        threading.Timer(0.2, holder.stdin.close).start()
        with exclusive_lock(tmp_path, wait=True):
            assert "Waiting for another process" in caplog.text


@pytest.mark.parametrize(
    "message",
    [
        "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader's workers are out of "
        "shared memory.",
        "Caught RuntimeError in DataLoader worker process 0.\nunable to allocate shared memory(shm) for file </torch>",
    ],
)
def test_too_little_shared_memory_is_a_sentence(tmp_path: Path, message: str) -> None:
    with (
        pytest.raises(UserError, match=r"Type data\.num_workers=0, or give"),
        run_directory(tmp_path),
    ):
        raise RuntimeError(message)
