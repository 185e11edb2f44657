"""What a figure consists of before and after it is drawn."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure


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


def tag(artists: Artist | list[Artist], tags: dict[str, str]) -> None:
    """Hand the tags through matplotlib: ``inline.py`` makes attributes of them."""
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
