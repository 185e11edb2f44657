"""The sentences of the answer, in their order: each claims no more than its test allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from sentiment_transfer.formatting import (
    counted,
    interval_text,
    listed,
    lower_is_better,
    metric_noun,
    number_text,
    p_holm_text,
    p_text,
    parameter_count,
    percent,
    points,
    value_text,
)
from sentiment_transfer.report.analysis.findings import (
    Answer,
    Best,
    Cell,
    Comparison,
    Entry,
    Estimate,
    Published,
    TransferGap,
    Trend,
)
from sentiment_transfer.report.prose.cautions import cautions, estimate_text, scope_text
from sentiment_transfer.report.prose.labels import label_sentences
from sentiment_transfer.results.published import PublishedNumber
from sentiment_transfer.statistics.comparisons import ALPHA

STEPS = 4  # entries of a source up to which every step in size has its sentence; of more, the two ends alone
LARGEST = 0.5  # a minimum detectable difference beyond this is reported as too large to be useful
FEW_SEEDS = " With fewer than three seeds this is about these networks; other seeds may differ."
NO_PREDICTIONS = "Predictions are missing: the interval is from the confusion matrices, and nothing is paired."
PROVENANCE = {
    "checked": "read in {source}",
    "quoted": "second-hand from {source}, whose own tables could not be read",
    "doubtful": "second-hand from {source} and marked unverified there",
}


@dataclass(frozen=True)
class Sentence:
    """One sentence of the answer."""

    kind: Literal["question", "best", "comparison", "trend", "gap", "labels", "published", "caution"]
    text: str
    target: str = ""  # empty where it is about all
    source: str = ""
    minor: bool = False  # a step between sizes at which no difference was shown: may be folded away


def sentences(answer: Answer) -> list[Sentence]:
    """All sentences in the order to be shown: the scope, by source and dataset, label studies, cautions."""
    return [
        Sentence("question", scope_text(answer)),
        *(sentence for best in answer.best for sentence in about(answer, best)),
        *(
            Sentence("labels", text, study.target, study.source)
            for study in answer.studies
            for text in label_sentences(study)
        ),
        *(Sentence("caution", *caution) for caution in cautions(answer)),
    ]


def about(answer: Answer, best: Best) -> Iterator[Sentence]:
    """On one dataset: the best model, the effect of size, the transfer gap of the best, published numbers."""
    place = (best.target, best.source)
    entries = {entry.key: entry for entry in answer.entries}
    cells = [
        cell
        for cell in answer.selected
        if (cell.target, cell.source, cell.metric) == (*place, best.metric) and not entries[cell.entry].averaged
    ]
    yield Sentence("best", best_text(answer, best), *place)
    compared = [c for c in answer.comparisons if (c.target, c.source, c.metric) == (*place, best.metric)]
    steps = steps_in_size([key for key in entries if any(cell.entry == key for cell in cells)], compared)
    # From the smallest to the largest is the question itself: it is never folded away.
    widest = max(steps, key=lambda c: entries[c.second].size / max(entries[c.first].size, 1), default=None)
    for step in steps:
        minor = step.verdict == "not shown" and step is not widest
        yield Sentence("comparison", pair_text(answer, step), *place, minor=minor)
    for trend in answer.trends:
        if (trend.target, trend.source, trend.metric) == (*place, best.metric) and len(set(trend.sizes)) > 2:
            yield Sentence("trend", trend_text(answer, trend), *place)
    for gap in answer.gaps:
        if (gap.target, gap.entry) == (best.target, best.entry):
            yield Sentence("gap", gap_text(answer, gap), *place)
    for cell in cells:
        for number in cell.published:
            # Of an encoder that we ran, or beside our best.
            if number.comparable and (number.row.model == cell.model or cell.entry == best.entry):
                text = f"{entries[cell.entry].name} on {cell.target}. {published_text(number, cell.mean)}"
                yield Sentence("published", text, *place)


def steps_in_size(keys: Sequence[str], comparisons: Sequence[Comparison]) -> list[Comparison]:
    """From each size to the next where there are few, and from the smallest to the largest."""
    steps = [*pairwise(keys)] if len(keys) <= STEPS else []
    if len(keys) > 2:
        steps.append((keys[0], keys[-1]))
    return [c for c in comparisons if (c.first, c.second) in steps]


def best_text(answer: Answer, best: Best) -> str:
    names, cell = answer.names, cell_of(answer, best.entry, best.target)
    noun, name, where = metric_noun(best.metric), names[best.entry], f"On {best.target}, trained on {best.source}"
    mean, alone = estimate_text(cell.mean), FEW_SEEDS * (best.scope == "examples")
    if best.compared == 1:
        return f"{where}, only {name} was scored: {noun} {mean}.{alone}"
    extreme = "lowest" if lower_is_better(best.metric) else "highest"
    if not best.rivals:
        relation = "higher" if extreme == "lowest" else "lower"
        others = "the other model's" if best.compared == 2 else f"each of the other {best.compared - 1} models'"
        return f"{where}, {name} has the {extreme} {noun}, {mean}; {others} was shown to be {relation}.{alone}"
    rivals = listed([names[rival] for rival in best.rivals])
    return (
        f"{where}, {name} has the {extreme} {noun} observed, {mean}, but no difference from {rivals} could be shown."
        f"{alone}"
    )


def pair_text(answer: Answer, comparison: Comparison) -> str:
    first, second = (answer.names[key] for key in (comparison.first, comparison.second))
    noun, where = metric_noun(comparison.metric), f"On {comparison.target}, trained on {comparison.source}"
    p, size = p_holm_text(comparison.p_holm, comparison.family_size, "comparisons"), size_text(answer, comparison)
    change = comparison.difference
    if comparison.verdict != "not shown":
        verb, change = falls_or_rises(change), change.magnitude
        text = f"{where}, {noun} {verb} by {points(change.value)} from {first} to {second} "
        text += f"({interval_text(change.low, change.high)}, {p}; {size})."
    else:
        text = (
            f"{where}, no difference in {noun} between {first} and {second} could be shown ({second} minus "
            f"{first}: {points(change.value)}, {interval_text(change.low, change.high)}, {p}); {size} "
            f"{reach(comparison.minimum_detectable_difference)}."
        )
        if comparison.p < ALPHA:
            text += " The interval excludes 0 on its own; the difference is not significant after Holm's correction."
    text += FEW_SEEDS * (change.scope == "examples")
    return text if comparison.paired else text + " The reviews could not be paired."


def falls_or_rises(change: Estimate) -> str:
    return "falls" if change.value < 0 else "rises"


def reach(minimum_detectable_difference: float) -> str:
    if minimum_detectable_difference > LARGEST:
        return f"are too few to show even {points(LARGEST)}"
    return f"could only show {number_text(minimum_detectable_difference)} or more"


def size_text(answer: Answer, comparison: Comparison) -> str:
    """``3 seeds each, n = 412``."""
    cells = [cell_of(answer, key, comparison.target) for key in (comparison.first, comparison.second)]
    first, second = (len(cell.by_seed) for cell in cells)
    seeds = f"{counted(first, 'seed')} each" if first == second else f"{first} and {counted(second, 'seed')}"
    return f"{seeds}, n = {' and '.join(dict.fromkeys(f'{cell.n:,}' for cell in cells))}"


def cell_of(answer: Answer, entry: str, target: str) -> Cell:
    cell = answer.cell(entry, target)
    assert cell is not None  # a comparison is of cells
    return cell


def trend_text(answer: Answer, trend: Trend) -> str:
    entries = {entry.key: entry for entry in answer.entries}
    change, unit = trend.change
    smallest, largest = (entries[trend.entries[place]] for place in (0, -1))
    span = f"{smallest.name} ({entry_size(smallest)}) to {largest.name} ({entry_size(largest)})"
    here, noun = f"On {trend.target}, trained on {trend.source}", metric_noun(trend.metric)
    p, alone = p_holm_text(trend.p_holm, trend.family_size, "trends"), FEW_SEEDS * (change.scope == "examples")
    if trend.p_holm >= ALPHA:
        return (
            f"{here}, no trend of {noun} with size could be shown from {span}: {points(change.value)} "
            f"{unit} ({interval_text(change.low, change.high)}, {p}).{alone}"
        )
    verb, change = falls_or_rises(change), change.magnitude
    return (
        f"{here}, {noun} {verb} from {span} by {points(change.value)} {unit}, by a straight line fitted to "
        f"{len(trend.entries)} models ({interval_text(change.low, change.high)}, {p}).{alone}"
    )


def entry_size(entry: Entry) -> str:
    """``278 M``, or ``3 layers`` of an encoder that was cut."""
    return f"{entry.layers} layers" if entry.layers else parameter_count(entry.parameters)


def gap_text(answer: Answer, gap: TransferGap) -> str:
    entry = next(entry for entry in answer.entries if entry.key == gap.entry)
    name, p = f"{entry.name} trained on {entry.source}", p_text(gap.p_holm)
    own = f"{gap.source_set}, the source's own test set"
    alone = FEW_SEEDS * (gap.gap.scope == "examples")
    shown = gap.p_holm < ALPHA
    change = gap.gap.magnitude if shown else gap.gap
    amount, tested = points(change.value), f"{interval_text(change.low, change.high)}, {p}"
    if not shown:
        return (
            f"For {name}, no difference between the errors on {gap.target} and on {own}, could be shown "
            f"({amount}, {tested}).{alone}"
        )
    side = "lower" if gap.gap.value < 0 else "higher"
    return f"For {name}, the error on {gap.target} is {amount} {side} than on {own} ({tested}).{alone}"


def published_text(number: Published, mean: Estimate) -> str:
    """A published number with its provenance, and its position beside our ``mean`` or the reason against comparing."""
    row = number.row
    source = PROVENANCE[row.status].format(source=row.source)
    named = (
        f"Published: {percent(row.fraction)} % for {row.system} ({row.protocol}, trained on {row.training}; {source})."
    )
    position = beside(row, mean, number.inside) if number.comparable else f"Not comparable: {number.reason}."
    return " ".join(filter(None, (named, position, row.note)))


def beside(row: PublishedNumber, mean: Estimate, inside: bool | None) -> str:
    """Inside or outside our interval. No test is possible: neither its seeds nor its predictions are published."""
    interval = (
        "" if mean.low is None or mean.high is None else f" (95 % CI {percent(mean.low)} to {percent(mean.high)})"
    )
    ours = value_text(mean.value, digits=2) + interval
    if inside is None:
        return f"Ours is {ours}."
    if inside:
        return f"It lies inside our interval: ours is {ours}."
    side = "below" if row.fraction < mean.value else "above"
    return f"It lies {side} our interval: ours is {ours}. Its own uncertainty is not published, so this is no test."


def remark(cell: Cell) -> str:
    """How a cell was computed where that was not the usual way; else empty."""
    return "" if cell.has_predictions else NO_PREDICTIONS
