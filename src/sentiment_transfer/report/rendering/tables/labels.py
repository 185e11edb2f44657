"""The table of scores over target labels, with the command behind each."""

from __future__ import annotations

from sentiment_transfer.formatting import DASH, counted, metric_title
from sentiment_transfer.report.analysis.findings import Answer, Budget, Study
from sentiment_transfer.report.prose.captions import TABLES
from sentiment_transfer.report.prose.labels import LABEL_USES
from sentiment_transfer.report.rendering.parts import Filters, Item, Row, Table, number, score_item
from sentiment_transfer.report.rendering.tables.records import Runs


def label_table(answer: Answer, filters: Filters, runs: Runs) -> Table:
    """Every budget of every study."""
    return Table(
        key="labels",
        caption=TABLES["labels"],
        columns=[
            "dataset",
            "model",
            "source",
            "labels used",
            "per class",
            "target labels",
            "score",
            "runs",
            "command",
        ],
        rows=[line(study, budget, filters, runs) for study in answer.studies for budget in study.budgets],
    )


def line(study: Study, budget: Budget, filters: Filters, runs: Runs) -> Row:
    first = runs.get(budget.run_ids[0])
    others = len(budget.run_ids) - 1
    items = [
        Item(study.target, note=", ".join(filter(None, [metric_title(study.metric), study.fold]))),
        Item(study.model),
        Item(DASH if budget.label_use == "target_only" else study.source),
        Item(LABEL_USES[budget.label_use]),
        Item("all") if budget.per_class is None and budget.labels else number(budget.per_class or 0),
        number(budget.labels),
        score_item(budget.mean),
        number(len(budget.run_ids), note=runs_text(budget)),
        Item(first.command, kind="command", note=f"and {others} more, with other seeds or draws" * (others > 0))
        if first
        else Item(DASH),
    ]
    tags = filters.tags(
        source=study.source if study.source in filters.source and budget.label_use != "target_only" else "",
        model=study.model if study.model in filters.model else "",
        target=study.target if study.target in filters.target else "",
    )
    return Row(items, tags)


def runs_text(budget: Budget) -> str:
    """``3 seeds, 3 draws``; draws only where there is something to draw."""
    return counted(budget.seeds, "seed") + (f", {counted(budget.draws, 'draw')}" if budget.per_class else "")
