"""Figures of dots: every seed as one, and the three ways to choose a checkpoint side by side; confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_transfer.escaping import shortened
from sentiment_transfer.report.rendering.figures.style import (
    INK,
    MUTED,
    WIDTH,
    canvas,
    colour,
    label,
    legend_below,
    marker,
)
from sentiment_transfer.report.rendering.parts import Line, tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.27  # inches
PANEL = 1.15  # inches: one confusion matrix
ACROSS = 4
GAP, LEFT, BOTTOM, TOP = 0.42, 0.62, 0.5, 0.28  # inches around and between the matrices
# Dots are many and lie inside the axes: no room has to be made for one, and none has to be cut off.
PLAIN: dict[str, Any] = {"clip_on": False, "in_layout": False}


def strips(rows: Sequence[Line], xlabel: str) -> Figure:
    """One row per model with a dot per seed (``y``) and a stroke at the mean. The rows come with the best on top."""
    figure, axes = canvas(WIDTH, 0.9 + ROW * max(len(rows), 2))
    rng = np.random.default_rng(0)
    for place, row in enumerate(rows):
        values = [point.y for point in row.points]
        mean = axes.plot([np.mean(values)] * 2, [place - 0.34, place + 0.34], color=INK, linewidth=1.4)
        tag(mean, row.tags)  # type: ignore[arg-type]
        # Equal values would lie on each other: spread over the height of the row.
        spread = rng.permutation(np.linspace(-0.2, 0.2, len(values))) if len(values) > 1 else [0.0]
        for point, offset in zip(row.points, spread, strict=True):
            dot = axes.plot(
                [point.y],
                [place + offset],
                linestyle="none",
                marker=marker(row.style),
                color=colour(row.style),
                alpha=0.75,
                markeredgewidth=0,
                **PLAIN,
            )
            tag(dot, row.tags | {"seed": f"{point.x:.0f}"})  # type: ignore[arg-type]
    axes.set_yticks(range(len(rows)), [label(row.name) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(xlabel)
    return figure


def selections(rows: Sequence[tuple[str, int, dict[str, float], dict[str, str]]], xlabel: str) -> Figure:
    """One row per model: its name, its colour, the value under each selection and its tags; a marker per selection."""
    figure, axes = canvas(WIDTH, 1.15 + ROW * max(len(rows), 2))
    known = list(dict.fromkeys(name for _, _, values, _ in rows for name in values))
    for place, (_, _, values, tags) in enumerate(rows):
        heights = [_height(place, known.index(name), len(known)) for name in values]
        tag(axes.plot(list(values.values()), heights, color=INK, linewidth=0.8), tags)  # type: ignore[arg-type]
    for style, name in enumerate(known):
        axes.plot([], [], linestyle="none", marker=marker(style), color=INK, markersize=6, label=name)
        for place, (_, shade, values, tags) in enumerate(rows):
            if name in values:
                dot = axes.plot(
                    [values[name]],
                    [_height(place, style, len(known))],
                    linestyle="none",
                    marker=marker(style),
                    color=colour(shade),
                    markersize=6,
                    **PLAIN,
                )
                tag(dot, tags)  # type: ignore[arg-type]
    axes.set_yticks(range(len(rows)), [label(name) for name, _, _, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(xlabel)
    legend_below(axes, columns=3)
    return figure


def _height(row: int, style: int, styles: int) -> float:
    """Selections that share an epoch share a value: a little above each other, so that none hides another."""
    return row + 0.22 * (style - (styles - 1) / 2)


def confusions(panels: Sequence[tuple[str, np.ndarray]], classes: Sequence[str]) -> Figure:
    """Confusion matrices side by side: rows gold, columns predicted, in percent of the gold class."""
    from matplotlib.figure import Figure

    across = min(ACROSS, len(panels))
    down = -(-len(panels) // across)
    width, height = LEFT + across * (PANEL + GAP), TOP + down * (PANEL + GAP) + BOTTOM - GAP
    # Placed by hand: matplotlib takes a second to find room for a dozen panels that are all alike.
    figure = Figure(figsize=(max(width, WIDTH), height))
    initials = [label(name)[:3] for name in classes]
    for index, (name, counts) in enumerate(panels):
        left, top = LEFT + index % across * (PANEL + GAP), TOP + index // across * (PANEL + GAP)
        box = (left, height - top - PANEL, PANEL, PANEL)
        scale = (*figure.get_size_inches(), *figure.get_size_inches())
        axes = figure.add_axes(tuple(inches / whole for inches, whole in zip(box, scale, strict=True)))
        _matrix(axes, 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), initials)
        axes.set_title(shortened(label(name), 18), fontweight="normal", loc="center", fontsize="small")
    figure.supxlabel("predicted", fontsize="small")
    figure.supylabel("gold", fontsize="small")
    return figure


def _matrix(axes: Axes, shares: np.ndarray, names: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle

    size = len(names)
    for row in range(size):
        for column in range(size):
            value = float(shares[row, column])
            # Never darker than 45 %: the number on it stays legible in the ink of either theme.
            fill = Rectangle((column, row), 1, 1, color=MUTED, alpha=0.45 * value / 100)
            axes.add_patch(fill)
            axes.text(column + 0.5, row + 0.5, f"{value:.0f}", ha="center", va="center", fontsize="small")
    axes.set(xlim=(0, size), ylim=(size, 0), aspect="equal")
    axes.set_xticks(np.arange(size) + 0.5, names)
    axes.set_yticks(np.arange(size) + 0.5, names)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(True)
