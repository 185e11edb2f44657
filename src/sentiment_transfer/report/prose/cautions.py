"""What has to be said with the answer: what was compared, what is missing, collapsed, labelled or left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sentiment_transfer.formatting import SELECTIONS
from sentiment_transfer.report.analysis.collect import Collection
from sentiment_transfer.report.analysis.entries import RunGroup
from sentiment_transfer.report.analysis.findings import Cell, Entry, Sentence
from sentiment_transfer.report.prose.phrases import counted, estimate_text, listed

FAULTS = 5  # damaged or missing files that are named
LABELS = {
    "random weights": "encoders started from random weights, so nothing here is about pretrained ones",
    "4-bit weights": "the encoder's published weights were rounded to 4 bits: its scores in full precision differ",
    "trained from scratch": "encoders were trained from nothing but the source",
    "language model trained here": "ULMFiT started from a language model of the texts at hand, not of Wikipedia",
}


def scope_sentence(entries: Sequence[Entry], cells: Sequence[Cell], selection: str) -> str:
    """What the answer is about."""
    seeds = sorted({len(entry.seeds) for entry in entries})
    runs = sum(len(entry.run_ids) for entry in entries)
    many = counted(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {counted(seeds[-1], 'seed')}"
    sources = list(dict.fromkeys(entry.source for entry in entries))
    targets = list(dict.fromkeys(cell.target for cell in cells))
    models = list(dict.fromkeys(entry.name for entry in entries))
    return (
        f"{counted(len(models), 'model')} ({listed(models)}) trained on {listed(sources)} with {many} each "
        f"({counted(runs, 'run')}), scored on {listed(targets, 6)} with {SELECTIONS[selection]}."
    )


def cautions(
    found: Collection, groups: Sequence[RunGroup], entries: Sequence[Entry], cells: Sequence[Cell], selection: str
) -> Iterator[Sentence]:
    for label in dict.fromkeys(label for entry in entries for label in entry.labels):
        marked = [entry.name for entry in entries if label in entry.labels]
        of = "" if len(marked) == len(entries) else f" ({listed(list(dict.fromkeys(marked)))})"
        yield caution(f"Labelled {label}{of}: {LABELS.get(label, 'see the run')}.")
    if selection == "oracle":
        yield caution("The oracle chooses an epoch by the target's own labels: these are no zero-shot numbers.")
    yield from collapsed(cells, {entry.key: entry.name for entry in entries})
    single = [entry.name for entry in entries if len(entry.seeds) == 1 and not entry.averaged]
    if single:
        yield caution(
            f"One seed only: {listed(single)}. Such intervals cover other reviews, not other seeds; run three or more."
        )
    if means := [entry.name for entry in entries if entry.averaged]:
        yield caution(f"Means of runs are one network each and in no test: {listed(means)}.")
    for text in dict.fromkeys(number.row.note for cell in cells for number in cell.published if number.row.note):
        target = next(c.target for c in cells for number in c.published if number.row.note == text)
        yield Sentence("caution", f"{target}: {text}", target, "")
    for group in groups:
        if group.incomplete_seeds:
            left = ", ".join(map(str, group.incomplete_seeds))
            yield caution(f"{group.model}: seed {left} lacks folds that other seeds have, and is left out.")
    for name, why in dict(item for run in found.results for item in run["unavailable"].items()).items():
        yield Sentence("caution", f"{name} was not scored by every run: {why}", name, "")
    if found.unfinished:
        yield caution(f"{counted(len(found.unfinished), 'run')} not finished, and not counted.")
    if found.unreadable:
        yield caution(f"{counted(len(found.unreadable), 'result')} left out, for the reasons listed.")


def collapsed(cells: Sequence[Cell], names: dict[str, str]) -> Iterator[Sentence]:
    """One class predicted only: counted in the mean, and the mean shown without it as well."""
    for cell in cells:
        if cell.degenerate_seeds:
            seeds = f"{len(cell.degenerate_seeds)} of {counted(len(cell.by_seed), 'seed')}"
            rest = (
                f"without: {estimate_text(cell.without_degenerate)}, with: {estimate_text(cell.mean)}"
                if cell.without_degenerate
                else f"its score is a floor: {estimate_text(cell.mean)}"
            )
            text = f"On {cell.target}, {names[cell.entry]} collapsed to one class in {seeds} ({rest})."
            yield Sentence("caution", text, cell.target, cell.source)


def caution(text: str) -> Sentence:
    return Sentence("caution", text, "", "")


def notes(found: Collection, faults: Sequence[str], by_labels: int = 0) -> Iterator[str]:
    """How the numbers were made, and what is not in them."""
    yield (
        "Intervals are 95 % and cover other seeds and other test reviews: reviews are resampled together for all "
        "models, seeds enter through Student's t."
    )
    yield (
        "Comparisons, trends and gaps are each corrected after Holm over all of their kind that share a source: of 100 "
        "such families at most 5 hold a false claim. What could be shown: with a chance of 80 %."
    )
    yield "McNemar's exact test compares two trained networks of one seed on the same reviews, not two models."
    yield "A floor is what the best constant answer scores."
    if by_labels:
        yield (
            f"{counted(by_labels, 'run')} with labels of a target (few-shot, joint, or a few labels alone) are in the "
            "figures and sentences about labels, and in no other: nothing that is said of zero-shot rests on them."
        )
    if found.copies:
        yield f"{counted(found.copies, 'further record')} of the same runs left out (the newest is shown)."
    yield from faults[:FAULTS]
    if len(faults) > FAULTS:
        yield f"{len(faults) - FAULTS:,} more such files."
