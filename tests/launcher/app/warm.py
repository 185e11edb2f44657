"""What the little program's jobs share: a process of each slot calls ``preload`` once."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def preload(arguments: Sequence[str]) -> None:
    if "preload_fails=1" in os.environ.get("MARK", ""):
        sys.exit("it cannot be imported")
    with Path("preloaded.txt").open("a") as file:
        file.write(f"{os.getpid()} {os.environ['OMP_NUM_THREADS']} {arguments[0]}\n")
    if "slow" in os.environ.get("MARK", ""):
        time.sleep(2)
