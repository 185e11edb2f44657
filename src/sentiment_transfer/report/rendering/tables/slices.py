"""The tables of errors on slices of each test set."""

from __future__ import annotations

from dataclasses import replace

from sentiment_transfer.formatting import DASH
from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.analysis.slices import Slice, SlicedSet
from sentiment_transfer.report.prose.captions import TABLES
from sentiment_transfer.report.rendering.parts import (
    Filters,
    Item,
    Row,
    Table,
    difference_item,
    number,
    p_item,
    score_item,
)
from sentiment_transfer.statistics.comparisons import ALPHA
from sentiment_transfer.statistics.slices import SMALLEST

SHOWN = 4  # models with a column each; of more, the smallest and the largest have one


def slice_tables(answer: Answer, filters: Filters) -> list[tuple[str, Table]]:
    """A table per test set and source, with the name of the dataset."""
    return [(each.target, slice_table(answer, filters, each, place)) for place, each in enumerate(answer.slices)]


def shown_places(each: SlicedSet) -> list[int]:
    """The places of the models that are shown one by one."""
    places = list(range(len(each.entries)))
    return places if len(places) <= SHOWN else [places[0], places[-1]]


def slice_table(answer: Answer, filters: Filters, each: SlicedSet, place: int) -> Table:
    shown = shown_places(each)
    several = len(each.entries) > 1
    models = {entry.key: entry.model for entry in answer.entries}
    tags = [filters.tags(model=models[each.entries[model]]) for model in shown]
    families = list(dict.fromkeys((gain.smallest, gain.largest) for part in each.slices for gain in part.gains))
    return Table(
        key=f"slices-{place}",
        caption=TABLES["slices"].format(
            target=each.target, source=each.source, models=len(each.entries), smallest=SMALLEST
        ),
        columns=[
            "slice",
            "by",
            "reviews",
            *(answer.names[each.entries[model]] for model in shown),
            *["mean of models"] * several,
            "against the rest",
            "p",
            "p (Holm)",
            *(
                f"{answer.names[largest]} − {answer.names[smallest]}, against the rest"
                for smallest, largest in families
            ),
        ],
        rows=[
            Row(
                line(part, shown, several) + gains(part, len(families)),
                filters.tags(source=each.source, target=each.target),
            )
            for part in each.slices
        ],
        column_tags=[{}, {}, {}, *tags, *[{}] * several, {}, {}, {}, *[{}] * len(families)],
    )


def line(part: Slice, shown: list[int], several: bool) -> list[Item]:
    test = part.test
    few = "too few reviews" if part.n < SMALLEST else "too few other reviews"
    tested = [Item(DASH, note=few), Item(DASH), Item(DASH)]
    if test:
        kind = "" if test.p_holm >= ALPHA else "bad" if test.difference.value > 0 else "good"
        p_holm = Item(p_item(test.p_holm).text, test.p_holm, kind=kind)
        tested = [difference_item(test.difference), p_item(test.p), p_holm]
    return [
        Item(part.label),
        Item(part.dimension),
        number(part.n),
        *(score_item(part.errors[model]) for model in shown),
        *[score_item(part.mean)] * several,
        *tested,
    ]


def gains(part: Slice, families: int) -> list[Item]:
    """The change from the smallest to the largest model, less that on the rest, per family."""
    items = []
    for gain in part.gains:
        item = difference_item(gain.difference)
        kind = "" if gain.p_holm >= ALPHA else "bad" if gain.difference.value > 0 else "good"
        items.append(replace(item, note=f"{item.note}\np (Holm) {p_item(gain.p_holm).text}", kind=kind))
    return items or [Item(DASH)] * families
