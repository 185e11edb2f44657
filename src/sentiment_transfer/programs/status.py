"""``status``: the jobs of sweeps, from their directories alone."""

from __future__ import annotations

import argparse
import sys

from hydra_plugins.slots_launcher._hooks import Hooks
from hydra_plugins.slots_launcher._status import show
from sentiment_transfer.commands import NAME
from sentiment_transfer.files.arguments import refuse_unreadable_names
from sentiment_transfer.files.output import outlast_output

HOOKS = {  # as in conf/hydra/launcher/local.yaml
    "scores": "sentiment_transfer.results.brief:brief_scores",
    "closing": "sentiment_transfer.report.after_sweep:closing",
}


def run() -> None:
    outlast_output()
    refuse_unreadable_names()
    sys.exit(main())


def main(arguments: list[str] | None = None) -> int:
    """Show the sweeps that ``arguments`` name; returns the exit code."""
    options = parser().parse_args(arguments)
    return show(options.sweeps, Hooks(**HOOKS))


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog=f"{NAME} status",
        description="Show the jobs of sweeps: the scores of those that are finished, how far those are that run, why "
        "others failed or stopped, how many wait, and about how long the rest takes. It reads the sweeps' directories "
        "and changes nothing, so it can be called while they run, on every machine that sees the directories.",
    )
    options.add_argument("sweeps", nargs="*", default=["multirun"], help="directories of sweeps (default: multirun)")
    return options
