"""How our cells stand to the published numbers, in sentences that claim no more than is known of those."""

from __future__ import annotations

from sentiment_transfer.formatting import percent
from sentiment_transfer.report.analysis.findings import Entry, Estimate, Published
from sentiment_transfer.report.prose.phrases import value_text
from sentiment_transfer.results.published import Comparison, PublishedNumber, compare
from sentiment_transfer.results.record import DatasetScores

PROVENANCE = {
    "checked": "read in {source}",
    "quoted": "second-hand from {source}, whose own tables could not be read",
    "doubtful": "second-hand from {source} and marked unverified there",
}


def standings(entry: Entry, dataset: str, record: DatasetScores, mean: Estimate) -> tuple[Published, ...]:
    """Every published number for a set beside one of our cells; those of the same encoder first."""
    compared = compare(dataset, record, entry.source.split("+"), entry.model)
    return tuple(standing(comparison, mean) for comparison in compared)


def standing(comparison: Comparison, mean: Estimate) -> Published:
    row, comparable, reason = comparison
    inside = None
    if comparable and mean.low is not None and mean.high is not None:
        # As printed: 11.12 stands for anything that rounds to it.
        inside = mean.low - rounding(row) <= row.fraction <= mean.high + rounding(row)
    sentence = named(row) + (f" {beside(row, mean, inside)}" if comparable else f" Not comparable: {reason}.")
    return Published(row, comparable, reason, inside, " ".join([sentence, row.note]).strip())


def rounding(row: PublishedNumber) -> float:
    """Half a unit of the last digit that such numbers are printed with, as a fraction."""
    return 0.00005 if row.unit == "%" else 0.0005


def named(row: PublishedNumber) -> str:
    source = PROVENANCE[row.status].format(source=row.source)
    return (
        f"Published: {percent(row.fraction)} % for {row.system} ({row.protocol}, trained on {row.training}; {source})."
    )


def beside(row: PublishedNumber, mean: Estimate, inside: bool | None) -> str:
    """Where the number lies. No test is possible: neither its seeds nor its reviews' answers are published."""
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
