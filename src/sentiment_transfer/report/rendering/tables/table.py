"""A table as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field

from sentiment_transfer.formatting import percent
from sentiment_transfer.report.analysis.findings import Estimate

DASH = "–"


@dataclass(frozen=True)
class Item:
    """One cell."""

    text: str
    number: float | None = None  # what the column is sorted by; a cell with one is right-aligned
    note: str = ""  # a second, smaller line
    link: str = ""  # the anchor on the page that it leads to
    anchor: str = ""  # the anchor that it is
    kind: str = ""  # command, review, sentence, or a verdict: how the page sets it
    language: str = ""  # of a review, ISO 639-1
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    items: list[Item]
    tags: dict[str, str] = field(default_factory=dict)
    run: str = ""  # the run that the row is about


@dataclass(frozen=True)
class Table:
    """A caption, headings and rows of as many cells; the first cell of a row names it."""

    key: str  # file name, and anchor on the page
    caption: str
    columns: list[str]
    rows: list[Row]
    column_tags: list[dict[str, str]] = field(default_factory=list)  # one per column, or none
    footer: list[Item] = field(default_factory=list)  # a last row that is not one of them, or none

    @property
    def lines(self) -> list[list[Item]]:
        """All rows, the footer last."""
        return [row.items for row in self.rows] + ([self.footer] if self.footer else [])


def score_item(estimate: Estimate, link: str = "", note: str = "", tags: dict[str, str] | None = None) -> Item:
    """A score in percent with its interval below it."""
    notes = [interval(estimate), note]
    return Item(percent(estimate.value), 100 * estimate.value, "\n".join(filter(None, notes)), link, tags=tags or {})


def interval(estimate: Estimate) -> str:
    """``[17.92, 21.82]``, with what it covers where that is less than seeds and examples; empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    one_seed = " one seed" if estimate.scope == "examples" else ""
    return f"[{percent(estimate.low)}, {percent(estimate.high)}]{one_seed}"


def p_value(p: float | None) -> Item:
    """As APA writes it: ``.012``, ``< .001``."""
    if p is None:
        return Item(DASH)
    return Item("< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0"), p)


def number(value: float, text: str = "", note: str = "") -> Item:
    return Item(text or f"{value:,.0f}", value, note)
