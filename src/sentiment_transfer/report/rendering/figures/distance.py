"""The transfer gap against language distance, one line per model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import isotonic_regression

from sentiment_transfer.formatting import counted, percent
from sentiment_transfer.report.analysis.distance_findings import DistanceLine, DistancePoint, DistanceTrend
from sentiment_transfer.report.analysis.findings import Answer, Entry
from sentiment_transfer.report.prose.captions import FIGURES
from sentiment_transfer.report.prose.distance import corpus_text, language_name, source_text
from sentiment_transfer.report.rendering.figures.style import (
    INK,
    MUTED,
    PAPER,
    RULE,
    canvas,
    colour,
    dashes,
    label,
    marker,
)
from sentiment_transfer.report.rendering.parts import Filters, Plot, end_cells, tag
from sentiment_transfer.results.languages import language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ["model", "language", "dataset", "distance", "pretrained on", "gap", "95 % from", "to", "seeds"]
WIDTH, HEIGHT = 5.2, 4.3  # inches
NEXT_POINT, NEXT_NAME = 0.011, 0.036  # of the width: how near two points, and two names, may stand
STEM, NAMES = 1.07, 1.085  # heights, in axes: the end of a name's leader, and the foot of the name


def distance_plots(answer: Answer, filters: Filters) -> Iterator[Plot]:
    """One figure per source and corpus of which a line was fitted."""
    entries = {entry.key: entry for entry in answer.entries}
    for place, trend in enumerate(answer.distances):
        if not any(line.fit for line in trend.lines):
            continue
        yield Plot(
            key=f"distance-{place}",
            title=f"Transfer gap against distance from {source_text(trend)}, {corpus_text(trend)}, trained on "
            f"{trend.source}",
            description=FIGURES["distance"].format(
                language=source_text(trend), languages=counted(len(trend.languages), "language")
            ),
            figure=against_distance(trend, entries, answer.order, filters),
            columns=COLUMNS,
            rows=[row(entries[line.entry], point) for line in trend.lines for point in line.points],
            tags=filters.tags(source=trend.source),
        )


def against_distance(
    trend: DistanceTrend, entries: dict[str, Entry], styles: dict[str, int], filters: Filters
) -> Figure:
    figure, axes = canvas(WIDTH, HEIGHT)
    distances = [point.distance for line in trend.lines for point in line.points]
    room = 0.06 * max(np.ptp(distances), 0.05)
    axes.set_xlim(min(distances) - room, max(distances) + room)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    placed = places(trend, float(np.diff(axes.get_xlim())[0]))
    for line in trend.lines:
        draw(axes, line, entries[line.entry], styles[line.entry], filters, placed)
    names_above(axes, trend)
    axes.set_xlabel(f"typological distance from {source_text(trend)}")
    axes.set_ylabel("gap in error, points")
    axes.grid(visible=False, axis="x")
    legend(figure, trend, entries, styles)
    return figure


def draw(
    axes: Axes,
    line: DistanceLine,
    entry: Entry,
    style: int,
    filters: Filters,
    placed: dict[tuple[str, str], float],
) -> None:
    shade, tags = colour(style), filters.tags(source=entry.source, model=entry.model)
    if line.band:
        at = [x for x, _ in line.band]
        ends = [height.scaled(100) for _, height in line.band]
        tag(axes.plot(at, [end.value for end in ends], color=shade, linestyle=dashes(style)), tags)  # type: ignore[arg-type]
        low, high = [end.low or 0.0 for end in ends], [end.high or 0.0 for end in ends]
        tag(axes.fill_between(at, low, high, color=shade, alpha=0.12, linewidth=0), tags)
    for point in line.points:
        gap = point.gap.scaled(100)
        below, above = (0.0 if end is None else abs(gap.value - end) for end in (gap.low, gap.high))
        drawn = axes.errorbar(
            [placed[point.target, line.entry]],
            [gap.value],
            yerr=[[below], [above]],
            color=shade,
            marker=marker(style),
            markerfacecolor=shade if pretrained_on(point) else PAPER,
            markeredgewidth=1.3,
            linestyle="none",
            elinewidth=1.0,
            capsize=2,
        )
        tag(list(drawn.get_children()), {**tags, **filters.tags(target=point.target)})


def pretrained_on(point: DistancePoint) -> bool:
    known = language(point.language)
    return known is None or known.in_xlmr


def places(trend: DistanceTrend, width: float) -> dict[tuple[str, str], float]:
    """Where each point is drawn: at its distance, or beside another point that is there already."""
    points = [(point.distance, point.target, line.entry) for line in trend.lines for point in line.points]
    order = {line.entry: at for at, line in enumerate(trend.lines)}
    points.sort(key=lambda point: (point[0], point[1], order[point[2]]))
    moved = apart([distance for distance, _, _ in points], NEXT_POINT * width)
    return {(target, entry): x for (_, target, entry), x in zip(points, moved, strict=True)}


def apart(positions: Sequence[float], gap: float) -> list[float]:
    """Ascending positions moved as little as possible (by least squares) so that each is ``gap`` after the last."""
    steps = gap * np.arange(len(positions))
    return list(isotonic_regression(np.array(positions) - steps).x + steps)


def names_above(axes: Axes, trend: DistanceTrend) -> None:
    """Each language's name above the axes, with a leader down to its distance."""
    distances = {point.language: point.distance for line in trend.lines for point in line.points}
    low, high = axes.get_xlim()
    spots = apart([distances[code] for code in trend.languages], NEXT_NAME * (high - low))
    above = axes.get_xaxis_transform()
    for code, spot in zip(trend.languages, spots, strict=True):
        x = distances[code]
        axes.axvline(x, color=RULE, linewidth=0.6, zorder=0)
        axes.plot([x, x, spot], [1, 1.02, STEM], transform=above, color=MUTED, linewidth=0.6, clip_on=False)
        axes.text(spot, NAMES, label(language_name(code)), transform=above, rotation=90, ha="center", va="bottom",
                  fontsize="small", color=INK)  # fmt: skip


def legend(figure: Figure, trend: DistanceTrend, entries: dict[str, Entry], styles: dict[str, int]) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for line in trend.lines:
        style = styles[line.entry]
        handles.append(
            Line2D([], [], color=colour(style), marker=marker(style), linestyle=dashes(style),
                   label=label(entries[line.entry].name))
        )  # fmt: skip
    if not all(pretrained_on(point) for line in trend.lines for point in line.points):
        for hollow, text in ((False, "language in XLM-R's pretraining"), (True, "not in XLM-R's pretraining")):
            handles.append(
                Line2D([], [], color=MUTED, marker="o", linestyle="none", markeredgewidth=1.3,
                       markerfacecolor=PAPER if hollow else MUTED, label=text)
            )  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=2, columnspacing=1.2)


def row(entry: Entry, point: DistancePoint) -> list[str]:
    known = language(point.language)
    pretrained = "" if known is None else "XLM-R" if known.in_xlmr else "no"
    return [
        entry.name, language_name(point.language), point.target, f"{point.distance:.3f}", pretrained,
        percent(point.gap.value), *end_cells(point.gap), str(len(entry.seeds)),
    ]  # fmt: skip
