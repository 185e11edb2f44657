"""The verdict as a picture: what the largest encoder gains over the smallest on each target, with a zero line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sentiment_transfer.formatting import interval_cell, metric_title, p_value, percent, signed_percent
from sentiment_transfer.report.analysis.effects import Effect
from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.prose.captions import FIGURES
from sentiment_transfer.report.prose.verdict import ordered_verdicts
from sentiment_transfer.report.rendering.figures.style import INK, MUTED, PAPER, WIDTH, canvas, label, legend_below
from sentiment_transfer.report.rendering.parts import Filters, Plot, end_cells, figure_key, tag

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW = 0.34  # inches
COLUMNS = ["target", "metric", "smallest", "largest", "gain", "95 % from", "to", "p", "p (Holm)", "detectable"]


def forest_plots(answer: Answer, filters: Filters) -> Iterator[Plot]:
    """One figure per verdict, in the order of the sentences."""
    for verdict in ordered_verdicts(answer):
        names = answer.names
        pair = f"{names[verdict.largest]} minus {names[verdict.smallest]}"
        yield Plot(
            key=figure_key("forest", verdict.source, verdict.family),
            title=f"{pair}, trained on {verdict.source}",
            description=FIGURES["forest"].format(pair=pair),
            figure=forest(verdict.effects, filters),
            columns=COLUMNS,
            rows=[row(effect) for effect in verdict.effects],
            tags=filters.tags(source=verdict.source),
        )


def row(effect: Effect) -> list[str]:
    return [
        effect.target,
        metric_title(effect.metric),
        percent(effect.smallest.value),
        percent(effect.largest.value),
        signed_percent(effect.gain.value),
        *end_cells(effect.gain),
        p_value(effect.p),
        p_value(effect.p_holm),
        percent(effect.minimum_detectable_difference),
    ]


def forest(effects: Sequence[Effect], filters: Filters) -> Figure:
    """One row per target: the gain in points with its interval, filled where it was shown; the numbers on the right."""
    figure, axes = canvas(WIDTH, 0.95 + ROW * max(len(effects), 2))
    axes.axvline(0, color=INK, linewidth=1)
    for place, effect in enumerate(effects):
        value, low, high = (100 * (end or 0) for end in effect.gain[:3])
        shown, tags = effect.shown != "not shown", filters.tags(target=effect.target)
        tag(axes.plot([low, high], [place, place], color=INK, linewidth=1.4, solid_capstyle="butt"), tags)  # type: ignore[arg-type]
        point = axes.plot(
            [value],
            [place],
            linestyle="none",
            marker="o",
            markersize=6.5,
            markeredgecolor=INK,
            markerfacecolor=INK if shown else PAPER,
        )
        tag(point, tags)  # type: ignore[arg-type]
        text = f"{signed_percent(effect.gain.value, 1)} {interval_cell(*effect.gain[1:3], digits=1, signed=True)}"
        note = axes.annotate(
            text, (1, place), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points",
            va="center", fontsize="small",
        )  # fmt: skip
        tag(note, tags)
    axes.set_yticks(range(len(effects)), [label(effect.target) for effect in effects])
    for text_of_tick, effect in zip(axes.get_yticklabels(), effects, strict=True):
        tag(text_of_tick, filters.tags(target=effect.target))
    axes.set_ylim(len(effects) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    metrics = {metric_title(effect.metric).removesuffix(" %") for effect in effects}
    axes.set_xlabel(f"points gained in {metrics.pop() if len(metrics) == 1 else 'the headline metric'}")
    for name, face in (("shown after correction", INK), ("not shown", PAPER)):
        axes.plot([], [], "o", color=MUTED, markeredgecolor=INK, markerfacecolor=face, label=name)
    legend_below(axes, columns=2)
    return figure
