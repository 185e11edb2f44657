"""The user's own modules: files beside train.py, or in the folder where the command is typed."""

from __future__ import annotations

import os
import sys


def importable() -> None:
    """Let modules in the working directory be imported, after all others. An installed command does not look there."""
    if (here := os.getcwd()) not in sys.path:
        sys.path.append(here)
