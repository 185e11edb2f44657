"""The table of languages by distance, with the gap of every model."""

from __future__ import annotations

from collections.abc import Iterator

from sentiment_transfer.formatting import DASH, percent
from sentiment_transfer.report.analysis.distance_findings import DistanceLine, DistancePoint, DistanceTrend
from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.prose.captions import TABLES
from sentiment_transfer.report.prose.distance import corpus_text, source_text
from sentiment_transfer.report.rendering.parts import Filters, Item, Row, Table, difference_item, number, p_item
from sentiment_transfer.results.languages import language

COLUMNS = ["language", "family", "pretrained on", "distance", "tokens seen, %"]


def distance_tables(answer: Answer, filters: Filters) -> Iterator[Table]:
    """One table per source and corpus: the languages by distance, and the slopes below them."""
    entries = {entry.key: entry for entry in answer.entries}
    for place, trend in enumerate(answer.distances):
        names = [entries[line.entry].name for line in trend.lines]
        model_tags = [filters.tags(model=entries[line.entry].model) for line in trend.lines]
        yield Table(
            key=f"distance-{place}",
            caption=TABLES["distance"].format(
                corpus=corpus_text(trend), source=trend.source, language=source_text(trend), reference=reference(trend)
            ),
            columns=[*COLUMNS, *names],
            rows=[
                Row(
                    [*about(trend, code), *(gap(line, code) for line in trend.lines)],
                    filters.tags(source=trend.source, target=target_of(trend, code)),
                )
                for code in trend.languages
            ],
            column_tags=[*({} for _ in COLUMNS), *model_tags],
            footer=[
                Item("per 0.1 of distance"),
                *(Item("") for _ in COLUMNS[1:]),
                *(slope(line) for line in trend.lines),
            ],
        )


def points_on(trend: DistanceTrend, code: str) -> list[DistancePoint]:
    return [point for line in trend.lines for point in line.points if point.language == code]


def target_of(trend: DistanceTrend, code: str) -> str:
    return points_on(trend, code)[0].target


def about(trend: DistanceTrend, code: str) -> list[Item]:
    known, points = language(code), points_on(trend, code)
    seen = [point.tokens_seen for point in points if point.tokens_seen is not None]
    pretrained = DASH if known is None else "XLM-R" if known.in_xlmr else "no"
    return [
        Item(known.name if known else code, note=points[0].target),
        Item(known.family if known else DASH),
        Item(pretrained),
        number(points[0].distance, f"{points[0].distance:.3f}"),
        number(100 * sum(seen) / len(seen), percent(sum(seen) / len(seen), 1)) if seen else Item(DASH),
    ]


def gap(line: DistanceLine, code: str) -> Item:
    here = [point for point in line.points if point.language == code]
    return difference_item(here[0].gap) if here else Item(DASH)


def slope(line: DistanceLine) -> Item:
    if line.fit is None:
        return Item(DASH)
    item = difference_item(line.fit.slope)
    p = p_item(line.fit.p_holm).text
    return Item(item.text, item.number, f"{item.note}\np {p}" if p.startswith("<") else f"{item.note}\np = {p}")


def reference(trend: DistanceTrend) -> str:
    """The sets that the gaps are from, and whether reviews are paired."""
    points = [point for line in trend.lines for point in line.points]
    names = " or ".join(dict.fromkeys(point.reference for point in points))
    return f"{names}, {'paired by review' if all(point.paired for point in points) else 'on other reviews'}"
