"""The answer on the terminal, for who works over SSH: the verdict, the matrix and cautions; or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sentiment_transfer.escaping import markdown, markdown_row
from sentiment_transfer.formatting import DASH, counted, interval_cell, metric_title, percent
from sentiment_transfer.report.analysis.findings import Answer, Cell
from sentiment_transfer.report.prose.captions import CERTAIN, matrix_legend, missing_runs
from sentiment_transfer.report.prose.findings import findings
from sentiment_transfer.report.prose.sentences import sentences
from sentiment_transfer.report.rendering.tables.scores import seeds_text

LEADING = ("model", "source", "seeds")
SHOWN = ("question", "labels", "caution")  # kinds of sentences; the page has the others as well


@dataclass(frozen=True)
class Matrix:
    """Rows hold the cells of LEADING, then one per heading."""

    headings: list[str]
    rows: list[list[str]]


def draw(answer: Answer, console: Console) -> None:
    """Print the verdict, the matrix, cut in pieces where the terminal is too narrow, and the sentences of SHOWN."""
    for place, text in enumerate(findings(answer)):
        console.print(Text(text, style="bold" if place == 0 else ""))
    console.print()
    for caveat in answer.caveats:
        console.print(Text(f" {caveat.upper()} ", style="bold reverse"))
    of = matrix(answer)
    turned = by_dataset(matrix(answer, digits=1))
    if len(of.headings) > len(of.rows) and wide_enough(turned, console.width):
        console.print(turned)
        console.print()
    else:
        for columns in pieces(of, console.width):
            console.print(piece(of, columns, console.width))
            console.print()
    for line in matrix_legend(answer):
        console.print(Text(line, style="dim"))
    console.print()
    for sentence in sentences(answer):
        if sentence.kind in SHOWN:
            console.print(Text(sentence.text, style="yellow" if sentence.kind == "caution" else ""))
    for note in missing_runs(answer):
        console.print(Text(note, style="dim"))


def matrix(answer: Answer, digits: int = 2) -> Matrix:
    """Every cell as text; ``digits`` are those of the means."""
    cells = [cell for cell in answer.cells if cell.selection == answer.selection]
    columns = list(dict.fromkeys((cell.target, cell.metric, len(cell.classes)) for cell in cells))
    by_place = {(cell.entry, cell.target, cell.metric, len(cell.classes)): cell for cell in cells}
    certain = {(best.entry, best.target, best.metric) for best in answer.best if best.certain}
    rows = [
        [
            entry.name,
            entry.source,
            seeds_text(entry),
            *(text(by_place.get((entry.key, *column)), certain, digits) for column in columns),
        ]
        for entry in answer.entries
    ]
    floors = [{percent(cell.floor) for cell in cells if (cell.target, cell.metric) == column[:2]} for column in columns]
    rows.append(["floor", "", "", *(next(iter(floor)) if len(floor) == 1 else "varies" for floor in floors)])
    several = len({column[0] for column in columns}) < len(columns)
    return Matrix([heading(*column, several) for column in columns], rows)


def heading(target: str, metric: str, classes: int, several: bool) -> str:
    return f"{target}\n{metric_title(metric)}" + (f", {classes} classes" if classes > 2 or several else "")


def text(cell: Cell | None, certain: set[tuple[str, str, str]], digits: int) -> str:
    """``17.42 [15.2, 20.1]``; ``~`` where too few seeds say nothing of others."""
    if cell is None:
        return DASH
    mean = cell.mean
    mark = CERTAIN if (cell.entry, cell.target, cell.metric) in certain else ""
    if mean.low is None or mean.high is None:
        return percent(mean.value, digits) + mark
    return f"{percent(mean.value, digits)}{mark} {interval_cell(mean.low, mean.high, digits=1)}" + "~" * (
        mean.scope == "examples"
    )


def by_dataset(of: Matrix) -> Table:
    """The matrix turned: a row per dataset and a column per model, for many datasets and few models."""
    *entries, floor = of.rows
    leading = len(LEADING)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("dataset", no_wrap=True)
    for name, source, seeds, *_ in entries:
        table.add_column(Text(f"{name}\n{source}, {counted(int(seeds.split()[0]), 'seed')}"), justify="right")
    table.add_column("floor", justify="right", style="dim", no_wrap=True)
    for place, title in enumerate(of.headings, start=leading):
        cells = [Text(row[place], no_wrap=True) for row in entries]
        table.add_row(Text(title.replace("\n", " ").removesuffix(" %")), *cells, floor[place])
    return table


def wide_enough(table: Table, width: int) -> bool:
    """Whether no cell of the table would be cut."""
    needed = [max(len(line) for cell in column.cells for line in str(cell).split("\n")) for column in table.columns]
    return sum(needed) + len(needed) - 1 <= width


def pieces(of: Matrix, width: int) -> Iterator[list[int]]:
    """The columns of each piece: the leading ones again, then as many datasets as fit (at least one)."""
    leading = list(range(len(LEADING)))
    columns = list(leading)
    for index in range(len(LEADING), len(LEADING) + len(of.headings)):
        if len(columns) > len(leading) and total([least(of, i) for i in [*columns, index]]) > width:
            yield columns
            columns = list(leading)
        columns.append(index)
    yield columns


def piece(of: Matrix, columns: Sequence[int], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for index, column_width in zip(columns, widths(of, columns, width), strict=True):
        table.add_column(
            Text(texts(of, index)[0]), justify="left" if index < len(LEADING) else "right", width=column_width
        )
    for row in of.rows[:-1]:
        table.add_row(*(Text(row[index]) for index in columns))
    table.add_section()
    table.add_row(*(Text(of.rows[-1][index]) for index in columns), style="dim")
    return table


def texts(of: Matrix, index: int) -> list[str]:
    """Heading and cells of a column."""
    return [[*LEADING, *of.headings][index], *(row[index] for row in of.rows)]


def least(of: Matrix, index: int) -> int:
    """The width below which a word would be broken, or a mean parted from its interval."""
    heading, *cells = texts(of, index)
    unbroken = " ".join([heading, *cells]).split() if index < len(LEADING) else [*heading.split(), *cells]
    return max(map(len, unbroken))


def widths(of: Matrix, columns: Sequence[int], width: int) -> list[int]:
    """Each column its least width, and what the terminal has left to the first ones that could use it."""
    chosen = [least(of, index) for index in columns]
    for place, index in enumerate(columns):
        wanted = max(len(line) for text in texts(of, index) for line in text.split("\n"))
        chosen[place] += max(0, min(wanted - chosen[place], width - total(chosen)))
    return chosen


def total(column_widths: Sequence[int]) -> int:
    return sum(column_widths) + 2 * (len(column_widths) - 1)  # two blanks between columns


def as_markdown(answer: Answer) -> str:
    """The same as a GitHub table, with the verdict and the labels above and all sentences below."""
    of = matrix(answer)
    first, *others = findings(answer)
    lines = [f"**{markdown(first)}**", "", *(f"* {markdown(text)}" for text in others), ""]
    lines += [f"**{markdown(caveat.upper())}**" for caveat in answer.caveats] + [""]
    rule = ["---"] * len(LEADING) + ["---:"] * len(of.headings)
    lines += [markdown_row(row) for row in ([*LEADING, *of.headings], rule, *of.rows)] + [""]
    said = [*matrix_legend(answer), *(sentence.text for sentence in sentences(answer)), *missing_runs(answer)]
    lines += [f"* {markdown(sentence)}" for sentence in said]
    return "\n".join(lines).strip()
