"""The command ``python average.py``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from sentiment_transfer.errors import UserError
from sentiment_transfer.results.record import is_finished, read_result
from sentiment_transfer.results.table import run_table
from sentiment_transfer.runs.averaged_runs import SELECTIONS, chosen_runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``average.py``; returns the exit code. torch is imported where there is something to compute."""
    options = parser().parse_args(arguments)
    try:
        chosen = chosen_runs(options.runs, options.selection)
        folder = options.out or options.runs[0].parent / chosen.run_id
        if is_finished(folder):
            print(f"Finished before, in {folder}")
        else:
            from sentiment_transfer.runs.average import score_mean

            score_mean(chosen, folder)
        Console().print(run_table(read_result(folder)))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog="average.py",
        description="Average the weights of finished runs that differ by their seed alone and share the initialisation "
        "of the head (model.init_seed), and score the mean on the same sets, as a run of its own.",
    )
    options.add_argument("runs", nargs="+", type=Path, help="directories of finished runs, two or more")
    options.add_argument(
        "--selection",
        choices=SELECTIONS,
        default="last",
        help="which weights of each run: the last epoch's (default), those best on the source's development set, or "
        "the mean of its epochs",
    )
    options.add_argument("--out", type=Path, help="the new directory (default: beside the first run)")
    return options
