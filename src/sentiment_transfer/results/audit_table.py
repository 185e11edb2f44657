"""The data audit on the terminal: one line per split, then what the splits share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

COLUMNS = ("rows", "positive", "empty", "twice", "disputed", "tokens", "p99", "cut")


def audit_table(audit: dict[str, Any]) -> Group:
    """``audit`` is a record's: ``splits`` {dataset: {split: ...}}, ``overlaps`` [...], ``removed`` {dataset: rows}."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("dataset", no_wrap=True)
    table.add_column("split")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for dataset, splits in audit["splits"].items():
        for split, facts in splits.items():
            table.add_row(dataset, split, *split_cells(facts))
    key = (
        "twice: the text occurred before; disputed: with another label; tokens: the median; p99: of the longest 1 %; "
        "cut: reviews longer than data.max_length"
    )
    return Group(table, Text(key, style="dim"), *(Text(line) for line in findings(audit)), Text())


def split_cells(facts: dict[str, Any]) -> list[str]:
    return [
        f"{facts['rows']:,}",
        f"{facts['shares']['positive']:.1%}",
        count(facts["empty"]),
        count(facts["duplicates"]),
        count(facts["conflicting"]),
        f"{facts['tokens_p50']:.0f}",
        f"{facts['tokens_p99']:.0f}",
        f"{facts['truncated_fraction']:.1%}" if facts["truncated_fraction"] else "–",
    ]


def count(number: int) -> str:
    return f"{number:,}" if number else "–"


def findings(audit: dict[str, Any]) -> Iterator[str]:
    """A sentence for every pair of splits that share text, and for what was dropped or removed."""
    for overlap in audit["overlaps"]:
        if overlap["shared"]:
            contrary = f", {overlap['other_label']} of them with another label" if overlap["other_label"] else ""
            yield (
                f"{overlap['shared']:,} of {overlap['rows']:,} {overlap['split']} rows of {overlap['scored']} "
                f"({overlap['share']:.1%}) are also in the training set of {overlap['train']}{contrary}."
            )
    if any(overlap["shared"] and overlap["split"] == "test" for overlap in audit["overlaps"]) and not audit["dedup"]:
        yield "data.dedup=true leaves such test rows out."
    for dataset, rows in audit["removed"].items():
        yield f"data.dedup=true removed {rows:,} test rows of {dataset} that the training set holds."
    for dataset, splits in audit["splits"].items():
        dropped = splits.get("test", {}).get("dropped", {})
        if dropped:
            listed = ", ".join(f"{rows:,} {reason}" for reason, rows in dropped.items())
            yield f"Of the test set of {dataset}, the reader left out: {listed}."
