"""Learning curves: the error on every development set after each epoch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from sentiment_transfer.report.analysis.findings import Answer, Entry
from sentiment_transfer.report.prose.captions import FIGURES
from sentiment_transfer.report.rendering.figures.curves import over_epochs
from sentiment_transfer.report.rendering.figures.models import DRAWN
from sentiment_transfer.report.rendering.figures.plot import Line, Plot, Point
from sentiment_transfer.report.rendering.filters import Filters
from sentiment_transfer.results.record import RunResult

Curves = dict[tuple[str, int], list[float]]  # (development set, epoch from 1) -> the error of each run


def learning_plots(answer: Answer, filters: Filters, runs: Mapping[str, RunResult]) -> Iterator[Plot]:
    """One figure per entry with two epochs or more; ``runs`` are by run id."""
    drawn = 0
    for place, entry in enumerate(answer.entries):
        curves = curves_of([runs[run_id] for run_id in entry.run_ids if run_id in runs])
        if len({epoch for _, epoch in curves}) > 1 and drawn < DRAWN:
            drawn += 1
            yield learning_plot(place, entry, curves, filters)


def learning_plot(place: int, entry: Entry, curves: Curves, filters: Filters) -> Plot:
    sets = list(dict.fromkeys(name for name, _ in curves))
    lines = []
    for style, name in enumerate(sets):
        points = [Point(epoch, float(np.mean(v)), min(v), max(v)) for (of, epoch), v in curves.items() if of == name]
        shade = filters.target.index(name) if name in filters.target else len(filters.target) + style
        lines.append(Line(name, points, True, shade, filters.tags(target=name) if name in filters.target else {}))
    return Plot(
        key=f"learning-{place}",
        title=f"{entry.name}, trained on {entry.source}",
        description=FIGURES["learning"],
        figure=over_epochs(lines, "development error %"),
        columns=["development set", "epoch", "mean error %", "lowest", "highest", "runs"],
        rows=[
            [name, str(epoch), f"{np.mean(v):.2f}", f"{min(v):.2f}", f"{max(v):.2f}", str(len(v))]
            for (name, epoch), v in curves.items()
        ],
        tags=filters.tags(source=entry.source, model=entry.model),
    )


def curves_of(runs: list[RunResult]) -> Curves:
    """From the records' histories; an entry that a hand or an older version wrote differently is passed over."""
    curves: Curves = defaultdict(list)
    for run in runs:
        for after in run["history"]:
            for name, scores in (after.get("dev") or {}).items():
                if isinstance(scores, dict) and isinstance(scores.get("error"), int | float):
                    curves[str(name), int(after["epoch"]) + 1].append(100 * scores["error"])
    return dict(sorted(curves.items(), key=lambda item: item[0][1]))
