"""The plain values that a report is made of: filters, tables and figures, before any of them is written."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentiment_transfer.formatting import DASH, interval_cell, p_value, percent, signed_percent
from sentiment_transfer.report.analysis.findings import Answer, Estimate

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Filters:
    """The values of each filter in their order on the page. Ids are their places: no name of a user's is one."""

    source: tuple[str, ...]
    model: tuple[str, ...]
    target: tuple[str, ...]
    seed: tuple[str, ...]

    def tags(self, source: str = "", model: str = "", target: str = "", seed: int | None = None) -> dict[str, str]:
        """The tags of something that belongs to these; what is not named does not restrict it."""
        named = {"source": source, "model": model, "target": target, "seed": "" if seed is None else str(seed)}
        return {key: str(getattr(self, key).index(value)) for key, value in named.items() if value}


def filters_of(answer: Answer) -> Filters:
    """Zero-shot targets before others, the sources' own test sets last."""
    zero_shot = {cell.target for cell in answer.cells if cell.protocol == "zero-shot"}
    targets = {cell.target for cell in answer.cells if cell.role == "target"}
    ordered = sorted(answer.cells, key=lambda cell: (cell.target not in zero_shot, cell.target not in targets))
    return Filters(
        source=_distinct(entry.source for entry in answer.entries),
        model=_distinct(entry.model for entry in answer.entries),
        target=_distinct(cell.target for cell in ordered),
        seed=tuple(str(seed) for seed in sorted({seed for entry in answer.entries for seed in entry.seeds})),
    )


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


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
    apart: frozenset[int] = frozenset()  # columns that are set apart from the others

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
    ends = interval_cell(estimate.low, estimate.high)
    return ends + " reviews only" * (bool(ends) and estimate.scope == "examples")


def difference_item(estimate: Estimate) -> Item:
    """A difference in points, with its sign and its interval below it."""
    return Item(signed_percent(estimate.value), 100 * estimate.value, interval(estimate))


def p_item(p: float) -> Item:
    return Item(p_value(p), p)


def number(value: float, text: str = "", note: str = "") -> Item:
    return Item(text or f"{value:,.0f}", value, note)


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    low: float | None = None  # ends of the interval; None where there is none
    high: float | None = None


@dataclass(frozen=True)
class Line:
    name: str
    points: list[Point]
    joined: bool  # by a line
    style: int  # which colour, marker and dashes: the same for the same thing in all figures
    tags: dict[str, str] = field(default_factory=dict)  # what the page's filters know it by


@dataclass(frozen=True)
class Plot:
    """One figure with its words and its numbers."""

    key: str  # file name, and anchor on the page
    title: str
    description: str  # what is to be seen, for who cannot see it
    figure: Figure
    columns: list[str]
    rows: list[list[str]]  # the numbers that are drawn, as text
    tags: dict[str, str] = field(default_factory=dict)


def figure_key(kind: str, *parts: object) -> str:
    """A file name and an anchor that tell what is shown: ``size-uci_en-smsa_id-2-macro_f1``; no two are alike."""
    words = [str(part) for part in parts if part != ""]
    named = [re.sub(r"[^A-Za-z0-9_.+]+", "_", word).strip("_.")[:40] for word in words]
    text = "-".join([kind, *named])
    if named == words:
        return text
    return f"{text}-{hashlib.blake2b(repr(words).encode('utf-8', 'surrogatepass'), digest_size=3).hexdigest()}"


def percent_point(x: float, estimate: Estimate) -> Point:
    """A score or a difference with its interval, in percent or points."""
    scaled = estimate.scaled(100)
    return Point(float(x), scaled.value, scaled.low, scaled.high)


def end_cells(estimate: Estimate) -> list[str]:
    """The two ends of the interval in percent, for a table of a figure's numbers."""
    return [DASH if end is None else percent(end) for end in (estimate.low, estimate.high)]


def tag(artists: Artist | list[Artist], tags: dict[str, str]) -> None:
    """Hand the tags through matplotlib: ``style.py`` makes attributes of them."""
    gid = ";".join(f"{key}={value}" for key, value in tags.items())
    for artist in artists if isinstance(artists, list) else [artists]:
        artist.set_gid(gid or None)


def svg(plot: Plot) -> str:
    """The figure as an SVG file; to be called inside ``drawing()``. No date in it: the same numbers, the same bytes."""
    file = io.StringIO()
    plot.figure.savefig(file, format="svg", metadata={"Date": None})
    # What the layout has moved stays: computing it again for the PDF would take as long as drawing.
    plot.figure.set_layout_engine("none")
    return file.getvalue()
