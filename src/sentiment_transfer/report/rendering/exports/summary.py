"""The report as Markdown: the answer, the matrix, what is certain, what it cost, what went wrong."""

from __future__ import annotations

from sentiment_transfer.escaping import markdown
from sentiment_transfer.report.rendering.contents import Contents
from sentiment_transfer.report.rendering.exports.text import markdown_table

HEADINGS = {
    "matrix": "Models by evaluation sets",
    "comparisons": "Which differences are certain",
    "trends": "The trend over model size",
    "labels": "Labels of the target",
    "published": "Published numbers, and whether they may stand beside ours",
    "leaks": "What the training set shares with the test sets",
    "cost": "What it costs",
    "problems": "Failed, degenerate and missing runs",
    "environments": "Environments",
}


def summary(contents: Contents) -> str:
    """Everything of the page that needs no picture, as one GitHub document."""
    answer = contents.answer
    lines = ["# Does a larger encoder transfer sentiment better?", ""]
    lines += [f"**{markdown(caveat.upper())}**" for caveat in answer.caveats] + [""] * bool(answer.caveats)
    folders = ", ".join(markdown(str(path)) for path in contents.paths)
    lines += [
        f"{len(contents.runs)} finished runs, from {folders}. Written {contents.written:%d %B %Y, %H:%M UTC}.",
        "",
    ]
    lines += [f"* {markdown(sentence.text)}" for sentence in contents.sentences] + [""]
    for key, heading in HEADINGS.items():
        if contents.tables[key].rows:
            lines += [f"## {heading}", "", markdown_table(contents.tables[key])]
    lines += ["## Commands", ""]
    lines += [line for _, table in contents.commands for line in (markdown_table(table),)]
    lines += ["## How the numbers were made", "", *(f"* {markdown(note)}" for note in contents.notes)]
    return "\n".join(lines) + "\n"
