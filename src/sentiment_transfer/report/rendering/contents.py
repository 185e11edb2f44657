"""Everything that a report holds, gathered once: page, Markdown, tables and figures are made from it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import matplotlib

from sentiment_transfer.report.analysis.collect import Collection, Environment, RunInfo, run_infos
from sentiment_transfer.report.analysis.findings import Answer, Entry
from sentiment_transfer.report.analysis.studies import by_labels
from sentiment_transfer.report.prose.captions import TABLES
from sentiment_transfer.report.prose.cautions import notes
from sentiment_transfer.report.prose.sentences import Sentence, sentences
from sentiment_transfer.report.prose.verdict import seed_commands
from sentiment_transfer.report.rendering.figures.distance import distance_plots
from sentiment_transfer.report.rendering.figures.forest import forest_plots
from sentiment_transfer.report.rendering.figures.labels import label_plots
from sentiment_transfer.report.rendering.figures.models import learning_plots, model_plots
from sentiment_transfer.report.rendering.figures.sizes import size_plots
from sentiment_transfer.report.rendering.figures.slices import slice_plots
from sentiment_transfer.report.rendering.figures.style import RC
from sentiment_transfer.report.rendering.parts import Filters, Item, Plot, Row, Table, filters_of
from sentiment_transfer.report.rendering.tables import records, scores
from sentiment_transfer.report.rendering.tables.distance import distance_tables
from sentiment_transfer.report.rendering.tables.labels import label_table
from sentiment_transfer.report.rendering.tables.mistakes import mistakes
from sentiment_transfer.report.rendering.tables.slices import slice_tables

# Of more figures nobody looks at each; without a limit a page of ten sources takes 105 s and 9.5 MB.
MOST_SIZES, MOST_SLICES = 15, 5
FIGURES_DRAWN = (
    f"At most {MOST_SIZES} figures of size and transfer gap and {MOST_SLICES} of slices are drawn, of the first "
    "sources; the tables have all."
)


@dataclass(frozen=True)
class Contents:
    answer: Answer
    sentences: list[Sentence]
    filters: Filters
    runs: dict[str, RunInfo]
    environments: list[Environment]
    plots: list[Plot]  # to be saved inside ``drawing()``
    tables: dict[str, Table]  # those with fixed names, by key
    distances: list[Table]  # by source and corpus
    slices: list[tuple[str, Table]]  # with the name of the dataset
    mistakes: list[tuple[str, Table]]  # by dataset
    selections: list[Table]  # the matrix under every other selection
    commands: list[tuple[Entry, Table]]
    more_seeds: list[str]  # commands that add the seeds that the verdict lacks
    notes: list[str]  # the methods, and the files that could not be read
    paths: list[Path]  # what was reported on
    texts: bool  # whether reviews may be shown
    written: datetime


def drawing() -> AbstractContextManager[None]:
    """The context in which figures are made and saved."""
    return matplotlib.rc_context(RC)


def gather(answer: Answer, found: Collection, paths: Sequence[Path], texts: bool, now: datetime) -> Contents:
    """The report's contents; to be called inside ``drawing()``."""
    filters = filters_of(answer)
    results = {result["run_id"]: result for result in found.results}
    runs, environments = run_infos(results, found.folders)
    worst, unreadable = mistakes(answer, filters, runs, texts)
    tables = [
        scores.matrix(answer, filters),
        scores.comparisons(answer, filters),
        scores.published(answer, filters),
        scores.trends(answer, filters),
        scores.calibrations(answer, filters),
        label_table(answer, filters, runs),
        records.audit(filters, {run_id: run for run_id, run in runs.items() if not by_labels(run.result)}),
        records.leaks(answer, filters, runs),
        records.cost(answer, filters, runs, environments),
        records.problems(answer, now),
        environment_table(environments),
    ]
    others = dict.fromkeys(cell.selection for cell in answer.cells if cell.selection != answer.selection)
    plots = [
        *forest_plots(answer, filters),
        *islice(size_plots(answer, filters), MOST_SIZES),
        *distance_plots(answer, filters),
        *islice(slice_plots(answer, filters), MOST_SLICES),
        *label_plots(answer, filters),
        *learning_plots(answer, filters, results),
        *model_plots(answer, filters),
    ]
    return Contents(
        answer=answer,
        sentences=sentences(answer),
        filters=filters,
        runs=runs,
        environments=environments,
        plots=plots,
        tables={table.key: table for table in tables},
        distances=list(distance_tables(answer, filters)),
        slices=slice_tables(answer, filters),
        mistakes=worst,
        selections=[other_selection(answer, filters, selection) for selection in others],
        commands=[(e, records.commands(e, filters, runs, place)) for place, e in enumerate(answer.entries)],
        more_seeds=seed_commands(answer),
        notes=[*notes(answer), FIGURES_DRAWN, *unreadable],
        paths=list(paths),
        texts=texts,
        written=now,
    )


def other_selection(answer: Answer, filters: Filters, selection: str) -> Table:
    table = scores.matrix(answer, filters, selection)
    return replace(table, key=f"matrix-{selection}")


def environment_table(environments: Sequence[Environment]) -> Table:
    rows = [
        Row(
            [
                Item(f"E{place}", anchor=f"environment-{place}"),
                Item(e.revision),
                Item(e.device),
                Item(e.precision),
                Item(e.packages),
            ]
        )
        for place, e in enumerate(environments, start=1)
    ]
    return Table("environments", TABLES["environments"], ["name", "revision", "device", "precision", "packages"], rows)
