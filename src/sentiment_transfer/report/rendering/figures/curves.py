"""Figures of lines: error against model size, the transfer gap, learning curves and calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sentiment_transfer.formatting import parameter_count
from sentiment_transfer.report.rendering.figures.style import (
    DASHES,
    INK,
    MUTED,
    PAPER,
    canvas,
    colour,
    dashes,
    label,
    legend_below,
    marker,
    neutral,
)
from sentiment_transfer.report.rendering.parts import Line, Point, tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_WIDTH, PANEL_HEIGHT = 3.6, 2.9  # inches: three of them side by side on the page, one on a phone


def against_size(
    models: Sequence[Line],
    joined: Sequence[Line],
    seeds: Sequence[Line],
    published: Sequence[Line],
    names: dict[float, str],
    title: str,
    unit: str,
    limits: tuple[float, float],
    level: float,
) -> Figure:
    """Each model's mean with its interval over the size on a log axis, sizes of one family joined.

    ``x`` is the size in ``unit`` (parameters or layers), ``y`` in percent; ``names`` are the models by their size.
    ``seeds`` are thin lines, published numbers hollow diamonds, ``level`` is a dashed line; ``limits`` is
    the range of the figures that this one is compared with.
    """
    figure, axes = canvas(PANEL_WIDTH, PANEL_HEIGHT)
    axes.set_xscale("log")
    sizes = sorted(names)
    _limit(axes, [*sizes, *(point.x for line in published for point in line.points)])
    axes.axhline(level, color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
    for line in seeds:
        tag(axes.plot(*_xy(line), color=MUTED, linewidth=0.7, alpha=0.75), line.tags)  # type: ignore[arg-type]
    for line in joined:
        axes.plot(*_xy(line), color=INK, linewidth=1.6)
    for line in models:
        draw_points(axes, replace(line, name=""))
    for line in published:
        axes.plot(
            *_xy(line), linestyle="none", marker="D", markersize=6, markerfacecolor=PAPER, markeredgecolor=INK,
            markeredgewidth=1.4, label=label(line.name),
        )  # fmt: skip
    axes.minorticks_off()
    _thin(axes, {size: f"{label(names[size])}\n{parameter_count(size)}" for size in sizes})
    axes.set_xlabel(f"{unit} (log scale)")
    axes.set_ylabel(title)
    axes.set_ylim(limits)
    if published:  # the models' names stand below the axis
        legend_below(axes, columns=1)
    return figure


def common_range(lines: Sequence[Line]) -> tuple[float, float]:
    """The range of all points and intervals with some room; from 0 where nothing is below it and much is near it."""
    ends = [
        end for line in lines for point in line.points for end in (point.y, point.low, point.high) if end is not None
    ]
    low, high = min(ends), max(ends)
    room = 0.06 * max(high - low, 1.0)
    return (0.0 if 0 <= low < 0.5 * high else low - room), high + room


def _xy(line: Line) -> tuple[list[float], list[float]]:
    return [point.x for point in line.points], [point.y for point in line.points]


def over_epochs(lines: Sequence[Line], ylabel: str) -> Figure:
    """One line per development set, its band from the lowest to the highest seed; colours are left to models."""
    figure, axes = canvas(height=2.5)
    for line in lines:
        epochs = [point.x for point in line.points]
        drawn = axes.plot(
            epochs,
            [point.y for point in line.points],
            color=neutral(line.style),
            marker=marker(line.style),
            linestyle=dashes(line.style),
            label=label(line.name),
        )
        tag(drawn, line.tags)  # type: ignore[arg-type]
        if all(point.low is not None for point in line.points):
            low, high = [point.low for point in line.points], [point.high for point in line.points]
            band = axes.fill_between(epochs, low, high, color=neutral(line.style), alpha=0.15, linewidth=0)  # type: ignore[arg-type]
            tag(band, line.tags)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)  # type: ignore[call-arg]
    axes.set_xlabel("epoch")
    axes.set_ylabel(ylabel)
    axes.set_ylim(bottom=0)
    legend_below(axes, columns=3)
    return figure


def calibration(lines: Sequence[Line]) -> Figure:
    """Accuracy against confidence, both in percent; the diagonal is a model that knows how sure it may be."""
    figure, axes = canvas(height=3.0)
    axes.plot([50, 100], [50, 100], color=MUTED, linewidth=1, linestyle=(0, (3, 2)), label="perfectly calibrated")
    for line in lines:
        draw_points(axes, line)
    axes.set_xlabel("mean confidence in the bin, %")
    axes.set_ylabel("correct, %")
    legend_below(axes, columns=3)
    return figure


def draw_points(axes: Axes, line: Line, factor: float = 1.0, plain: bool = False) -> None:
    """Points with their intervals; ``factor`` moves them on a log axis. ``plain`` ones are no model: without colour."""
    xs = [point.x * factor for point in line.points]
    below, above = zip(*(_reach(point) for point in line.points), strict=True)
    container = axes.errorbar(
        xs,
        [point.y for point in line.points],
        yerr=[below, above],
        color=neutral(line.style) if plain else colour(line.style),
        marker=marker(line.style),
        linestyle="none" if not line.joined else DASHES[line.style % len(DASHES)] if plain else dashes(line.style),
        elinewidth=1.1,
        capsize=2.5,
        label=label(line.name) or None,
    )
    tag(list(container.get_children()), line.tags)


def _reach(point: Point) -> tuple[float, float]:
    if point.low is None or point.high is None:
        return 0.0, 0.0
    return max(point.y - point.low, 0.0), max(point.high - point.y, 0.0)


def _limit(axes: Axes, sizes: Sequence[float]) -> None:
    low, high = min(sizes), max(sizes)
    room = max(high / low, 2.0) ** 0.12
    axes.set_xlim(low / room, high * room)


def _thin(axes: Axes, texts: dict[float, str]) -> None:
    """Of sizes that lie too near to be labelled side by side, label the first."""
    import math

    low, high = axes.get_xlim()
    kept, last = [], -1.0
    for size, text in texts.items():
        place = math.log(size / low) / math.log(high / low)
        shown = place - last > 0.13 or last < 0
        last = place if shown else last
        kept.append(text if shown else "")
    axes.set_xticks(list(texts), kept)
    axes.tick_params(axis="x", length=3, color=INK)
