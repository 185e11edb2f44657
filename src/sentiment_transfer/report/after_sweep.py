"""The lines below the finished runs of a sweep, at its end and in its status."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sentiment_transfer.commands import command
from sentiment_transfer.errors import UserError
from sentiment_transfer.results.brief import LEGEND

AT_ONCE = 100  # runs that a verdict is computed of here, in a few seconds: of more, the report gives it
REPORT = Path("report", "report.html")  # where the report is written the page, below the first folder that it is given


def closing(sweep: Path, runs: Sequence[Path]) -> list[str]:
    """The lines below the finished ``runs`` of ``sweep``. A search by Optuna calls it after each of its batches."""
    folder = os.path.relpath(sweep)
    return [
        *verdict(runs),
        LEGEND,
        f"Compare them: {command('report', folder)}  (writes {Path(folder) / REPORT})",
    ]


def verdict(runs: Sequence[Path]) -> list[str]:
    """The report's first sentence on these runs; none of one run alone, of very many, or where there is none."""
    if not 1 < len(runs) <= AT_ONCE:
        return []
    # The statistics are imported where they are needed: a sweep starts without them.
    from sentiment_transfer.report.analysis.answer import answer
    from sentiment_transfer.report.analysis.collect import collect
    from sentiment_transfer.report.prose.findings import findings

    try:
        return findings(answer(collect(runs)))[:1]
    except UserError:
        return []
