"""Differences between entries, the best of them, trends over size and transfer gaps.

Each kind is one family of tests per source, with Holm's correction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np

from sentiment_transfer.formatting import lower_is_better
from sentiment_transfer.report.analysis.cells import ResampledCell, scope_of
from sentiment_transfer.report.analysis.entries import OF_THE_MODEL
from sentiment_transfer.report.analysis.findings import (
    Best,
    Comparison,
    Entry,
    Estimate,
    McNemar,
    Scope,
    TransferGap,
    Trend,
)
from sentiment_transfer.statistics.comparisons import (
    ALPHA,
    ContrastTest,
    family_tests,
    mcnemar,
    pairs,
    slope_weights,
)
from sentiment_transfer.statistics.interval import Contrasts, contrasts, variances
from sentiment_transfer.statistics.resampling import Scored

ALL_PAIRS = 8  # entries: of more, only neighbours in size and the two ends are listed (all pairs are tested)


def comparable_groups(cells: Iterable[ResampledCell]) -> list[list[ResampledCell]]:
    """Cells of one source, dataset, metric and classes, each list by size."""
    groups: dict[tuple[object, ...], list[ResampledCell]] = defaultdict(list)
    for resampled in cells:
        cell = resampled.cell
        groups[cell.source, cell.target, cell.metric, cell.classes].append(resampled)
    return list(groups.values())


def compare_pairs(groups: Sequence[list[ResampledCell]]) -> tuple[list[Comparison], list[Best]]:
    """The listed pairs inside each group of one source, and the best of each group. All pairs are tested together."""
    families = [
        contrasts(
            pairs(len(group)),
            variances([resampled.score for resampled in group]),
            extra_variance=least_variance(group),
        )
        for group in groups
        if len(group) > 1
    ]
    tests = iter(family_tests(families))
    listed, best = [], []
    for group in groups:
        places = combinations(range(len(group)), 2)
        tested = {(i, j): comparison(group[i], group[j], next(tests)) for i, j in places}
        ends = (0, len(group) - 1)
        listed += [c for (i, j), c in tested.items() if len(group) <= ALL_PAIRS or j == i + 1 or (i, j) == ends]
        best.append(best_of(group, tested.values()))
    return listed, best


def least_variance(cells: Iterable[ResampledCell]) -> float:
    """That of a comparison of two of ``cells``: one review predicted differently is the least taken to be possible."""
    return 1 / max(resampled.cell.n for resampled in cells) ** 2


def comparison(first: ResampledCell, second: ResampledCell, test: ContrastTest) -> Comparison:
    paired = same_rows(first, second)
    second_better = (test.value < 0) == lower_is_better(first.cell.metric)
    networks = [seed for seed in first.correct if seed in second.correct] if paired else []
    return Comparison(
        source=first.cell.source,
        target=first.cell.target,
        selection=first.cell.selection,
        metric=first.cell.metric,
        first=first.cell.entry,
        second=second.cell.entry,
        difference=estimate(test, scope_of_cells([first, second])),
        p=test.p,
        p_holm=test.p_holm,
        family_size=test.family_size,
        mcnemar=tuple(McNemar(seed, *mcnemar(first.correct[seed], second.correct[seed])) for seed in networks),
        minimum_detectable_difference=test.minimum_detectable_difference,
        verdict="not shown" if test.p_holm >= ALPHA else "better" if second_better else "worse",
        paired=paired,
        n=min(first.cell.n, second.cell.n),
    )


def same_rows(first: ResampledCell, second: ResampledCell) -> bool:
    """True if both were scored on the same reviews, whose predictions are known."""
    return bool(first.rows) and first.rows == second.rows


def estimate(test: ContrastTest, scope: Scope, furthest: float = 1.0) -> Estimate:
    """The contrast with its interval, which ends at what is possible: ``furthest`` is 1 for a difference of scores."""
    return Estimate(test.value, max(test.low, -furthest), min(test.high, furthest), scope)


def scope_of_cells(cells: Iterable[ResampledCell]) -> Scope:
    return scope_of(len(resampled.score.values) for resampled in cells)


def best_of(group: Sequence[ResampledCell], tested: Iterable[Comparison]) -> Best:
    """The best mean of a group, and the entries whose difference from it was not shown. ``tested`` are its pairs."""
    sign = 1 if lower_is_better(group[0].cell.metric) else -1
    cell = min((resampled.cell for resampled in group), key=lambda cell: sign * cell.mean.value)
    rivals = [
        other
        for pair in tested
        if pair.verdict == "not shown" and cell.entry in (pair.first, pair.second)
        for other in (pair.first, pair.second)
        if other != cell.entry
    ]
    scope = scope_of_cells(group)
    return Best(
        source=cell.source,
        target=cell.target,
        selection=cell.selection,
        metric=cell.metric,
        entry=cell.entry,
        rivals=tuple(rivals),
        certain=len(group) > 1 and not rivals and scope == "seeds and examples",
        compared=len(group),
        scope=scope,
    )


def transfer_gaps(cells: Sequence[ResampledCell]) -> list[TransferGap]:
    """Error on each target less error on the source's own test set, for the entries of one source."""
    sets = [
        (own, away)
        for own in cells
        for away in cells
        if own.cell.entry == away.cell.entry
        and (own.cell.role, away.cell.role) == ("source", "target")
        and own.cell.classes == away.cell.classes
    ]
    # The same networks predict both test sets, so their seeds are paired; the reviews are not.
    differences = [difference(away.error, own.error) for own, away in sets]
    tests = family_tests([contrasts(np.ones((1, 1)), variances([each])) for each in differences])
    return [
        TransferGap(
            entry=own.cell.entry,
            source_set=own.cell.target,
            target=away.cell.target,
            selection=own.cell.selection,
            gap=estimate(test, scope_of_cells([own])),
            p=test.p,
            p_holm=test.p_holm,
        )
        for (own, away), test in zip(sets, tests, strict=True)
    ]


def difference(scored: Scored, baseline: Scored) -> Scored:
    """``scored - baseline``, run by run and resample by resample."""
    return Scored(scored.values - baseline.values, scored.replicates - baseline.replicates)


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
    least = float((weights**2).sum()) / 2 * least_variance(family)
    return contrasts(weights[None], variances([resampled.score for resampled in family]), extra_variance=least)


def trend(family: Sequence[ResampledCell], entries: Mapping[str, Entry], test: ContrastTest) -> Trend:
    cell, values = family[0].cell, sizes(family, entries)
    means = [resampled.cell.mean.value for resampled in family]
    doublings = float(np.log2(max(values) / min(values)))
    per_doubling = estimate(test, scope_of_cells(family), furthest=1 / doublings)
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
        p=test.p,
        p_holm=test.p_holm,
        family_size=test.family_size,
    )
