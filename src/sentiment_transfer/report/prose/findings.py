"""The first sentences of the page, the terminal, summary.md, the W&B report and a sweep's end."""

from __future__ import annotations

from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.prose.distance import distance_sentences
from sentiment_transfer.report.prose.slices import slice_sentences
from sentiment_transfer.report.prose.verdict import verdict_texts

SLICES = 2  # sentences on slices: the section has all of them


def findings(answer: Answer) -> list[str]:
    """The verdict, then those of other sources and families, then what was found over distance and in slices."""
    entries = {entry.key: entry for entry in answer.entries}
    fitted = [trend for trend in answer.distances if any(line.fit for line in trend.lines)]
    over_distance = [text for trend in fitted for text in list(distance_sentences(trend, entries))[:-1]]
    slices = [sentence.text for sentence in slice_sentences(answer) if sentence.target]
    return [*verdict_texts(answer), *over_distance, *slices[:SLICES]]


def distance_texts(answer: Answer) -> list[str]:
    """Every sentence on distance, its limits included."""
    entries = {entry.key: entry for entry in answer.entries}
    return [text for trend in answer.distances for text in distance_sentences(trend, entries)]
