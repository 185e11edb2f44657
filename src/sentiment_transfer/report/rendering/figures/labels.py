"""Error against target labels: from none, as a level with its interval, to all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sentiment_transfer.formatting import lower_is_better, metric_title, percent
from sentiment_transfer.report.analysis.findings import Answer, Budget, LabelUse, Study
from sentiment_transfer.report.prose.captions import FIGURES
from sentiment_transfer.report.prose.labels import LABEL_USES
from sentiment_transfer.report.rendering.figures.curves import draw_points
from sentiment_transfer.report.rendering.figures.style import INK, canvas, label, legend_below
from sentiment_transfer.report.rendering.parts import Filters, Line, Plot, end_cells, figure_key, percent_point, tag

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ["trained on", "labels per class", "target labels", "value", "95 % from", "to", "seeds", "draws"]
USES: tuple[LabelUse, ...] = ("target_only", "sequential", "joint")
SPREAD = 0.03  # doublings by which curves are moved apart, so that their intervals do not hide each other


def label_plots(answer: Answer, filters: Filters) -> Iterator[Plot]:
    """One figure per study."""
    for place, study in enumerate(answer.studies):
        source = study.source if study.source in filters.source else ""
        target = study.target if study.target in filters.target else ""
        model = study.model if study.model in filters.model else ""
        title = metric_title(study.metric)
        on = f"{study.target}, {study.fold}" if study.fold else study.target
        yield Plot(
            key=figure_key("labels", study.target, study.model, study.source, study.fold, place + 1),
            title=f"{on}: {study.model}" + f", trained on {study.source}" * bool(study.source),
            description=FIGURES["labels"].format(metric=title, target=study.target),
            figure=over_labels(study, title),
            columns=COLUMNS,
            rows=[row(budget) for budget in study.budgets],
            tags=filters.tags(source=source, model=model, target=target),
        )


def over_labels(study: Study, title: str) -> Figure:
    figure, axes = canvas()
    axes.set_xscale("log", base=2)
    counts = sorted({budget.labels for budget in study.budgets if budget.labels})
    axes.set_xlim(counts[0] / 1.5, counts[-1] * 1.5)
    for zero in study.of("none"):
        level = axes.axhline(100 * zero.mean.value, color=INK, label=f"zero-shot: {LABEL_USES['none']}")
        tag(level, {})
        if zero.mean.low is not None and zero.mean.high is not None:
            axes.axhspan(100 * zero.mean.low, 100 * zero.mean.high, color=INK, alpha=0.12, linewidth=0)
    for style, label_use in enumerate(USES, start=1):
        if of := study.of(label_use):
            draw_points(
                axes,
                Line(LABEL_USES[label_use], [percent_point(b.labels, b.mean) for b in of], True, style),
                factor=2 ** (SPREAD * (style - 2)),
                plain=True,
            )
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.tick_params(axis="x", rotation=45 if len(counts) > 6 else 0)
    axes.set_xlabel(f"labelled reviews of {label(study.target)} (log scale)")
    axes.set_ylabel(title)
    if lower_is_better(study.metric):
        axes.set_ylim(bottom=0)
    legend_below(axes, columns=2)
    return figure


def row(budget: Budget) -> list[str]:
    ends = end_cells(budget.mean)
    each = "all" if budget.per_class is None and budget.labels else str(budget.per_class or 0)
    counts = [str(budget.seeds), str(budget.draws)]
    return [LABEL_USES[budget.label_use], each, f"{budget.labels:,}", percent(budget.mean.value), *ends, *counts]
