"""From the runs that were found to everything the report says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from sentiment_transfer.errors import UserError
from sentiment_transfer.report.analysis.cells import Measured, measure
from sentiment_transfer.report.analysis.collect import Collection
from sentiment_transfer.report.analysis.comparisons import alike, best, comparison, tested_pairs
from sentiment_transfer.report.analysis.entries import group_runs, make_entries
from sentiment_transfer.report.analysis.evidence import gather
from sentiment_transfer.report.analysis.findings import (
    Answer,
    Best,
    Cell,
    Comparison,
    Entry,
    Sentence,
    TransferGap,
    Trend,
)
from sentiment_transfer.report.analysis.gaps import gaps
from sentiment_transfer.report.analysis.studies import by_labels, studies
from sentiment_transfer.report.analysis.trends import trends
from sentiment_transfer.report.prose.cautions import cautions, notes, scope_sentence

STEPS = 4  # entries of a source up to which every step in size has its sentence; of more, the two ends alone


def answer(found: Collection, selection: str = "last") -> Answer:
    """Tests and sentences for ``selection``, cells for all. Raises UserError where there is nothing to show.

    Reads the predictions of every run: about 5 s for 500 runs x 5 sets x 5,000 reviews, and as long again for the tests
    (``benchmarks/report_scale.py``).
    """
    if not found.results:
        raise UserError(nothing_found(found))
    main = [run for run in found.results if not by_labels(run)]
    if not main:
        raise UserError(
            "Only runs with labels of a target were found (few-shot, joint, or supervised by a few): what they are "
            "measured against is zero-shot. Name the folder of the zero-shot runs as well, or train them: "
            "python train.py protocol=zero_shot."
        )
    groups = group_runs(main)
    entries = make_entries(groups)
    evidence = gather(found.results, found.folders)
    measured = list(measure(entries, evidence))
    chosen = [m for m in measured if m.cell.selection == selection]
    if not chosen:
        raise UserError(f'No run was scored with the selection "{selection}". Leave --selection out to see "last".')
    cells = tuple(m.cell for m in measured)
    by_budget = tuple(studies(found.results, evidence, selection))
    by_key = {entry.key: entry for entry, _ in entries}
    tested = [m for m in chosen if not by_key[m.cell.entry].averaged]
    findings = [Findings(of_source, by_key) for of_source in by_source(tested)]
    return Answer(
        selection=selection,
        sentences=(
            Sentence("question", scope_sentence(list(by_key.values()), [m.cell for m in chosen], selection), "", ""),
            *(sentence for each in findings for sentence in each.sentences()),
            *(Sentence("labels", text, of.target, of.source) for of in by_budget for text in of.sentences),
            *cautions(found, groups, list(by_key.values()), [m.cell for m in chosen], selection),
        ),
        entries=tuple(by_key.values()),
        cells=cells,
        comparisons=tuple(c for each in findings for c in each.comparisons),
        best=tuple(b for each in findings for b in each.best),
        trends=tuple(t for each in findings for t in each.trends),
        gaps=tuple(g for each in findings for g in each.gaps),
        labels=tuple(dict.fromkeys(label for entry in by_key.values() for label in entry.labels)),
        unavailable=dict(item for run in found.results for item in run["unavailable"].items()),
        unfinished=tuple(str(folder) for folder in found.unfinished),
        unusable=tuple(found.unreadable),
        notes=tuple(notes(found, evidence.faults, len(found.results) - len(main))),
        studies=by_budget,
    )


def nothing_found(found: Collection) -> str:
    sentences = ["No finished run was found. Make some with `make demo` or `python train.py`."]
    if found.unfinished:
        names = ", ".join(str(path) for path in found.unfinished)
        sentences.append(f"Unfinished (the same command continues them): {names}.")
    return " ".join(sentences + found.unreadable)


def by_source(cells: Sequence[Measured]) -> list[list[Measured]]:
    sources = dict.fromkeys(m.cell.source for m in cells)
    return [[m for m in cells if m.cell.source == source] for source in sources]


class Findings:
    """What the tests say of the models trained on one source."""

    def __init__(self, cells: Sequence[Measured], entries: Mapping[str, Entry]) -> None:
        names = {key: entry.name for key, entry in entries.items()}
        groups = alike(cells)
        pairs = tested_pairs(groups)
        self.entries = entries
        self.cells: list[Cell] = [m.cell for m in cells]
        self.comparisons: list[Comparison] = [comparison(pair, names) for pair in pairs if pair.listed]
        self.best: list[Best] = [best(group, pairs, names) for group in groups]
        self.trends: list[Trend] = trends(groups, entries)
        self.gaps: list[TransferGap] = gaps(cells, names)

    def sentences(self) -> Iterator[Sentence]:
        """By evaluation set: the best, what size does, what the unseen language costs, what is published."""
        for found in self.best:
            where = (found.target, found.source)
            yield Sentence("best", found.sentence, *where)
            alike = [c for c in self.comparisons if (c.target, c.metric) == (found.target, found.metric)]
            for step in steps([key for key in self.entries if self.has(key, found)], alike):
                yield Sentence("comparison", step.sentence, *where)
            for trend in self.trends:
                if (trend.target, trend.metric) == (found.target, found.metric) and len(set(trend.sizes)) > 2:
                    yield Sentence("trend", trend.sentence, *where)
            for gap in self.gaps:
                if (gap.target, gap.entry) == (found.target, found.entry):
                    yield Sentence("gap", gap.sentence, *where)
            yield from self.published(found)

    def has(self, key: str, found: Best) -> bool:
        return any((c.entry, c.target, c.metric) == (key, found.target, found.metric) for c in self.cells)

    def published(self, found: Best) -> Iterator[Sentence]:
        """The published numbers that may stand beside ours: those of an encoder that we ran, or beside our best."""
        for cell in self.cells:
            if cell.target == found.target and cell.metric == found.metric:
                for number in cell.published:
                    own = number.row.model == cell.model
                    if number.comparable and (own or cell.entry == found.entry):
                        text = f"{self.entries[cell.entry].name} on {cell.target}. {number.sentence}"
                        yield Sentence("published", text, cell.target, cell.source)


def steps(keys: Sequence[str], comparisons: Sequence[Comparison]) -> list[Comparison]:
    """From each size to the next where there are few, and from the smallest to the largest."""
    wanted = [*pairwise(keys)] if len(keys) <= STEPS else []
    if len(keys) > 2:
        wanted.append((keys[0], keys[-1]))
    return [c for c in comparisons if (c.first, c.second) in wanted]
