"""Errors on the slices of each test set as dots with intervals, one row per slice, on the same axis for all sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from sentiment_transfer.formatting import percent
from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.analysis.slices import Slice, SlicedSet
from sentiment_transfer.report.prose.captions import FIGURES
from sentiment_transfer.report.rendering.figures.dots import ROW
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
from sentiment_transfer.report.rendering.parts import Filters, Plot, end_cells, percent_point, tag
from sentiment_transfer.report.rendering.tables.slices import shown_places
from sentiment_transfer.statistics.comparisons import ALPHA

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 30  # of one figure: a page of a paper
SPREAD = 0.5  # of a row: the markers of its models lie above each other
COLUMNS = ["dimension", "slice", "reviews", "model", "error", "95 % from", "to", "p (Holm)"]


def slice_plots(answer: Answer, filters: Filters) -> Iterator[Plot]:
    """One figure per test set and source; further ones for slices beyond ``ROWS``."""
    limit = highest(answer.slices)
    order = answer.order
    models = {entry.key: entry.model for entry in answer.entries}
    for place, each in enumerate(answer.slices):
        for start in range(0, len(each.slices), ROWS):
            shown = each.slices[start : start + ROWS]
            series = [
                (answer.names[key], order[key], filters.tags(model=models[key]), at)
                for at in shown_places(each)
                for key in [each.entries[at]]
            ]
            yield Plot(
                key=f"slices-{place}" + f"-{start // ROWS + 1}" * (start > 0),
                title=f"{each.target}: error by slice, trained on {each.source}",
                description=FIGURES["slices"].format(target=each.target),
                figure=dots(each, shown, series, limit),
                columns=COLUMNS,
                rows=[row(part, name, at) for part in shown for name, _, _, at in series],
                tags=filters.tags(source=each.source, target=each.target),
            )


def highest(sets: Sequence[SlicedSet]) -> float:
    """The end of the axis of all figures, in percent."""
    ends = [
        100 * (estimate.value if estimate.high is None else estimate.high)
        for each in sets
        for part in each.slices
        for estimate in (part.errors[at] for at in shown_places(each))
    ]
    return min(100.0, 5 * (max(ends, default=0) // 5 + 1))


def dots(
    each: SlicedSet, shown: Sequence[Slice], series: Sequence[tuple[str, int, dict[str, str], int]], limit: float
) -> Figure:
    figure, axes = canvas(WIDTH, 1.15 + ROW * max(len(shown), 2))
    axes.axvline(100 * each.error.value, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    for number, (name, style, tags, at) in enumerate(series):
        offset = SPREAD * (number - (len(series) - 1) / 2) / max(len(series) - 1, 1)
        for place, part in enumerate(shown):
            point = percent_point(place + offset, part.errors[at])
            if point.low is not None and point.high is not None:
                tag(axes.plot([point.low, point.high], [point.x] * 2, color=colour(style), linewidth=1.0), tags)  # type: ignore[arg-type]
            dot = axes.plot(
                [point.y],
                [point.x],
                linestyle="none",
                marker=marker(style),
                color=colour(style),
                label=label(name) if place == 0 else None,
            )
            tag(dot, tags)  # type: ignore[arg-type]
    for place, (before, part) in enumerate(pairwise(shown), start=1):
        if before.dimension != part.dimension:
            axes.axhline(place - 0.5, color=MUTED, linewidth=0.6)
    axes.set_yticks(range(len(shown)), [label(part.label) for part in shown])
    for text, part in zip(axes.get_yticklabels(), shown, strict=True):
        if part.test and part.test.p_holm < ALPHA:
            text.set(fontweight="bold", color=INK)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0, limit)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("error %")
    legend_below(axes, columns=3)
    return figure


def row(part: Slice, name: str, at: int) -> list[str]:
    estimate = part.errors[at]
    p = f"{part.test.p_holm:.3f}" if part.test else ""
    return [part.dimension, part.label, f"{part.n:,}", name, percent(estimate.value), *end_cells(estimate), p]
