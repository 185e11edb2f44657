"""Which of two entries is better, and which is best: tested together, said no stronger than the tests allow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sentiment_transfer.report.analysis.cells import Measured
from sentiment_transfer.report.analysis.findings import Best, Comparison, Estimate, McNemar, Scope
from sentiment_transfer.report.prose.phrases import (
    NOUNS,
    counted,
    estimate_text,
    interval_text,
    listed,
    lower_is_better,
    number_text,
    p_text,
    points,
)
from sentiment_transfer.statistics.comparisons import holm, holm_factors, mcnemar, pairs
from sentiment_transfer.statistics.interval import (
    Contrasts,
    contrasts,
    intervals,
    minimum_detectable_difference,
    p_values,
)
from sentiment_transfer.statistics.variance import variances

ALPHA = 0.05
LARGEST = 0.5  # difference beyond which nothing is to be expected
ALL_PAIRS = 8  # entries: of more, only neighbours in size and the two ends are listed (all pairs are tested)


@dataclass(frozen=True)
class Pair:
    """Two cells, the smaller model first, and what the tests of all pairs of their source say of them."""

    first: Measured
    second: Measured
    difference: Estimate  # second - first
    p: float
    p_holm: float
    smallest: float  # difference that could have been shown
    together: int  # pairs tested together
    listed: bool  # whether it is to be shown by itself

    @property
    def shown(self) -> bool:
        return self.p_holm < ALPHA


def alike(cells: Iterable[Measured]) -> list[list[Measured]]:
    """Cells that may be compared, of one source, set, metric and classes, each list by size."""
    groups: dict[tuple[object, ...], list[Measured]] = defaultdict(list)
    for measured in cells:
        cell = measured.cell
        groups[cell.source, cell.target, cell.metric, cell.classes].append(measured)
    return list(groups.values())


def tested_pairs(groups: Sequence[list[Measured]]) -> list[Pair]:
    """Every pair inside each group of one source, with Holm's correction over all of them."""
    of_groups = [differences(group) for group in groups if len(group) > 1]
    if not of_groups:
        return []
    found = Contrasts(*(np.concatenate(parts) for parts in zip(*of_groups, strict=True)))
    low, high = intervals(found)
    p = p_values(found)
    p_holm = holm(p)
    smallest = minimum_detectable_difference(found, ALPHA / holm_factors(p))
    made: list[Pair] = []
    for group in groups:
        for i, j in combinations(range(len(group)), 2):
            k = len(made)
            difference = Estimate(float(found.values[k]), float(low[k]), float(high[k]), scope_of([group[i], group[j]]))
            shown = len(group) <= ALL_PAIRS or j == i + 1 or (i, j) == (0, len(group) - 1)
            numbers = (float(p[k]), float(p_holm[k]), float(smallest[k]))
            made.append(Pair(group[i], group[j], difference, *numbers, len(p), shown))
    return made


def differences(group: Sequence[Measured]) -> Contrasts:
    # One review answered otherwise by one of the two is the least that is taken to be possible.
    return contrasts(
        pairs(len(group)), variances([m.score for m in group]), smallest=1 / max(m.cell.n for m in group) ** 2
    )


def scope_of(cells: Iterable[Measured]) -> Scope:
    """What an interval over these cells covers: nothing is known of other seeds where one of them has one."""
    return "examples" if any(len(measured.score.values) == 1 for measured in cells) else "seeds and examples"


def comparison(pair: Pair, names: Mapping[str, str]) -> Comparison:
    """A pair as it is shown. ``names`` are those of the entries."""
    first, second = pair.first.cell, pair.second.cell
    same_rows = bool(pair.first.rows) and pair.first.rows == pair.second.rows
    value = pair.difference.value
    second_better = (value < 0) == lower_is_better(first.metric)
    return Comparison(
        source=first.source,
        target=first.target,
        selection=first.selection,
        metric=first.metric,
        first=first.entry,
        second=second.entry,
        difference=pair.difference,
        better=None if value == 0 else second.entry if second_better else first.entry,
        p=pair.p,
        p_holm=pair.p_holm,
        family_size=pair.together,
        mcnemar=networks(pair) if same_rows else (),
        minimum_detectable_difference=pair.smallest,
        verdict=("better" if second_better else "worse") if pair.shown else "not shown",
        sentence=pair_sentence(pair, names[first.entry], names[second.entry], same_rows),
        paired=same_rows,
        n=min(first.n, second.n),
    )


def networks(pair: Pair) -> tuple[McNemar, ...]:
    """The exact test of the two networks of each seed that both have."""
    first, second = pair.first.right, pair.second.right
    return tuple(McNemar(seed, *mcnemar(first[seed], second[seed])) for seed in first if seed in second)


def pair_sentence(pair: Pair, first: str, second: str, same_rows: bool) -> str:
    cell, difference = pair.first.cell, pair.difference
    noun, low, high = NOUNS[cell.metric], difference.low, difference.high
    where = f"On {cell.target}, trained on {cell.source}"
    p = p_text(pair.p_holm) + (f" after Holm over {pair.together} comparisons" if pair.together > 1 else "")
    if pair.shown:
        verb = "falls" if difference.value < 0 else "rises"
        if difference.value < 0 and low is not None and high is not None:
            low, high = -high, -low
        interval = interval_text(low, high)
        text = f"{where}, {noun} {verb} by {points(abs(difference.value))} from {first} to {second}"
        text += f" ({interval}, {p}; {size(pair)})."
    else:
        text = (
            f"{where}, no difference in {noun} between {first} and {second} could be shown ({second} minus "
            f"{first}: {points(difference.value)}, {interval_text(low, high)}, {p}); {size(pair)} {reach(pair)}."
        )
        if pair.p < ALPHA:
            text += " The interval by itself leaves 0 out; among so many comparisons that is not enough."
    if difference.scope == "examples":
        text += " With one seed this is about these networks; other seeds may differ."
    return text if same_rows else text + " The reviews could not be paired."


def reach(pair: Pair) -> str:
    """What such an experiment could have shown; with two seeds, often nothing that could occur."""
    if pair.smallest > LARGEST:
        return f"are too few to show even {points(LARGEST)}"
    return f"could only show {number_text(pair.smallest)} or more"


def size(pair: Pair) -> str:
    """``3 seeds each, n = 412``."""
    first, second = len(pair.first.score.values), len(pair.second.score.values)
    seeds = f"{counted(first, 'seed')} each" if first == second else f"{first} and {counted(second, 'seed')}"
    n = dict.fromkeys(f"{m.cell.n:,}" for m in (pair.first, pair.second))
    return f"{seeds}, n = {' and '.join(n)}"


def best(group: Sequence[Measured], pairs_of_group: Sequence[Pair], names: Mapping[str, str]) -> Best:
    """The best mean of a group, and who could not be told from it."""
    sign = 1 if lower_is_better(group[0].cell.metric) else -1
    winner = min(group, key=lambda m: sign * m.cell.mean.value)
    cell = winner.cell
    rivals = []
    for pair in pairs_of_group:
        others = [m for m in (pair.first, pair.second) if m is not winner]
        if len(others) == 1 and not pair.shown:
            rivals.append(others[0].cell.entry)
    return Best(
        source=cell.source,
        target=cell.target,
        selection=cell.selection,
        metric=cell.metric,
        entry=cell.entry,
        rivals=tuple(rivals),
        certain=len(group) > 1 and not rivals and scope_of(group) == "seeds and examples",
        sentence=best_sentence(group, winner, [names[rival] for rival in rivals], names),
    )


def best_sentence(group: Sequence[Measured], winner: Measured, rivals: list[str], names: Mapping[str, str]) -> str:
    cell = winner.cell
    noun, name, where = NOUNS[cell.metric], names[cell.entry], f"On {cell.target}, trained on {cell.source}"
    mean = estimate_text(cell.mean)
    one_seed = any(len(m.score.values) == 1 for m in group)
    alone = " With one seed this is about these networks; other seeds may differ." * one_seed
    if len(group) == 1:
        return f"{where}, only {name} was scored: {noun} {mean}.{alone}"
    extreme = "lowest" if lower_is_better(cell.metric) else "highest"
    if not rivals:
        relation = "higher" if extreme == "lowest" else "lower"
        others = "the other model's" if len(group) == 2 else f"each of the other {len(group) - 1} models'"
        return f"{where}, {name} has the {extreme} {noun}, {mean}; {others} was shown to be {relation}.{alone}"
    return (
        f"{where}, {name} has the {extreme} {noun} found, {mean}, but {listed(rivals)} cannot be told from it.{alone}"
    )
