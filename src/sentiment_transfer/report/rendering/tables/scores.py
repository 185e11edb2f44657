"""The tables that show the answer: the matrix, the comparisons, the best, the trends, the published numbers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from sentiment_transfer.formatting import DASH, metric_title, p_value, parameter_count, percent
from sentiment_transfer.report.analysis.findings import Answer, Cell, Comparison, Entry, Trend
from sentiment_transfer.report.prose.captions import TABLES
from sentiment_transfer.report.prose.sentences import remark
from sentiment_transfer.report.rendering.parts import (
    Filters,
    Item,
    Row,
    Table,
    difference_item,
    number,
    p_item,
    score_item,
)
from sentiment_transfer.results.published import PublishedNumber

VERDICTS = {"better": "better", "worse": "worse", "not shown": "no difference shown"}
Column = tuple[str, str, int]  # dataset, metric, number of classes


def matrix(answer: Answer, filters: Filters, selection: str = "") -> Table:
    """Entries by datasets: mean, interval and the published numbers that are comparable."""
    selection = selection or answer.selection
    cells = [cell for cell in answer.cells if cell.selection == selection]
    columns: list[Column] = sorted({column_of(cell) for cell in cells}, key=lambda c: (filters.target.index(c[0]), c))
    by_place = {(cell.entry, column_of(cell)): cell for cell in cells}
    best = {(b.entry, b.target, b.metric) for b in answer.best if b.certain and selection == answer.selection}
    own = {column for column in columns if all(cell.role == "source" for cell in cells if column_of(cell) == column)}
    several = len(filters.source) > 1
    rows = []
    for place, entry in enumerate(answer.entries):
        items = [entry_item(answer, place), *[Item(entry.source)] * several]
        for column in columns:
            items.append(matrix_item(by_place.get((entry.key, column)), place, best, filters.tags(target=column[0])))
        items += [
            number(entry.parameters, parameter_count(entry.parameters)),
            number(len(entry.seeds), seeds_text(entry)),
        ]
        if any((entry.key, column) in by_place for column in columns):
            rows.append(Row(items, filters.tags(source=entry.source, model=entry.model)))
    floors = [floor_item(cells, column) for column in columns]
    source = "" if several else f"Trained on {', '.join(filters.source)}. "
    return Table(
        key="matrix",
        caption=TABLES["matrix"].format(source=source, selection=selection),
        columns=[
            "model",
            *["trained on"] * several,
            *(heading(c, columns) + "\ntrained on" * (c in own) for c in columns),
            "parameters",
            "seeds",
        ],
        rows=rows,
        column_tags=[{}] * (1 + several) + [filters.tags(target=column[0]) for column in columns] + [{}, {}],
        apart=frozenset(1 + several + place for place, column in enumerate(columns) if column in own),
        footer=[Item("floor", note="best constant answer"), *[Item("")] * several, *floors, Item(""), Item("")],
    )


def column_of(cell: Cell) -> Column:
    return cell.target, cell.metric, len(cell.classes)


def heading(column: Column, columns: list[Column]) -> str:
    target, metric, classes = column
    several = classes > 2 or [other[0] for other in columns].count(target) > 1
    return f"{target}\n{metric_title(metric)}" + (f", {classes} classes" if several else "")


def entry_item(answer: Answer, place: int) -> Item:
    """The entry's name, with the caveats that do not hold for all and stand above already."""
    entry = answer.entries[place]
    own = [caveat for caveat in entry.caveats if not all(caveat in other.caveats for other in answer.entries)]
    return Item(entry.name, note=", ".join(own), link=f"entry-{place}")


def seeds_text(entry: Entry) -> str:
    collapsed = len(entry.degenerate_seeds)
    return f"{len(entry.seeds)}" + (f" ({collapsed} degenerate)" if collapsed else "")


def matrix_item(cell: Cell | None, place: int, best: set[tuple[str, str, str]], tags: dict[str, str]) -> Item:
    if cell is None:
        return Item(DASH, tags=tags)
    notes = []
    if cell.without_degenerate is not None:
        notes.append(f"{percent(cell.without_degenerate.value)} without degenerate seeds")
    for published in cell.published:
        if published.comparable:
            status = "" if published.row.status == "checked" else f", {published.row.status}"
            notes.append(f"published {percent(published.row.fraction)} ({published.row.system}{status})")
    if remark(cell):
        notes.append(remark(cell))
    item = score_item(cell.mean, f"entry-{place}", "\n".join(notes), tags)
    is_best = (cell.entry, cell.target, cell.metric) in best
    return replace(item, kind="best-cell" if is_best else "")


def floor_item(cells: list[Cell], column: Column) -> Item:
    """The score of the best constant answer; it varies where models were scored on different rows."""
    floors = sorted({round(cell.floor, 6) for cell in cells if column_of(cell) == column})
    text = percent(floors[0]) if len(floors) == 1 else f"{percent(floors[0])} to {percent(floors[-1])}"
    return Item(text, 100 * floors[0])


def comparisons(answer: Answer, filters: Filters) -> Table:
    """Every pair that was tested."""
    names = {entry.key: entry for entry in answer.entries}

    def row(c: Comparison) -> Row:
        items = [
            Item(f"{names[c.second].name} minus {names[c.first].name}"),
            Item(c.source),
            Item(c.target, note=metric_title(c.metric)),
            difference_item(c.difference),
            p_item(c.p),
            p_item(c.p_holm),
            Item(VERDICTS[c.verdict], kind={"better": "good", "worse": "bad"}.get(c.verdict, "")),
            number(100 * c.minimum_detectable_difference, percent(c.minimum_detectable_difference)),
            Item(mcnemar(c, names[c.first].name, names[c.second].name), kind="sentence"),
        ]
        return Row(items, filters.tags(source=c.source, target=c.target))

    return Table(
        key="comparisons",
        caption=TABLES["comparisons"],
        columns=[
            "pair",
            "trained on",
            "dataset",
            "difference",
            "p",
            "p (Holm)",
            "verdict",
            "detectable",
            "McNemar",
        ],
        rows=[row(comparison) for comparison in answer.comparisons],
    )


def mcnemar(comparison: Comparison, first: str, second: str) -> str:
    """``seed 0: only base right 51, only large right 100, p < .001``"""
    tests = [
        f"seed {t.seed}: only {first} right {t.only_first_right:,}, only {second} right {t.only_second_right:,}, "
        f"p {p_text(t.p)}"
        for t in comparison.mcnemar
    ]
    return "; ".join(tests) or DASH


def p_text(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def published(answer: Answer, filters: Filters) -> Table:
    """Every published number of the sets shown, once, with what it may be compared with and, if nothing, why not."""
    names = {entry.key: entry.name for entry in answer.entries}
    stands: dict[tuple[str, PublishedNumber], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for cell in answer.cells:
        if cell.selection == answer.selection:
            for number_ in cell.published:
                who = f"{names[cell.entry]} trained on {cell.source}"
                stands[cell.target, number_.row][number_.reason].append(who)
    rows = []
    for (target, row), reasons in stands.items():
        alike = [f"Comparable with {', '.join(reasons[''])}."] if "" in reasons else []
        others = [f"Not comparable: {reason}." for reason in reasons if reason]
        items = [
            Item(row.system, note=row.status),
            Item(target),
            number(100 * row.fraction, percent(row.fraction)),
            Item("F1 %, kind not stated" if row.metric == "f1" else metric_title(row.metric)),
            Item(f"{row.protocol}, {row.training}"),
            Item(" ".join(alike + others), kind="sentence"),
            Item(row.source, note=row.note, kind="sentence"),
        ]
        rows.append(Row(items, filters.tags(target=target)))
    return Table(
        key="published",
        caption=TABLES["published"],
        columns=["system", "dataset", "value", "metric", "training", "comparable", "source"],
        rows=rows,
    )


def trends(answer: Answer, filters: Filters) -> Table:
    names = {entry.key: entry.name for entry in answer.entries}
    return Table(
        key="trends",
        caption=TABLES["trends"],
        columns=[
            "family",
            "trained on",
            "dataset",
            "points",
            "p",
            "p (Holm)",
            "models",
        ],
        rows=[
            Row(
                [
                    Item(t.family),
                    Item(t.source),
                    Item(t.target, note=metric_title(t.metric)),
                    change_item(t),
                    p_item(t.p),
                    p_item(t.p_holm),
                    Item(", ".join(names[key] for key in t.entries)),
                ],
                filters.tags(source=t.source, target=t.target),
            )
            for t in answer.trends
        ],
    )


def change_item(trend: Trend) -> Item:
    change, unit = trend.change
    item = difference_item(change)
    return replace(item, note="\n".join(filter(None, (item.note, unit))))


def calibrations(answer: Answer, filters: Filters) -> Table:
    names = {entry.key: entry.name for entry in answer.entries}
    return Table(
        key="calibration",
        caption=TABLES["calibration"],
        columns=["model", "trained on", "dataset", "calibration error"],
        rows=[
            Row(
                [
                    Item(names[c.entry]),
                    Item(c.source),
                    Item(c.target),
                    number(100 * c.calibration.ece, percent(c.calibration.ece)),
                ],
                filters.tags(source=c.source, model=c.model, target=c.target),
            )
            for c in answer.cells
            if c.calibration and c.selection == answer.selection
        ],
    )
