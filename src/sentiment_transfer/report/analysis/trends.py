"""What size does to a score: a line through the sizes of a family."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from sentiment_transfer.formatting import parameter_count
from sentiment_transfer.report.analysis.cells import Measured
from sentiment_transfer.report.analysis.comparisons import ALPHA, scope_of
from sentiment_transfer.report.analysis.entries import OF_THE_MODEL
from sentiment_transfer.report.analysis.findings import Entry, Estimate, Trend
from sentiment_transfer.report.prose.phrases import NOUNS, interval_text, p_text, points
from sentiment_transfer.statistics.comparisons import holm
from sentiment_transfer.statistics.interval import Contrasts, contrasts, intervals, p_values
from sentiment_transfer.statistics.trend import DOUBLINGS_PER_DECADE, line, slope_weights
from sentiment_transfer.statistics.variance import variances


def trends(groups: Sequence[list[Measured]], entries: Mapping[str, Entry]) -> list[Trend]:
    """A line for every family of two sizes or more in each group of one source; Holm over them."""
    families = [family for group in groups for family in of_families(group, entries)]
    slopes = [slope(family, entries) for family in families]
    if not slopes:
        return []
    found = Contrasts(*(np.concatenate(parts) for parts in zip(*slopes, strict=True)))
    low, high = intervals(found)
    p = p_values(found)
    adjusted = holm(p)
    return [
        trend(
            family,
            entries,
            Estimate(float(found.values[k]), float(low[k]), float(high[k]), scope_of(family)),
            float(p[k]),
            float(adjusted[k]),
            len(p),
        )
        for k, family in enumerate(families)
    ]


def of_families(group: Sequence[Measured], entries: Mapping[str, Entry]) -> list[list[Measured]]:
    """Cells whose encoders differ by size alone, and whose recipe is the same, as far as it is not the model's own."""
    families: dict[tuple[object, ...], list[Measured]] = defaultdict(list)
    for measured in group:
        entry = entries[measured.cell.entry]
        if entry.family:
            recipe = [item for item in entry.settings.items() if not item[0].startswith(OF_THE_MODEL)]
            families[entry.family, tuple(sorted(recipe))].append(measured)
    return [family for family in families.values() if len(set(sizes(family, entries))) > 1]


def sizes(family: Sequence[Measured], entries: Mapping[str, Entry]) -> list[int]:
    return [entries[measured.cell.entry].size for measured in family]


def slope(family: Sequence[Measured], entries: Mapping[str, Entry]) -> Contrasts:
    weights = slope_weights(np.array(sizes(family, entries), dtype=float))
    # As in a comparison, one review answered otherwise is the least that is taken to be possible.
    least = float((weights**2).sum()) / 2 / max(m.cell.n for m in family) ** 2
    return contrasts(weights[None], variances([measured.score for measured in family]), smallest=least)


def trend(
    family: Sequence[Measured],
    entries: Mapping[str, Entry],
    per_doubling: Estimate,
    p: float,
    p_holm: float,
    together: int,
) -> Trend:
    cell, values = family[0].cell, sizes(family, entries)
    means = [measured.cell.mean.value for measured in family]
    start, _, rmse = line(np.array(values, dtype=float), np.array(means))
    return Trend(
        family=entries[cell.entry].family,
        source=cell.source,
        target=cell.target,
        selection=cell.selection,
        metric=cell.metric,
        entries=tuple(measured.cell.entry for measured in family),
        sizes=tuple(values),
        unit=entries[cell.entry].unit,
        means=tuple(means),
        per_doubling=per_doubling,
        per_decade=scaled(per_doubling, DOUBLINGS_PER_DECADE),
        p=p,
        p_holm=p_holm,
        intercept=start,
        rmse=rmse,
        sentence=trend_sentence(family, entries, per_doubling, p_holm, together),
    )


def scaled(estimate: Estimate, factor: float) -> Estimate:
    low, high = (None if end is None else end * factor for end in (estimate.low, estimate.high))
    return Estimate(estimate.value * factor, low, high, estimate.scope)


def trend_sentence(
    family: Sequence[Measured], entries: Mapping[str, Entry], per_doubling: Estimate, p_holm: float, together: int
) -> str:
    """Per doubling, or over the range where that is less than one: nothing is said of sizes that were not run."""
    values, cell = sizes(family, entries), family[0].cell
    unit_of_size = entries[cell.entry].unit
    doublings = math.log2(max(values) / min(values))
    change, unit = (
        (per_doubling, f"per doubling of {unit_of_size}")
        if doublings >= 1
        else (scaled(per_doubling, doublings), "over this range")
    )
    smallest, largest = (entries[family[i].cell.entry] for i in (0, -1))
    where = f"{smallest.name} ({size_text(smallest)}) to {largest.name} ({size_text(largest)})"
    here = f"On {cell.target}, trained on {cell.source}"
    p = p_text(p_holm) + (f" after Holm over {together} trends" if together > 1 else "")
    noun, low, high = NOUNS[cell.metric], change.low, change.high
    alone = " With one seed this is about these networks; other seeds may differ." * (change.scope == "examples")
    if p_holm >= ALPHA:
        return (
            f"{here}, no trend of {noun} with size could be shown from {where}: {points(change.value)} "
            f"{unit} ({interval_text(low, high)}, {p}).{alone}"
        )
    verb = "falls" if change.value < 0 else "rises"
    if change.value < 0 and low is not None and high is not None:
        low, high = -high, -low
    return (
        f"{here}, {noun} {verb} from {where} by {points(abs(change.value))} {unit}, as a straight line "
        f"through {len(family)} models has it ({interval_text(low, high)}, {p}).{alone}"
    )


def size_text(entry: Entry) -> str:
    """``278 M``, or ``3 layers`` of an encoder that was cut."""
    return f"{entry.layers} layers" if entry.layers else parameter_count(entry.parameters)
