"""From the runs that were found to all numbers of the report; ``report/prose`` says them in sentences."""

from __future__ import annotations

from dataclasses import replace

from sentiment_transfer.commands import command
from sentiment_transfer.config.prices import read_prices
from sentiment_transfer.errors import UserError
from sentiment_transfer.report.analysis.cells import resampled_cells
from sentiment_transfer.report.analysis.collect import Collection, command_without_seed
from sentiment_transfer.report.analysis.comparisons import comparable_groups, compare_pairs, transfer_gaps, trends
from sentiment_transfer.report.analysis.distance import distance_trends
from sentiment_transfer.report.analysis.distance_findings import DistanceTrend
from sentiment_transfer.report.analysis.effects import SizeVerdict
from sentiment_transfer.report.analysis.entries import group_runs, make_entries
from sentiment_transfer.report.analysis.findings import Answer, Best, Comparison, TransferGap, Trend
from sentiment_transfer.report.analysis.llms import costs_of, llm_verdicts, unanswered
from sentiment_transfer.report.analysis.run_scores import resample_runs
from sentiment_transfer.report.analysis.slices import SlicedSet
from sentiment_transfer.report.analysis.slicing import sliced_sets
from sentiment_transfer.report.analysis.studies import by_labels, studies
from sentiment_transfer.report.analysis.verdict import size_verdicts


def answer(collection: Collection, selection: str = "last") -> Answer:
    """Cells of every selection, tests of ``selection``. Raises UserError where there is nothing to show.

    Reads the predictions of every run: about 5 s for 500 runs x 5 datasets x 5,000 reviews, and as long again for the
    tests (``benchmarks/report_scale.py``).
    """
    if not collection.results:
        raise UserError(nothing_found(collection))
    zero_shot_or_full = [run for run in collection.results if not by_labels(run)]
    if not zero_shot_or_full:
        raise UserError(
            "Only runs with labels of a target were found (few-shot, joint, or supervised by a few): the report "
            "measures them against zero-shot. Name the folder of the zero-shot runs as well, or train them: "
            f"{command('train', 'protocol=zero_shot')}."
        )
    grouped = [
        (replace(entry, command=command_without_seed(collection.folders[group.runs[0]["run_id"]])), group)
        for entry, group in make_entries(group_runs(zero_shot_or_full))
    ]
    entries = {entry.key: entry for entry, _ in grouped}
    run_scores = resample_runs(collection.results, collection.folders)
    cells = list(resampled_cells(grouped, run_scores))
    selected = [resampled for resampled in cells if resampled.cell.selection == selection]
    if not selected:
        raise UserError(f'No run was scored with the selection "{selection}". Leave --selection out to see "last".')
    compared = [resampled for resampled in selected if not entries[resampled.cell.entry].averaged]
    tested = [resampled for resampled in compared if not entries[resampled.cell.entry].prompted]
    comparisons: list[Comparison] = []
    best: list[Best] = []
    trends_of_all: list[Trend] = []
    gaps: list[TransferGap] = []
    verdicts: list[SizeVerdict] = []
    distances: list[DistanceTrend] = []
    results = {run["run_id"]: run for run in zero_shot_or_full}
    slices: list[SlicedSet] = []
    for source in dict.fromkeys(resampled.cell.source for resampled in tested):
        of_source = [resampled for resampled in tested if resampled.cell.source == source]
        groups = comparable_groups(of_source)
        pairs, winners = compare_pairs(groups)
        comparisons += pairs
        best += winners
        trends_of_all += trends(groups, entries)
        gaps += transfer_gaps(of_source)
        verdicts += size_verdicts(groups, entries)
        distances += distance_trends(of_source, entries, results)
        slices += sliced_sets(of_source, entries, run_scores.features)
    return Answer(
        selection=selection,
        entries=tuple(entries.values()),
        cells=tuple(resampled.cell for resampled in cells),
        comparisons=tuple(comparisons),
        best=tuple(best),
        trends=tuple(trends_of_all),
        gaps=tuple(gaps),
        verdicts=tuple(verdicts),
        caveats=tuple(dict.fromkeys(caveat for entry in entries.values() for caveat in entry.caveats)),
        unavailable=dict(item for run in collection.results for item in run["unavailable"].items()),
        unfinished=tuple(str(folder) for folder in collection.unfinished),
        unusable=tuple(collection.unreadable),
        studies=tuple(studies(collection.results, run_scores, selection)),
        slices=tuple(slices),
        label_runs=len(collection.results) - len(zero_shot_or_full),
        copies=collection.copies,
        faults=tuple(run_scores.faults),
        distances=tuple(distances),
        llms=tuple(llm_verdicts(compared, entries)),
        unanswered=tuple(unanswered(entries, results)),
        costs=costs_of(entries, results, read_prices()),
    )


def nothing_found(collection: Collection) -> str:
    sentences = [f"No finished run was found. Make some, e.g. with `{command('train', 'experiment=demo')}`."]
    if collection.unfinished:
        names = ", ".join(str(path) for path in collection.unfinished)
        sentences.append(f"Unfinished (the same command continues them): {names}.")
    return " ".join(sentences + collection.unreadable)
