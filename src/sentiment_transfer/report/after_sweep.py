"""The lines that a sweep shows below its finished runs, at its end and in ``make status``."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from sentiment_transfer.results.brief import LEGEND

REPORT = Path("report", "report.html")  # where report.py writes the page, below the first folder that it is given


def closing(sweep: Path, runs: Sequence[Path]) -> list[str]:
    """The lines below the finished ``runs`` of ``sweep``. A search by Optuna calls it after each of its batches."""
    folder = os.path.relpath(sweep)
    return [LEGEND, f"Compare them: python report.py {shlex.quote(folder)}  (writes {Path(folder) / REPORT})"]
