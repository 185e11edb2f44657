"""What the comparison says, before it is drawn: sections of groups, their means and the notes below them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sentiment_transfer.errors import UserError
from sentiment_transfer.report.aggregate import Column, Mean, RunGroup, differences, group_runs
from sentiment_transfer.report.collect import Collection
from sentiment_transfer.results.headline import metric_title, percent

LEADING = ("model", "source", "seeds")


@dataclass(frozen=True)
class Section:
    """One table: groups that were scored on common sets. Rows hold the cells of LEADING, then one per heading."""

    labels: list[str]  # honesty labels of every run in it, in capitals
    headings: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Comparison:
    sections: list[Section]
    notes: list[str]


def compare_runs(found: Collection, selection: str) -> Comparison:
    """The comparison of all runs found. Raises UserError where there is nothing to show."""
    groups = sorted(group_runs(found.results), key=lambda group: (group.source, group.parameters))
    if not groups:
        raise UserError(nothing_found(found))
    scored = [group for group in groups if group.means(selection)]
    if not scored:
        raise UserError(f'No run was scored with the selection "{selection}". Leave --selection out to see "last".')
    parts = overlapping(scored, selection)
    return Comparison([section(part, selection) for part in parts], list(notes(found, groups, selection)))


def nothing_found(found: Collection) -> str:
    sentences = ["No finished run was found. Make some with `make demo` or `python train.py`."]
    if found.unfinished:
        names = ", ".join(str(path) for path in found.unfinished)
        sentences.append(f"Unfinished (the same command continues them): {names}.")
    return " ".join(sentences + found.unreadable)


def overlapping(groups: list[RunGroup], selection: str) -> list[list[RunGroup]]:
    """Groups that share an evaluation set, directly or through others, belong into one table."""
    parts: list[tuple[set[str], list[RunGroup]]] = []
    for group in groups:
        sets = {column.dataset for column in group.means(selection)}
        touching = [part for part in parts if part[0] & sets]
        parts = [part for part in parts if part not in touching]
        members = [member for _, others in touching for member in others]
        parts.append((sets.union(*(names for names, _ in touching)), [*members, group]))
    return [members for _, members in parts]


def section(groups: list[RunGroup], selection: str) -> Section:
    columns = list(dict.fromkeys(column for group in groups for column in group.means(selection)))
    common = [label for label in groups[0].labels if all(label in group.labels for group in groups)]
    rows = [row for group in groups for row in group_rows(group, groups, columns, selection, common)]
    floors = [floor_cell(groups, column, selection) for column in columns]
    rows.append(["floor", "", "", *floors])
    return Section([label.upper() for label in common], headings(columns), rows)


def headings(columns: list[Column]) -> list[str]:
    """Data set over metric; the number of classes where it is not two, or a set was scored in several ways."""
    datasets = [column.dataset for column in columns]
    return [
        f"{column.dataset}\n{metric_title(column.metric)}"
        + (f", {column.classes} classes" if column.classes > 2 or datasets.count(column.dataset) > 1 else "")
        for column in columns
    ]


def group_rows(
    group: RunGroup, groups: list[RunGroup], columns: list[Column], selection: str, common: list[str]
) -> Iterator[list[str]]:
    settings = [f"{key.rpartition('.')[2]}={value}" for key, value in differences(group, groups).items()]
    own_labels = [label.upper() for label in group.labels if label not in common]
    means = group.means(selection)
    name = "\n".join([group.model, *own_labels, *settings])
    yield [name, group.source, count(group), *(cell(means.get(column)) for column in columns)]
    collapsed = group.degenerate_seeds
    if collapsed and len(collapsed) < len(group.seeds):
        rest = group.means(selection, without=collapsed)
        left = f"{len(group.seeds) - len(collapsed)} (without degenerate)"
        yield ["", "", left, *(cell(rest.get(column)) for column in columns)]


def count(group: RunGroup) -> str:
    """How many seeds: ``3``, ``3 (5 folds each)`` or ``3 (1 degenerate)``."""
    folds = sorted({len(runs) for runs in group.seeds.values()})
    remarks = []
    if folds != [1]:
        remarks.append(f"{'-'.join(str(n) for n in dict.fromkeys((folds[0], folds[-1])))} folds each")
    if group.degenerate_seeds:
        remarks.append(f"{len(group.degenerate_seeds)} degenerate")
    return f"{len(group.seeds)} ({', '.join(remarks)})" if remarks else str(len(group.seeds))


def cell(mean: Mean | None) -> str:
    if mean is None:
        return "–"
    spread = "" if mean.deviation is None else f" ±{percent(mean.deviation)}"
    return percent(mean.mean) + spread


def floor_cell(groups: list[RunGroup], column: Column, selection: str) -> str:
    """What the best constant answer scores; it varies where runs were scored on different rows."""
    means = [group.means(selection, floor=True).get(column) for group in groups]
    values = list(dict.fromkeys(percent(mean.mean) for mean in means if mean))
    return values[0] if len(values) == 1 else "varies"


def notes(found: Collection, groups: list[RunGroup], selection: str) -> Iterator[str]:
    of_targets = " (chosen on the target's own development set: not zero-shot numbers)" * (selection == "oracle")
    yield f"Selection {selection}{of_targets}. Mean over seeds ±standard deviation; floor: the best constant answer."
    if any(group.degenerate_seeds for group in groups):
        yield "Degenerate: the run predicted one class only."
    reasons = [reason for group in groups for run in group.runs for reason in run["unavailable"].items()]
    for name, why in dict.fromkeys(reasons):
        yield f"{name} was not scored: {why}"
    if found.copies:
        yield f"{found.copies} further records of the same runs were left out (the newest is shown)."
    for folder in found.unfinished:
        yield f"Unfinished, not shown (the same command continues it): {folder}"
    yield from found.unreadable
