"""The table of scores over target labels, with the command behind each."""

from __future__ import annotations

from collections.abc import Iterator

from sentiment_transfer.formatting import DASH, counted, metric_title, percent
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
        rows=[row for study in answer.studies for row in rows_of(study, filters, runs)],
    )


def rows_of(study: Study, filters: Filters, runs: Runs) -> Iterator[Row]:
    """Every budget; before them the score that few-shot started from, where no zero-shot run is here to show it."""
    if not study.of("none") and (started := started_from(study, runs)):
        mean = sum(started.values()) / len(started)
        items = [
            Item(study.target, note=", ".join(filter(None, [metric_title(study.metric), study.fold]))),
            Item(study.model),
            Item(study.source),
            Item(LABEL_USES["none"], note="as the few-shot runs recorded it"),
            number(0),
            number(0),
            Item(percent(mean), 100 * mean),
            number(len(started)),
            Item(DASH),
        ]
        yield Row(items, filters.tags(target=study.target if study.target in filters.target else ""))
    for budget in study.budgets:
        yield line(study, budget, filters, runs)


def started_from(study: Study, runs: Runs) -> dict[str, float]:
    """The run that few-shot started from -> its zero-shot score on the target."""
    few_shot = [runs[run_id].result for budget in study.of("sequential") for run_id in budget.run_ids if run_id in runs]
    return {
        result["source"]["started_from"]: result["scores"][study.target]["zero_shot"]
        for result in few_shot
        if "started_from" in result["source"] and "zero_shot" in result["scores"][study.target]
    }


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
