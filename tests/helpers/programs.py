"""A program of a test in a process of its own: huggingface_hub reads the environment once, when it is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from tests.helpers.runs import ROOT


def said_by(program: str, *arguments: Path, timeout: float = 180) -> dict[str, Any]:
    """The JSON object in the last line that ``program`` prints, given the checkout and ``arguments``."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(ROOT), *map(str, arguments)],
        env=os.environ | {"HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers
