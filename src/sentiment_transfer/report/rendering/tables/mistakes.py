"""The reviews that models get wrong while being most sure of the wrong answer."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator

from sentiment_transfer.errors import UserError
from sentiment_transfer.escaping import shortened
from sentiment_transfer.report.analysis.collect import RunInfo
from sentiment_transfer.report.analysis.datasets import recorded_name
from sentiment_transfer.report.analysis.findings import Answer, Cell
from sentiment_transfer.report.prose.captions import TABLES
from sentiment_transfer.report.rendering.parts import Filters, Item, Row, Table, number
from sentiment_transfer.results.predictions import MAX_MISTAKES, Mistake, read_mistakes

ROWS = 400  # of the whole table
PER_CELL = (2, 5)  # at least, at most
LENGTH = 400  # characters of a review
PerRun = dict[str, dict[str, list[Mistake]]]  # run id -> dataset -> mistakes


def mistakes(
    answer: Answer, filters: Filters, runs: dict[str, RunInfo], texts: bool
) -> tuple[list[tuple[str, Table]], list[str]]:
    """Per dataset, the reviews that most runs get wrong, the most confident first; what could not be read.

    The targets come before the source's own test set. ``texts``: whether the reviews' texts may stand in the report.
    """
    per_run, unreadable = by_run(runs)
    cells = [cell for cell in answer.cells if cell.selection == "last"]
    roles = {cell.target: cell.role for cell in cells}
    each = min(max(ROWS // max(len(cells), 1), PER_CELL[0]), PER_CELL[1])
    tables = []
    for target in sorted(roles, key=lambda target: roles[target] == "source"):
        of_target = [cell for cell in cells if cell.target == target]
        if rows := list(table_rows(answer, filters, of_target, per_run, each, texts)):
            cell = of_target[0]
            caption = TABLES["mistakes"].format(
                target=target, language=cell.language, domain=cell.domain, each=each, most=MAX_MISTAKES
            )
            columns = ["review", "model", "gold", "predicted", "confidence", "runs", "id"]
            tables.append((target, Table(f"mistakes-{filters.target.index(target)}", caption, columns, rows)))
    return tables, unreadable


def table_rows(
    answer: Answer, filters: Filters, cells: list[Cell], per_run: PerRun, each: int, texts: bool
) -> Iterator[Row]:
    names = {entry.key: entry.name for entry in answer.entries}
    for cell in cells:
        name = f"{names[cell.entry]} · {cell.source}" if len(filters.source) > 1 else names[cell.entry]
        for of in worst(cell, per_run)[:each]:
            yield Row(items(cell, name, of, texts), filters.tags(source=cell.source, model=cell.model))


def by_run(runs: dict[str, RunInfo]) -> tuple[PerRun, list[str]]:
    found, unreadable = {}, []
    for run_id, run in runs.items():
        try:
            kept = read_mistakes(run.folder) if run.folder else {}
            shown = {recorded_name(run.result["config"], name): name for name in run.result["scores"]}
            found[run_id] = {shown.get(name, name): of for name, of in kept.items()}
        except UserError as error:
            unreadable.append(str(error))
    return found, unreadable


def worst(cell: Cell, per_run: PerRun) -> list[list[Mistake]]:
    """The same review in all runs that got it wrong, the most frequent and then the most confident first."""
    by_review: dict[str, list[Mistake]] = defaultdict(list)
    for run_id in cell.run_ids:
        for mistake in per_run.get(run_id, {}).get(cell.target, []):
            by_review[mistake["id"]].append(mistake)
    return sorted(by_review.values(), key=lambda of: (-len(of), -statistics.fmean(m["confidence"] for m in of)))


def items(cell: Cell, name: str, of: list[Mistake], texts: bool) -> list[Item]:
    confidence = statistics.fmean(mistake["confidence"] for mistake in of)
    text = shortened(of[0]["text"], LENGTH) if texts else "(left out)"
    return [
        Item(text, kind="review", language=cell.language if texts else ""),
        Item(name),
        Item(of[0]["gold"]),
        Item(of[0]["predicted"]),
        number(confidence, f"{100 * confidence:.1f} %"),
        number(len(of), f"{len(of)} of {len(cell.run_ids)}"),
        Item(of[0]["id"]),
    ]
