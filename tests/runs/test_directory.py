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
from sentiment_transfer.runs.directory import exclusive_lock

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
