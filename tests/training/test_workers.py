"""Worker processes for batches, on machines with and without shared memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from tests.helpers.runs import ROOT

from sentiment_transfer.training.workers import usable_workers

# /dev/shm in a mount namespace of its own: read-only, or as small as a page.
MOUNTS = {
    "read-only": "mount -t tmpfs -o ro tmpfs /dev/shm",
    "full": "mount -t tmpfs -o size=4k tmpfs /dev/shm",
}
ASK = """
import logging
logging.basicConfig(format="%(message)s")
from sentiment_transfer.training.workers import usable_workers
print(usable_workers(2))
"""


def test_workers_are_used_where_there_is_shared_memory() -> None:
    assert [usable_workers(count) for count in (0, 2)] == [0, 2]


@pytest.mark.parametrize("state", MOUNTS)
def test_without_shared_memory_the_run_loads_its_own_batches(state: str) -> None:
    unshare = ["unshare", "--mount", "bash", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("a mount namespace cannot be made here: it needs unshare of util-linux, and root")
    done = subprocess.run(
        [*unshare, f'{MOUNTS[state]} && exec "$@"', "bash", sys.executable, "-c", ASK],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "0\n", done.stderr
    assert "data.num_workers=2 is not used: worker processes need 16 MiB of shared memory" in done.stderr
    assert "Traceback" not in done.stderr
