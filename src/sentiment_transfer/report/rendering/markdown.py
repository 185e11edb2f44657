"""Tables as Markdown and LaTeX, and the report as one GitHub document."""

from __future__ import annotations

from collections.abc import Sequence

from sentiment_transfer.escaping import latex, markdown, markdown_row
from sentiment_transfer.report.prose.findings import findings
from sentiment_transfer.report.rendering.contents import Contents
from sentiment_transfer.report.rendering.parts import Item, Table


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


def _lines(item: Item) -> str:
    return "\n".join(filter(None, (item.text, item.note)))


HEADINGS = {
    "comparisons": "Every comparison",
    "trends": "The trend over size",
    "labels": "Labels of the target",
    "published": "Published numbers, and whether they are comparable",
    "leaks": "What the training set shares with the test sets",
    "cost": "What it costs",
    "problems": "Failed, degenerate and missing runs",
    "environments": "Environments",
}


def summary(contents: Contents) -> str:
    """Everything of the page that needs no picture, as one GitHub document."""
    answer = contents.answer
    first, *others = findings(answer)
    lines = [f"# {markdown(first)}", "", *(f"* {markdown(text)}" for text in others), *[""] * bool(others)]
    lines += [f"**{markdown(caveat.upper())}**" for caveat in answer.caveats] + [""] * bool(answer.caveats)
    folders = ", ".join(markdown(str(path)) for path in contents.paths)
    lines += [
        f"{len(contents.runs)} finished runs, from {folders}. Written {contents.written:%d %B %Y, %H:%M UTC}.",
        "",
    ]
    lines += ["## Models by datasets", "", markdown_table(contents.tables["matrix"])]
    lines += ["## Every dataset in sentences", ""]
    lines += [f"* {markdown(sentence.text)}" for sentence in contents.sentences] + [""]
    for key, heading in HEADINGS.items():
        if contents.tables[key].rows:
            lines += [f"## {heading}", "", markdown_table(contents.tables[key])]
    lines += ["## Commands", ""]
    lines += [line for _, table in contents.commands for line in (markdown_table(table),)]
    lines += ["## How the numbers were made", "", *(f"* {markdown(note)}" for note in contents.notes)]
    return "\n".join(lines) + "\n"
