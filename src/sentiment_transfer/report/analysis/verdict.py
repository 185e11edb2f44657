"""The report's one pre-declared test family: the largest encoder minus the smallest, on every zero-shot target.

It is declared before any number is seen: per source, the two ends of each family of encoders that differ by size
alone, on the targets of which no label was used, in each dataset's headline metric, with Holm's correction over all of
them. Every other comparison of the report is secondary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sentiment_transfer.formatting import lower_is_better
from sentiment_transfer.report.analysis.cells import ResampledCell, scope_of
from sentiment_transfer.report.analysis.comparisons import estimate, families_of, least_variance, same_rows
from sentiment_transfer.report.analysis.effects import Effect, SizeVerdict
from sentiment_transfer.report.analysis.findings import Entry
from sentiment_transfer.statistics.comparisons import ALPHA, ContrastTest, family_tests
from sentiment_transfer.statistics.interval import ENOUGH_SEEDS, Variances, contrasts, variances
from sentiment_transfer.statistics.planning import seeds_needed, smallest_with_any_seeds

ENDS = np.array([[-1.0, 1.0]])  # largest minus smallest


Ends = tuple[ResampledCell, ResampledCell]


def size_verdicts(groups: Sequence[list[ResampledCell]], entries: Mapping[str, Entry]) -> list[SizeVerdict]:
    """A verdict for each family of two sizes or more of one source; ``groups`` are its comparable cells."""
    pairs: dict[tuple[str, str], list[Ends]] = {}
    for group in groups:
        zero_shot = [each for each in group if (each.cell.role, each.cell.protocol) == ("target", "zero-shot")]
        for family in families_of(zero_shot, entries):
            ordered = sorted(family, key=lambda each: entries[each.cell.entry].size)
            ends = ordered[0], ordered[-1]
            pairs.setdefault((ends[0].cell.entry, ends[1].cell.entry), []).append(ends)
    everything = [ends for of_pair in pairs.values() for ends in of_pair]
    models = [variances([smallest.score, largest.score]) for smallest, largest in everything]
    tests = family_tests(
        [contrasts(ENDS, of, extra_variance=least_variance(ends)) for ends, of in zip(everything, models, strict=True)]
    )
    effects = iter([effect(*of) for of in zip(everything, models, tests, strict=True)])
    return [
        size_verdict(entries[smallest], entries[largest], [next(effects) for _ in of_pair], len(tests))
        for (smallest, largest), of_pair in pairs.items()
    ]


def size_verdict(smallest: Entry, largest: Entry, effects: list[Effect], family_size: int) -> SizeVerdict:
    return SizeVerdict(
        source=smallest.source,
        family=smallest.family,
        smallest=smallest.key,
        largest=largest.key,
        sizes=(smallest.size, largest.size),
        unit=smallest.unit,
        seeds=min(len(smallest.seeds), len(largest.seeds)),
        effects=tuple(effects),
        family_size=family_size,
    )


def effect(ends: Ends, models: Variances, test: ContrastTest) -> Effect:
    smallest, largest = ends
    sign = -1 if lower_is_better(smallest.cell.metric) else 1
    gain = estimate(test, scope_of(models.counts)).scaled(sign)
    least = least_variance(ends)
    enough = models.counts.min() >= ENOUGH_SEEDS and test.value != 0
    return Effect(
        target=smallest.cell.target,
        language=smallest.cell.language,
        domain=smallest.cell.domain,
        metric=smallest.cell.metric,
        n=min(each.cell.n for each in ends),
        smallest=smallest.cell.mean,
        largest=largest.cell.mean,
        gain=gain,
        p=test.p,
        p_holm=test.p_holm,
        minimum_detectable_difference=test.minimum_detectable_difference,
        shown="not shown" if test.p_holm >= ALPHA else "better" if gain.value > 0 else "worse",
        paired=same_rows(smallest, largest),
        seeds_needed=seeds_needed(models, ENDS[0], test.value, test.level, extra_variance=least) if enough else None,
        limit=smallest_with_any_seeds(models, ENDS[0], test.level, extra_variance=least) if enough else None,
    )
