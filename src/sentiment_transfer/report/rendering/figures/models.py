"""Figures that put models side by side: seeds, selections, confusions, calibration; and learning curves of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from sentiment_transfer.formatting import DASH, metric_title, percent
from sentiment_transfer.report.analysis.findings import Answer, Cell, Entry
from sentiment_transfer.report.prose.captions import FIGURES
from sentiment_transfer.report.rendering.figures.curves import calibration, over_epochs
from sentiment_transfer.report.rendering.figures.dots import confusions, selections, strips
from sentiment_transfer.report.rendering.parts import Filters, Line, Plot, Point, figure_key
from sentiment_transfer.results.record import RunResult

ROWS = 30  # of one figure of rows: a page of a paper
PANELS = 12  # confusion matrices of one figure
DRAWN = 24  # models per dataset whose matrices and curves are drawn: nobody looks at more, and each takes time
LINES = 8  # calibration curves that can be told apart
T = TypeVar("T")


def model_plots(answer: Answer, filters: Filters) -> Iterator[Plot]:
    for target in filters.target:
        cells = [cell for cell in answer.cells if cell.target == target]
        shown = [cell for cell in cells if cell.selection == answer.selection]
        for metric, classes in dict.fromkeys((cell.metric, cell.classes) for cell in shown):
            alike = [cell for cell in cells if (cell.metric, cell.classes) == (metric, classes)]
            maker = Maker(answer, filters, target, metric, classes)
            of = [cell for cell in shown if cell in alike]
            for number, part in enumerate(parts(of, ROWS)):
                yield maker.seeds(part, number)
            if len({cell.selection for cell in alike}) > 1:
                for number, part in enumerate(parts(of, ROWS)):
                    yield maker.selections(part, alike, number)
            for number, part in enumerate(parts(of[:DRAWN], PANELS)):
                yield maker.confusion(part, number)
            for number, part in enumerate(parts([cell for cell in of[:DRAWN] if cell.calibration], LINES)):
                yield maker.calibration(part, number)


def parts(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


class Maker:
    """The figures of one dataset in one metric."""

    def __init__(self, answer: Answer, filters: Filters, target: str, metric: str, classes: tuple[str, ...]) -> None:
        self.filters, self.target, self.metric, self.classes = filters, target, metric, classes
        self.entries = {entry.key: entry for entry in answer.entries}
        self.order = answer.order
        self.several_sources = len(filters.source) > 1

    def seeds(self, cells: Sequence[Cell], number: int) -> Plot:
        lines = [
            Line(
                self.name(c),
                [Point(s, 100 * v) for s, v in c.by_seed.items()],
                False,
                self.order[c.entry],
                self.tags(c),
            )
            for c in cells
        ]
        title = metric_title(self.metric)
        return Plot(
            key=self.key("seeds", number),
            title=f"{self.target}: every seed",
            description=FIGURES["seeds"].format(metric=title),
            figure=strips(lines, title),
            columns=["model", "seed", title],
            rows=[[self.name(c), str(seed), percent(value)] for c in cells for seed, value in c.by_seed.items()],
            tags=self.filters.tags(target=self.target),
        )

    def selections(self, cells: Sequence[Cell], every: Sequence[Cell], number: int) -> Plot:
        rows = [
            (
                self.name(c),
                self.order[c.entry],
                {o.selection: 100 * o.mean.value for o in every if o.entry == c.entry},
                self.tags(c),
            )
            for c in cells
        ]
        known = list(dict.fromkeys(name for _, _, values, _ in rows for name in values))
        title = metric_title(self.metric)
        return Plot(
            key=self.key("selection", number),
            title=f"{self.target}: which weights are scored",
            description=FIGURES["selection"].format(metric=title),
            figure=selections(rows, title),
            columns=["model", *known],
            rows=[[name, *(f"{values[k]:.2f}" if k in values else DASH for k in known)] for name, _, values, _ in rows],
            tags=self.filters.tags(target=self.target),
        )

    def confusion(self, cells: Sequence[Cell], number: int) -> Plot:
        panels = [(self.name(cell), np.array(cell.confusion)) for cell in cells]
        return Plot(
            key=self.key("confusion", number),
            title=f"{self.target}: confusion matrices",
            description=FIGURES["confusion"],
            figure=confusions(panels, self.classes),
            columns=["model", "gold", *(f"predicted {name}" for name in self.classes)],
            rows=[
                [self.name(cell), name, *(f"{count:,}" for count in counts)]
                for cell in cells
                for name, counts in zip(self.classes, cell.confusion, strict=True)
            ],
            tags=self.filters.tags(target=self.target),
        )

    def calibration(self, cells: Sequence[Cell], number: int) -> Plot:
        lines, rows = [], []
        for cell in cells:
            curve = cell.calibration
            assert curve is not None
            bins = list(zip(curve.confidence, curve.accuracy, curve.low, curve.high, curve.count, strict=True))
            points = [Point(100 * x, 100 * y, 100 * low, 100 * high) for x, y, low, high, _ in bins]
            lines.append(Line(self.name(cell), points, True, self.order[cell.entry], self.tags(cell)))
            rows += [[self.name(cell), *(percent(v) for v in values), f"{count:,}"] for *values, count in bins]
        return Plot(
            key=self.key("calibration", number),
            title=f"{self.target}: calibration",
            description=FIGURES["calibration"],
            figure=calibration(lines),
            columns=["model", "confidence %", "correct %", "95 % from", "to", "answers"],
            rows=rows,
            tags=self.filters.tags(target=self.target),
        )

    def key(self, kind: str, number: int) -> str:
        return figure_key(kind, self.target, len(self.classes), self.metric, *[number + 1] * (number > 0))

    def name(self, cell: Cell) -> str:
        name = self.entries[cell.entry].name
        return f"{name} · {cell.source}" if self.several_sources else name

    def tags(self, cell: Cell) -> dict[str, str]:
        return self.filters.tags(source=cell.source, model=cell.model)


Curves = dict[tuple[str, int], list[float]]  # (development set, epoch from 1) -> the error of each run


def learning_plots(answer: Answer, filters: Filters, runs: Mapping[str, RunResult]) -> Iterator[Plot]:
    """One figure per entry with two epochs or more; ``runs`` are by run id."""
    drawn = 0
    for entry in answer.entries:
        curves = curves_of([runs[run_id] for run_id in entry.run_ids if run_id in runs])
        if len({epoch for _, epoch in curves}) > 1 and drawn < DRAWN:
            drawn += 1
            yield learning_plot(entry, curves, filters)


def learning_plot(entry: Entry, curves: Curves, filters: Filters) -> Plot:
    sets = list(dict.fromkeys(name for name, _ in curves))
    lines = []
    for style, name in enumerate(sets):
        points = [Point(epoch, float(np.mean(v)), min(v), max(v)) for (of, epoch), v in curves.items() if of == name]
        lines.append(Line(name, points, True, style, filters.tags(target=name) if name in filters.target else {}))
    return Plot(
        key=figure_key("learning", entry.key.replace("|", "-").strip("-")),
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
