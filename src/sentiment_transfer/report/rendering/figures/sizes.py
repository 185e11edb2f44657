"""The answer over model size: the scaling curve and the transfer gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from sentiment_transfer.formatting import metric_title, parameter_count, percent
from sentiment_transfer.report.analysis.findings import Answer, Cell, Entry, Estimate
from sentiment_transfer.report.prose.captions import FIGURES
from sentiment_transfer.report.rendering.figures.curves import against_size
from sentiment_transfer.report.rendering.parts import Filters, Line, Plot, Point, end_cells, percent_point

COLUMNS = ["model", "parameters", "dataset", "value", "95 % from", "to", "seeds"]


def size_plots(answer: Answer, filters: Filters) -> Iterator[Plot]:
    """Per source and metric the scaling curve, per source the gap. Nothing where there is one size only."""
    for place, source in enumerate(filters.source):
        entries = {entry.key: entry for entry in answer.entries if entry.source == source}
        if len({entry.size for entry in entries.values()}) > 1:
            entries = comparable_sizes(entries)
            yield from scaling_plots(answer, filters, place, entries)
            yield from gap_plots(answer, filters, place, entries)


def comparable_sizes(entries: dict[str, Entry]) -> dict[str, Entry]:
    """By layers where every entry is the first layers of an encoder, else all by parameters."""
    if all(entry.layers for entry in entries.values()):
        return entries
    return {key: replace(entry, layers=0) for key, entry in entries.items()}


def unit(entries: dict[str, Entry]) -> str:
    return next(iter(entries.values())).unit


def scaling_plots(answer: Answer, filters: Filters, place: int, entries: dict[str, Entry]) -> Iterator[Plot]:
    source = filters.source[place]
    cells = [cell for cell in answer.cells if cell.entry in entries and cell.selection == answer.selection]
    for metric in dict.fromkeys(cell.metric for cell in cells):
        lines, published, rows = [], [], []
        for style, target in enumerate(filters.target):
            of = [cell for cell in cells if cell.target == target and cell.metric == metric]
            of.sort(key=lambda cell: entries[cell.entry].size)
            tags = filters.tags(target=target)
            lines += [Line(*of_family, style, tags) for of_family in by_family(of, entries, target)]
            published += [Line(*number, style, tags) for number in published_points(of, entries, target)]
            rows += [row(entries[cell.entry], target, cell.mean, len(cell.by_seed)) for cell in of]
        title = metric_title(metric)
        yield Plot(
            key=f"scaling-{place}-{metric.replace('_', '-')}",
            title=f"{title.capitalize()} against model size, trained on {source}",
            description=FIGURES["scaling"].format(metric=title, unit=unit(entries)),
            figure=against_size(lines, published, names(entries), title, unit(entries)),
            columns=COLUMNS,
            rows=rows,
            tags=filters.tags(source=source),
        )


def by_family(cells: list[Cell], entries: dict[str, Entry], target: str) -> Iterator[tuple[str, list[Point], bool]]:
    """Name, points and whether they are joined: encoders that differ by more than size are no curve."""
    families = dict.fromkeys(entries[cell.entry].family for cell in cells)
    for family in families:
        points = [percent_point(entries[c.entry].size, c.mean) for c in cells if entries[c.entry].family == family]
        yield (f"{target}, {family or 'other'}" if len(families) > 1 else target), points, bool(family)


def published_points(
    cells: list[Cell], entries: dict[str, Entry], target: str
) -> Iterator[tuple[str, list[Point], bool]]:
    """Comparable numbers of encoders that are among ours, so that their size is known."""
    sizes = {entry.model: entry.size for entry in entries.values()}
    found = {
        (p.row.system, p.row.status, p.row.model, p.row.fraction) for c in cells for p in c.published if p.comparable
    }
    for system, status, model, value in sorted(found, key=str):
        if model in sizes:
            yield f"{target}: {system}, {status}", [Point(sizes[model], 100 * value)], False


def gap_plots(answer: Answer, filters: Filters, place: int, entries: dict[str, Entry]) -> Iterator[Plot]:
    gaps = [gap for gap in answer.gaps if gap.entry in entries]
    if not gaps:
        return
    lines, rows = [], []
    for source_set, target in product(dict.fromkeys(gap.source_set for gap in gaps), filters.target):
        of = [gap for gap in gaps if (gap.source_set, gap.target) == (source_set, target)]
        of.sort(key=lambda gap: entries[gap.entry].size)
        if of:
            points = [percent_point(entries[gap.entry].size, gap.gap) for gap in of]
            style = filters.target.index(target)
            joined = len({entries[gap.entry].family for gap in of} - {""}) == 1
            lines.append(Line(f"{target} − {source_set}", points, joined, style, filters.tags(target=target)))
            rows += [row(entries[g.entry], f"{target} − {source_set}", g.gap, len(entries[g.entry].seeds)) for g in of]
    source = filters.source[place]
    yield Plot(
        key=f"gap-{place}",
        title=f"Transfer gap against model size, trained on {source}",
        description=FIGURES["gap"].format(unit=unit(entries)),
        figure=against_size(lines, [], names(entries), "gap in error, points", unit(entries)),
        columns=COLUMNS,
        rows=rows,
        tags=filters.tags(source=source),
    )


def names(entries: dict[str, Entry]) -> dict[float, str]:
    return {float(entry.size): entry.model for entry in entries.values()}


def row(entry: Entry, target: str, estimate: Estimate, seeds: int) -> list[str]:
    ends = end_cells(estimate)
    return [entry.name, parameter_count(entry.parameters), target, percent(estimate.value), *ends, str(seeds)]
