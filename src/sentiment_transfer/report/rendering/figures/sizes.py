"""The answer over model size: a curve for every dataset, and the transfer gap of every target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sentiment_transfer.formatting import metric_title, parameter_count, percent
from sentiment_transfer.report.analysis.findings import Answer, Cell, Entry, Estimate, TransferGap
from sentiment_transfer.report.prose.captions import FIGURES
from sentiment_transfer.report.rendering.figures.curves import against_size, common_range
from sentiment_transfer.report.rendering.parts import Filters, Line, Plot, Point, end_cells, figure_key, percent_point

COLUMNS = ["model", "size", "value", "95 % from", "to", "seeds"]


@dataclass(frozen=True)
class Sizes:
    """The entries of one source whose sizes are compared, and what is the same in all of its figures."""

    entries: Mapping[str, Entry]
    order: Mapping[str, int]  # Entry.key -> its colour
    filters: Filters
    source: str

    @property
    def unit(self) -> str:
        return next(iter(self.entries.values())).unit

    @property
    def names(self) -> dict[float, str]:
        return {float(entry.size): entry.model for entry in self.entries.values()}

    def tags(self, entry: Entry) -> dict[str, str]:
        return self.filters.tags(source=entry.source, model=entry.model)


def size_plots(answer: Answer, filters: Filters) -> Iterator[Plot]:
    """Per source and dataset the curve over size, per target the gap. Nothing where there is one size only."""
    order = answer.order
    for source in filters.source:
        entries = {entry.key: entry for entry in answer.entries if entry.source == source and entry.compared}
        if len({entry.size for entry in entries.values()}) > 1:
            sizes = Sizes(comparable_sizes(entries), order, filters, source)
            yield from scaling_plots(answer, sizes)
            yield from gap_plots(answer, sizes)


def comparable_sizes(entries: dict[str, Entry]) -> dict[str, Entry]:
    """By layers where every entry is the first layers of an encoder, else all by parameters."""
    if all(entry.layers for entry in entries.values()):
        return entries
    return {key: replace(entry, layers=0) for key, entry in entries.items()}


def scaling_plots(answer: Answer, sizes: Sizes) -> Iterator[Plot]:
    """Figures of one metric have one range, so that their heights can be compared."""
    cells = [cell for cell in answer.selected if cell.entry in sizes.entries]
    for metric in dict.fromkeys(cell.metric for cell in cells):
        alike = [cell for cell in cells if cell.metric == metric]
        every = [line for cell in alike for line in [points_of([cell], sizes), *seed_lines([cell], sizes)]]
        floors = [100 * cell.floor for cell in alike]
        limits = common_range([*every, Line("", [Point(1, floor) for floor in floors], False, 0)])
        for target in [target for target in sizes.filters.target if any(c.target == target for c in alike)]:
            of_target = sorted((c for c in alike if c.target == target), key=lambda c: sizes.entries[c.entry].size)
            yield scaling_plot(of_target, sizes, limits)


def scaling_plot(cells: list[Cell], sizes: Sizes, limits: tuple[float, float]) -> Plot:
    target, title = cells[0].target, metric_title(cells[0].metric)
    return Plot(
        key=figure_key("size", sizes.source, target, len(cells[0].classes), cells[0].metric),
        title=target,
        description=FIGURES["size"].format(metric=title, unit=sizes.unit, target=target),
        figure=against_size(
            [points_of([cell], sizes) for cell in cells],
            [points_of(family, sizes) for family in families(cells, sizes)],
            [line for family in families(cells, sizes) for line in seed_lines(family, sizes)],
            published_points(cells, sizes),
            sizes.names,
            title,
            sizes.unit,
            limits,
            level=100 * cells[0].floor,
        ),
        columns=COLUMNS,
        rows=[row(sizes.entries[cell.entry], cell.mean, len(cell.by_seed)) for cell in cells],
        tags=sizes.filters.tags(source=sizes.source, target=target),
    )


def families(cells: Sequence[Cell], sizes: Sizes) -> list[list[Cell]]:
    """Cells to be joined: encoders that differ by more than size are no curve."""
    grouped: dict[str, list[Cell]] = {}
    for cell in cells:
        if family := sizes.entries[cell.entry].family:
            grouped.setdefault(family, []).append(cell)
    return [family for family in grouped.values() if len(family) > 1]


def points_of(cells: Sequence[Cell], sizes: Sizes) -> Line:
    """The means with their intervals, in the colour of the first entry."""
    entries = [sizes.entries[cell.entry] for cell in cells]
    points = [percent_point(entry.size, cell.mean) for entry, cell in zip(entries, cells, strict=True)]
    return Line(entries[0].name, points, True, sizes.order[entries[0].key], sizes.tags(entries[0]))


def seed_lines(cells: Sequence[Cell], sizes: Sizes) -> Iterator[Line]:
    """One line per seed through the sizes that have it."""
    for seed in dict.fromkeys(seed for cell in cells for seed in cell.by_seed):
        points = [
            Point(sizes.entries[cell.entry].size, 100 * cell.by_seed[seed]) for cell in cells if seed in cell.by_seed
        ]
        yield Line("one seed", points, True, 0, sizes.filters.tags(seed=seed))


def published_points(cells: list[Cell], sizes: Sizes) -> list[Line]:
    """Comparable numbers of encoders that are among ours, so that their size is known."""
    size_of = {entry.model: entry.size for entry in sizes.entries.values()}
    found = {(p.row.system, p.row.model, p.row.fraction) for c in cells for p in c.published if p.comparable}
    return [
        Line(f"published: {system}", [Point(size_of[model], 100 * value)], False, 0)
        for system, model, value in sorted(found, key=str)
        if model in size_of
    ]


def gap_plots(answer: Answer, sizes: Sizes) -> Iterator[Plot]:
    gaps = [gap for gap in answer.gaps if gap.entry in sizes.entries]
    limits = common_range([*(gap_points([gap], sizes) for gap in gaps), Line("", [Point(1, 0)], False, 0)])
    for source_set, target in dict.fromkeys((gap.source_set, gap.target) for gap in gaps):
        of_target = [gap for gap in gaps if (gap.source_set, gap.target) == (source_set, target)]
        of_target.sort(key=lambda gap: sizes.entries[gap.entry].size)
        grouped: dict[str, list[TransferGap]] = {}
        for gap in of_target:
            grouped.setdefault(sizes.entries[gap.entry].family or gap.entry, []).append(gap)
        yield Plot(
            key=figure_key("gap", sizes.source, target, *[source_set] * (source_set != sizes.source)),
            title=f"{target} minus {source_set}",
            description=FIGURES["gap"].format(unit=sizes.unit, target=target, source_set=source_set),
            figure=against_size(
                [gap_points([gap], sizes) for gap in of_target],
                [gap_points(family, sizes) for family in grouped.values() if len(family) > 1],
                [],
                [],
                sizes.names,
                "gap in error, points",
                sizes.unit,
                limits,
                level=0.0,
            ),
            columns=COLUMNS,
            rows=[row(sizes.entries[gap.entry], gap.gap, len(sizes.entries[gap.entry].seeds)) for gap in of_target],
            tags=sizes.filters.tags(source=sizes.source, target=target),
        )


def gap_points(gaps: Sequence[TransferGap], sizes: Sizes) -> Line:
    entries = [sizes.entries[gap.entry] for gap in gaps]
    points = [percent_point(entry.size, gap.gap) for entry, gap in zip(entries, gaps, strict=True)]
    return Line(entries[0].name, points, True, sizes.order[entries[0].key], sizes.tags(entries[0]))


def row(entry: Entry, estimate: Estimate, seeds: int) -> list[str]:
    size = f"{entry.layers} layers" if entry.layers else parameter_count(entry.parameters)
    return [entry.name, size, percent(estimate.value), *end_cells(estimate), str(seeds)]
