"""Tables as Markdown, CSV and LaTeX. Each escapes what would be more than text in its own language."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from sentiment_transfer.report.rendering.tables.table import Item, Table
from sentiment_transfer.report.rendering.wording import visible

LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "−": "$-$", "–": "--", "·": r"$\cdot$", "…": r"\ldots{}", "|": r"\textbar{}", "×": r"$\times$",
}  # fmt: skip
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet compute a cell


def markdown_table(table: Table) -> str:
    """A GitHub table under its caption."""
    right = [
        all(items[place].number is not None or not items[place].text for items in table.lines)
        for place in range(len(table.columns))
    ]
    lines = [
        markdown_row(table.columns),
        "| " + " | ".join("---:" if number else "---" for number in right) + " |",
        *(markdown_row([_lines(item) for item in items]) for items in table.lines),
    ]
    return "\n".join([markdown(table.caption), "", *lines, ""])


def markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(markdown(cell).replace("\n", "<br>") for cell in cells) + " |"


def markdown(text: str) -> str:
    """``text`` as text: no emphasis, link, HTML or heading of its own."""
    return MARKDOWN.sub(r"\\\1", visible(text))


def csv_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Comma-separated, in UTF-8 for ``utf-8-sig`` readers and others alike; no cell of text is a formula."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([" ".join(column.split()) for column in columns])
    writer.writerows([[csv_cell(cell) for cell in row] for row in rows])
    return file.getvalue()


def csv_cell(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    text = visible(cell)
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def latex_table(table: Table, label: str, columns: Sequence[int]) -> str:
    """A booktabs ``table`` of the columns named by their places; intervals stand on a second line of their row."""
    headings = [" ".join(table.columns[place].split()) for place in columns]
    numbers = [any(line[place].number is not None for line in table.lines) for place in columns]
    body = []
    for line in table.lines:
        items = [line[place] for place in columns]
        body.append(" & ".join(latex(item.text) for item in items) + r" \\")
        intervals = [item.note.split("\n")[0] if item.note.startswith("[") else "" for item in items]
        if any(intervals):
            small = [rf"{{\footnotesize {latex(text)}}}" if text else "" for text in intervals]
            # A row that begins with [ would be read as the optional length of the line break before it.
            body.append(" & ".join(small) + r" \\[2pt]")
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{latex(table.caption)}}}",
            rf"  \label{{tab:{label}}}",
            rf"  \begin{{tabular}}{{{''.join('r' if number else 'l' for number in numbers)}}}",
            r"    \toprule",
            "    " + " & ".join(latex(heading) for heading in headings) + r" \\",
            r"    \midrule",
            *(f"    {line}" for line in body),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def latex(text: str) -> str:
    """``text`` with LaTeX's own characters written out; Japanese needs LuaLaTeX or XeLaTeX with a font that has it."""
    return "".join(LATEX.get(character, character) for character in " ".join(visible(text).split()))


def _lines(item: Item) -> str:
    return "\n".join(filter(None, (item.text, item.note)))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d[\d.,]*", text) is not None
