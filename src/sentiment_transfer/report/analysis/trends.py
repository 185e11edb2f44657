"""The effect of size on a score: a line through the sizes of a family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from sentiment_transfer.report.analysis.cells import ResampledCell
from sentiment_transfer.report.analysis.comparisons import estimate, scope_of_cells
from sentiment_transfer.report.analysis.entries import OF_THE_MODEL
from sentiment_transfer.report.analysis.findings import Entry, Trend
from sentiment_transfer.statistics.comparisons import (
    DOUBLINGS_PER_DECADE,
    ContrastTest,
    family_tests,
    line,
    slope_weights,
)
from sentiment_transfer.statistics.interval import Contrasts, contrasts, variances


def trends(groups: Sequence[list[ResampledCell]], entries: Mapping[str, Entry]) -> list[Trend]:
    """A line for every family of two sizes or more in each group of one source; Holm over them."""
    families = [family for group in groups for family in families_of(group, entries)]
    tests = family_tests([slope(family, entries) for family in families])
    return [trend(family, entries, test) for family, test in zip(families, tests, strict=True)]


def families_of(group: Sequence[ResampledCell], entries: Mapping[str, Entry]) -> list[list[ResampledCell]]:
    """Cells whose encoders differ by size alone and whose recipes agree in all that is not the model's own."""
    families: dict[tuple[object, ...], list[ResampledCell]] = defaultdict(list)
    for resampled in group:
        entry = entries[resampled.cell.entry]
        if entry.family:
            recipe = [item for item in entry.settings.items() if not item[0].startswith(OF_THE_MODEL)]
            families[entry.family, tuple(sorted(recipe))].append(resampled)
    return [family for family in families.values() if len(set(sizes(family, entries))) > 1]


def sizes(family: Sequence[ResampledCell], entries: Mapping[str, Entry]) -> list[int]:
    return [entries[resampled.cell.entry].size for resampled in family]


def slope(family: Sequence[ResampledCell], entries: Mapping[str, Entry]) -> Contrasts:
    weights = slope_weights(np.array(sizes(family, entries), dtype=float))
    # As in a comparison, one review predicted differently is the least variance that is taken to be possible.
    least = float((weights**2).sum()) / 2 / max(resampled.cell.n for resampled in family) ** 2
    return contrasts(weights[None], variances([resampled.score for resampled in family]), extra_variance=least)


def trend(family: Sequence[ResampledCell], entries: Mapping[str, Entry], test: ContrastTest) -> Trend:
    cell, values = family[0].cell, sizes(family, entries)
    means = [resampled.cell.mean.value for resampled in family]
    intercept, _, rmse = line(np.array(values, dtype=float), np.array(means))
    per_doubling = estimate(test, scope_of_cells(family))
    return Trend(
        family=entries[cell.entry].family,
        source=cell.source,
        target=cell.target,
        selection=cell.selection,
        metric=cell.metric,
        entries=tuple(resampled.cell.entry for resampled in family),
        sizes=tuple(values),
        unit=entries[cell.entry].unit,
        means=tuple(means),
        per_doubling=per_doubling,
        per_decade=per_doubling.scaled(DOUBLINGS_PER_DECADE),
        p=test.p,
        p_holm=test.p_holm,
        family_size=test.family_size,
        intercept=intercept,
        rmse=rmse,
    )
