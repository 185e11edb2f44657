"""The reviews that models get wrong while being most sure of the wrong answer."""

from __future__ import annotations

import statistics
from collections import defaultdict

from sentiment_transfer.errors import UserError
from sentiment_transfer.report.filters import Filters
from sentiment_transfer.report.findings import Answer, Cell
from sentiment_transfer.report.runs import Made
from sentiment_transfer.report.tables.table import Item, Row, Table, number
from sentiment_transfer.report.wording import shortened
from sentiment_transfer.results.mistakes import AT_MOST, Mistake, read_mistakes

ROWS = 400  # of the whole table
PER_CELL = (3, 10)  # at least, at most
LENGTH = 400  # characters of a review
Found = dict[tuple[str, str], dict[str, list[Mistake]]]  # run id, evaluation set -> ...


def mistakes(answer: Answer, filters: Filters, runs: dict[str, Made], texts: bool) -> tuple[Table, list[str]]:
    """Per entry and evaluation set the reviews that most seeds get wrong, the most confident first; and what could not
    be read. ``texts``: whether the reviews' texts may stand in the report.
    """
    per_run, unreadable = by_run(runs)
    cells = [cell for cell in answer.cells if cell.selection == "last"]
    names = {entry.key: entry.name for entry in answer.entries}
    each = min(max(ROWS // max(len(cells), 1), PER_CELL[0]), PER_CELL[1])
    rows = [
        Row(items(cell, names[cell.entry], of, texts), filters.tags(cell.source, cell.model, cell.target))
        for cell in sorted(cells, key=lambda cell: filters.target.index(cell.target))
        for of in worst(cell, per_run)[:each]
    ]
    table = Table(
        key="mistakes",
        caption=(
            f"Up to {each} reviews per model and evaluation set: those that most runs have among their {AT_MOST} most "
            "confident mistakes, then by confidence. Weights of the last epoch."
        ),
        columns=["evaluation set", "model", "review", "gold", "predicted", "confidence", "runs", "id"],
        rows=rows,
    )
    return table, unreadable


def by_run(runs: dict[str, Made]) -> tuple[dict[str, dict[str, list[Mistake]]], list[str]]:
    found, unreadable = {}, []
    for run_id, run in runs.items():
        try:
            found[run_id] = read_mistakes(run.folder) if run.folder else {}
        except UserError as error:
            unreadable.append(str(error))
    return found, unreadable


def worst(cell: Cell, per_run: dict[str, dict[str, list[Mistake]]]) -> list[list[Mistake]]:
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
        Item(cell.target, note=f"{cell.language}, {cell.domain}"),
        Item(name, note=f"trained on {cell.source}"),
        Item(text, kind="review", language=cell.language if texts else ""),
        Item(of[0]["gold"]),
        Item(of[0]["predicted"]),
        number(confidence, f"{100 * confidence:.1f} %"),
        number(len(of), f"{len(of)} of {len(cell.run_ids)}"),
        Item(of[0]["id"]),
    ]
