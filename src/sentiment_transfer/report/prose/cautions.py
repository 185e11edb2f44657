"""Sentences that go with the answer: the scope, caveats, missing and collapsed runs, and the method notes."""

from __future__ import annotations

from collections.abc import Iterator

from sentiment_transfer.formatting import SELECTIONS, counted, listed, value_and_interval
from sentiment_transfer.report.analysis.findings import Answer, Estimate
from sentiment_transfer.results.record import is_size_caveat
from sentiment_transfer.statistics.interval import ENOUGH_SEEDS

FAULTS = 5  # damaged or missing files that are named
Caution = tuple[str, str, str]  # text, target, source; the last two empty where it is about all
CAVEATS = {
    "random weights": "encoders started from random weights, so nothing here is about pretrained ones",
    "4-bit weights": "the encoder's published weights were rounded to 4 bits: its scores in full precision differ",
    "trained from scratch": "encoders were not pretrained and learned from the source alone",
    "training data unknown": "its training texts are not known, and may include the test sets with their labels",
    "language model trained here": "ULMFiT started from a language model of the texts at hand, not of Wikipedia",
}
OF_A_PART = "a part of the dataset was at hand, so its numbers are not comparable with those on all of it"


def scope_text(answer: Answer) -> str:
    """The models, sources, targets and seeds that the answer is about."""
    asked = [entry.name for entry in answer.entries if entry.prompted]
    prompted = listed(asked) if asked else ""
    trained = [entry for entry in answer.entries if not entry.prompted]
    targets = listed(list(dict.fromkeys(cell.target for cell in answer.selected)), 6)
    if not trained:
        return f"{prompted}, prompted and not trained, scored on {targets}."
    seeds = sorted({len(entry.seeds) for entry in trained})
    runs = sum(len(entry.run_ids) for entry in trained)
    number = counted(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {counted(seeds[-1], 'seed')}"
    sources = list(dict.fromkeys(entry.source for entry in trained))
    models = list(dict.fromkeys(entry.name for entry in trained))
    beside = f"; beside them {prompted}, prompted and not trained" if prompted else ""
    return (
        f"{counted(len(models), 'model')} ({listed(models)}) trained on {listed(sources)} with {number} each "
        f"({counted(runs, 'run')}), scored on {targets} with {SELECTIONS[answer.selection]}{beside}."
    )


def cautions(answer: Answer) -> Iterator[Caution]:
    for caveat in answer.caveats:
        marked = [entry.name for entry in answer.entries if caveat in entry.caveats]
        names = "" if len(marked) == len(answer.entries) else f" ({listed(list(dict.fromkeys(marked)))})"
        meaning = OF_A_PART if is_size_caveat(caveat) else CAVEATS.get(caveat, "see the run")
        yield general(f'Caveat "{caveat}"{names}: {meaning}.')
    if answer.selection == "oracle":
        yield general("The oracle selects an epoch with the target's own labels: these are not zero-shot numbers.")
    yield from collapsed(answer)
    for each in answer.unanswered:
        name = answer.names[each.llm]
        text = f"On {each.target}, {name} named no class in {each.answers} of {counted(each.of, 'answer')}"
        yield f"{text}, which count as errors.", each.target, ""
    seeded = [entry for entry in answer.entries if not entry.averaged and not entry.deterministic]
    if few := [entry.name for entry in seeded if len(entry.seeds) < ENOUGH_SEEDS]:
        yield general(
            f"Fewer than three seeds: {listed(few)}. Such intervals cover other reviews, not other seeds; add seeds "
            "with -m seed=0,1,2."
        )
    if means := [entry.name for entry in answer.entries if entry.averaged]:
        yield general(f"Means of runs are one network each and are not tested: {listed(means)}.")
    targets: dict[str, str] = {}  # note on a published number -> the first dataset that it is about
    for cell in answer.selected:
        for number in cell.published:
            targets.setdefault(number.row.note, cell.target)
    yield from ((f"{target}: {note}", target, "") for note, target in targets.items() if note)
    for entry in answer.entries:
        if entry.incomplete_seeds:
            seeds = ", ".join(map(str, entry.incomplete_seeds))
            yield general(f"{entry.name}: seed {seeds} lacks folds that other seeds have, and is left out.")
    for name, why in answer.unavailable.items():
        yield f"{name} was not scored by every run: {why}", name, ""
    if answer.unfinished:
        yield general(f"{counted(len(answer.unfinished), 'run')} not finished, and not counted.")
    if answer.unusable:
        yield general(f"{counted(len(answer.unusable), 'result')} left out, for the reasons listed.")


def general(text: str) -> Caution:
    return text, "", ""


def collapsed(answer: Answer) -> Iterator[Caution]:
    """Seeds that predict one class only: they count in the mean, and the mean without them is given as well."""
    names = answer.names
    for cell in answer.selected:
        if cell.degenerate_seeds:
            seeds = f"{len(cell.degenerate_seeds)} of {counted(len(cell.by_seed), 'seed')}"
            means = (
                f"without: {estimate_text(cell.without_degenerate)}, with: {estimate_text(cell.mean)}"
                if cell.without_degenerate
                else f"its score is a floor: {estimate_text(cell.mean)}"
            )
            text = f"On {cell.target}, {names[cell.entry]} collapsed to one class in {seeds} ({means})."
            yield text, cell.target, cell.source


def estimate_text(estimate: Estimate) -> str:
    """``11.2 % (95 % CI 10.9 to 11.6)``."""
    return value_and_interval(estimate.value, estimate.low, estimate.high)


def notes(answer: Answer) -> Iterator[str]:
    """The methods in short, and what is not in the numbers."""
    yield (
        "Intervals are 95 % and cover other seeds and other test reviews: reviews are resampled together for all "
        "models, seeds enter through Student's t."
    )
    yield (
        "Comparisons, trends and gaps are each Holm-corrected over all of their kind that share a source (5 % "
        "family-wise error). Detectable differences are at 80 % power."
    )
    yield "McNemar's exact test compares two trained networks of one seed on the same reviews, not two models."
    if answer.llms:
        yield (
            "Each language model's comparisons with all encoders on all targets are one Holm-corrected family. "
            "One without examples, asked at temperature 0, has no seed: its intervals cover other reviews."
        )
    yield "The floor is the score of the best constant prediction."
    if answer.label_runs:
        yield (
            f"{counted(answer.label_runs, 'run')} with labels of a target (few-shot, joint, or a few labels alone) are "
            "in the figures and sentences about labels, and in no other: no zero-shot result rests on them."
        )
    if answer.copies:
        yield f"{counted(answer.copies, 'further record')} of the same runs left out (the newest is shown)."
    yield from answer.faults[:FAULTS]
    if len(answer.faults) > FAULTS:
        yield f"{len(answer.faults) - FAULTS:,} more such files."
