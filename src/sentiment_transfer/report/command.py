"""The command ``python report.py``: the table on the terminal, and the whole report into a folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from sentiment_transfer.commands import program_name
from sentiment_transfer.errors import UserError
from sentiment_transfer.formatting import SELECTIONS, file_size
from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import Collection, collect
from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.rendering.terminal import as_markdown, draw

DEFAULT_FOLDERS = ("outputs", "multirun")
REPORT = "report"


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``report.py``; returns the exit code."""
    options = parser().parse_args(arguments)
    paths = options.paths or [Path(name) for name in DEFAULT_FOLDERS if Path(name).is_dir()]
    try:
        found = collect(paths)
        result = answer(found, options.selection)
        if options.markdown:
            print(as_markdown(result))
            return 0
        draw(result, Console())
        if not options.terminal:
            write_report(result, found, paths, options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog=program_name("report"),
        description="Put finished runs side by side, in percent: a table here, and a page with intervals, tests, "
        "figures (SVG, PDF) and tables (Markdown, CSV, LaTeX) in a folder.",
    )
    options.add_argument(
        "paths", nargs="*", type=Path, help="folders with runs, at any depth (default: outputs and multirun)"
    )
    options.add_argument("--out", type=Path, help="where to write (default: report/ in the first of these folders)")
    options.add_argument(
        "--selection",
        choices=tuple(SELECTIONS),
        default="last",
        help="the weights whose scores are reported (default: last). "
        + "; ".join(f"{name}: {text}" for name, text in SELECTIONS.items()),
    )
    options.add_argument(
        "--no-texts", dest="texts", action="store_false", help="leave the reviews' texts out, to pass the report on"
    )
    options.add_argument(
        "--dashboard",
        type=wandb_place,
        nargs="?",
        const=(),
        metavar="ENTITY/PROJECT",
        help="also save a workspace and a report on Weights & Biases (default: the project that the runs name)",
    )
    only = options.add_mutually_exclusive_group()
    only.add_argument("--terminal", action="store_true", help="print the table and write nothing")
    only.add_argument("--markdown", action="store_true", help="print the table as GitHub tables and write nothing")
    return options


def default_folder(paths: Sequence[Path]) -> Path:
    first = paths[0]
    return (first if first.is_dir() else first.parent) / REPORT


def write_report(result: Answer, found: Collection, paths: Sequence[Path], options: argparse.Namespace) -> None:
    """Write the report and say where. matplotlib is imported here: the table alone does not wait for it."""
    from sentiment_transfer.report.rendering.contents import drawing, gather
    from sentiment_transfer.report.rendering.exports import write_files

    folder = options.out or default_folder(paths)
    with drawing():
        contents = gather(result, found, paths, options.texts, datetime.now(UTC))
        page = write_files(contents, folder)
    print(f"Report: {page} ({file_size(page.stat().st_size)}, opens in any browser, offline)")
    print(f"        {folder}: summary.md, {len(contents.plots)} figures as SVG and PDF, tables as CSV and LaTeX")
    if options.dashboard is not None:
        from sentiment_transfer.report.rendering.dashboard import save_dashboard

        for line in save_dashboard(contents, options.dashboard or None, folder):
            print(line)


def wandb_place(text: str) -> tuple[str, str]:
    entity, slash, project = text.partition("/")
    if not (entity and slash and project):
        raise argparse.ArgumentTypeError(f"{text!r} is not ENTITY/PROJECT")
    return entity, project
