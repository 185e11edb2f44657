"""The comparison table on the terminal, or as Markdown for a README."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sentiment_transfer.errors import UserError
from sentiment_transfer.report.collect import collect
from sentiment_transfer.report.comparison import LEADING, Comparison, Section, compare_runs
from sentiment_transfer.results.table import SELECTIONS

DEFAULT_FOLDERS = ("outputs", "multirun")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``report.py``; returns the exit code."""
    options = parser().parse_args(arguments)
    paths = options.paths or [Path(name) for name in DEFAULT_FOLDERS if Path(name).is_dir()]
    try:
        comparison = compare_runs(collect(paths), options.selection)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.markdown:
        print(as_markdown(comparison))
    else:
        draw(comparison, Console())
    return 0


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="report.py", description="Put finished runs side by side, in percent.")
    options.add_argument(
        "paths", nargs="*", type=Path, help="folders with runs, at any depth (default: outputs and multirun)"
    )
    options.add_argument(
        "--selection",
        choices=SELECTIONS,
        default="last",
        help="which checkpoint's scores: the last one (default), the best on the source's development set, or the "
        "best on the target's own (oracle: not a zero-shot number)",
    )
    options.add_argument("--markdown", action="store_true", help="print GitHub tables")
    return options


def draw(comparison: Comparison, console: Console) -> None:
    """Print the tables, each cut in pieces where the terminal is too narrow for all evaluation sets."""
    for section in comparison.sections:
        for label in section.labels:
            console.print(Text(f" {label} ", style="bold reverse"))
        for columns in pieces(section, console.width):
            console.print(piece(section, columns, console.width))
            console.print()
    for note in comparison.notes:
        console.print(Text(note, style="dim"))


def pieces(section: Section, width: int) -> Iterator[list[int]]:
    """The columns of each piece: the leading ones again, then as many evaluation sets as fit (at least one)."""
    leading = list(range(len(LEADING)))
    columns = list(leading)
    for index in range(len(LEADING), len(LEADING) + len(section.headings)):
        if len(columns) > len(leading) and total([least(section, i) for i in [*columns, index]]) > width:
            yield columns
            columns = list(leading)
        columns.append(index)
    yield columns


def piece(section: Section, columns: list[int], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for index, column_width in zip(columns, widths(section, columns, width), strict=True):
        heading = Text(texts(section, index)[0])
        table.add_column(heading, justify="left" if index < len(LEADING) else "right", width=column_width)
    for row in section.rows[:-1]:
        table.add_row(*(Text(row[index]) for index in columns))
    table.add_section()
    table.add_row(*(Text(section.rows[-1][index]) for index in columns), style="dim")
    return table


def texts(section: Section, index: int) -> list[str]:
    """Heading and cells of a column."""
    return [[*LEADING, *section.headings][index], *(row[index] for row in section.rows)]


def least(section: Section, index: int) -> int:
    """The width below which a word would be broken, or a mean parted from its deviation."""
    heading, *cells = texts(section, index)
    unbroken = " ".join([heading, *cells]).split() if index < len(LEADING) else [*heading.split(), *cells]
    return max(map(len, unbroken))


def widths(section: Section, columns: list[int], width: int) -> list[int]:
    """Each column its least width, and what the terminal has left to the first ones that could use it."""
    chosen = [least(section, index) for index in columns]
    for place, index in enumerate(columns):
        wanted = max(len(line) for text in texts(section, index) for line in text.split("\n"))
        chosen[place] += max(0, min(wanted - chosen[place], width - total(chosen)))
    return chosen


def total(column_widths: list[int]) -> int:
    return sum(column_widths) + 2 * (len(column_widths) - 1)  # two blanks between columns


def as_markdown(comparison: Comparison) -> str:
    """The same as GitHub tables, with the labels above and the notes below."""
    lines = []
    for section in comparison.sections:
        lines += [f"**{label}**" for label in section.labels] + [""]
        rule = ["---"] * len(LEADING) + ["---:"] * len(section.headings)
        lines += [markdown_row(row) for row in ([*LEADING, *section.headings], rule, *section.rows)] + [""]
    lines += [f"* {note}" for note in comparison.notes]
    return "\n".join(lines).strip()


def markdown_row(cells: list[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|").replace("\n", "<br>") for text in cells) + " |"
