"""Where the models of a source err more, or less, than on the rest of a test set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sentiment_transfer.report.analysis.cells import ResampledCell, scope_of
from sentiment_transfer.report.analysis.comparisons import estimate, families_of, sizes
from sentiment_transfer.report.analysis.findings import Entry, Estimate, Scope
from sentiment_transfer.report.analysis.review_groups import ReviewGroup, review_groups
from sentiment_transfer.report.analysis.slices import Slice, SlicedSet, SliceGain, SliceTest
from sentiment_transfer.statistics.comparisons import ContrastTest, family_tests
from sentiment_transfer.statistics.interval import Contrasts, bounded_intervals, contrasts
from sentiment_transfer.statistics.slices import Errors, difference_contrasts, errors, variances

Features = Mapping[str, np.ndarray]  # columns of ``results.predictions.FEATURES``


@dataclass(frozen=True)
class Prepared:
    """The models of a source on the same reviews, with the errors on every group of these."""

    cells: list[ResampledCell]
    whole: Errors
    groups: list[tuple[ReviewGroup, Errors]]
    ends: list[tuple[int, int]]  # smallest and largest model of each family, as places in ``cells``

    @property
    def tested(self) -> list[bool]:
        return [part.large_enough and self.whole.without(part).large_enough for _, part in self.groups]

    def tests_of(self, weights: np.ndarray) -> Iterator[Contrasts]:
        """The contrasts ``weights`` (c, m) of every slice that is large enough."""
        for (_, part), tested in zip(self.groups, self.tested, strict=True):
            if tested:
                yield difference_contrasts(weights, part, self.whole.without(part), self.whole)

    @property
    def average(self) -> np.ndarray:
        return np.full((1, len(self.cells)), 1 / len(self.cells))

    @property
    def largest_less_smallest(self) -> np.ndarray:
        weights = np.zeros((len(self.ends), len(self.cells)))
        for row, (smallest, largest) in enumerate(self.ends):
            weights[row, [smallest, largest]] = -1, 1
        return weights


def sliced_sets(
    cells: Iterable[ResampledCell], entries: Mapping[str, Entry], features: Mapping[tuple[str, str], Features]
) -> list[SlicedSet]:
    """The slices of every test set of one source, all tested together.

    ``cells`` come by size; ``features`` are by source and digest of the reviews. A test set is left out where its
    features or its predictions are unknown, or where a seed predicts each review several times (one network per fold).
    """
    sets = [prepared(group, entries, features) for group in on_the_same_reviews(cells, features)]
    sets = [each for each in sets if each.groups]
    tests = iter(family_tests([part for each in sets for part in each.tests_of(each.average)]))
    gains = iter(
        family_tests([part for each in sets if each.ends for part in each.tests_of(each.largest_less_smallest)])
    )
    return [sliced_set(each, tests, gains) for each in sets]


def on_the_same_reviews(
    cells: Iterable[ResampledCell], features: Mapping[tuple[str, str], Features]
) -> list[list[ResampledCell]]:
    groups: dict[tuple[object, ...], list[ResampledCell]] = defaultdict(list)
    for resampled in cells:
        cell = resampled.cell
        if resampled.correct and all((cell.source, rows) in features for rows in resampled.rows):
            groups[cell.target, cell.classes, resampled.rows].append(resampled)
    return list(groups.values())


def prepared(
    cells: list[ResampledCell], entries: Mapping[str, Entry], features: Mapping[tuple[str, str], Features]
) -> Prepared:
    of_reviews = joined([features[cells[0].cell.source, rows] for rows in cells[0].rows])
    groups = list(review_groups(of_reviews))
    wrong = [~np.stack(list(resampled.correct.values())) for resampled in cells]
    every = np.ones((1, wrong[0].shape[1]), bool)
    whole, *parts = errors(wrong, np.vstack([every, *(group.members[None] for group in groups)]))
    ends = []
    for family in families_of(cells, entries):
        of_family = sizes(family, entries)
        smallest, largest = (family[place(of_family)] for place in (np.argmin, np.argmax))
        ends.append((cells.index(smallest), cells.index(largest)))
    return Prepared(cells, whole, list(zip(groups, parts, strict=True)), ends)


def joined(parts: Sequence[Features]) -> dict[str, np.ndarray]:
    """The features of several folds, one after the other."""
    return {
        column: np.concatenate([part[column] for part in parts])
        for column in parts[0]
        if all(column in part for part in parts)
    }


def sliced_set(each: Prepared, tests: Iterator[ContrastTest], gains: Iterator[ContrastTest]) -> SlicedSet:
    """Takes its tests from both iterators, in the order of the slices."""
    cell, scope = each.cells[0].cell, scope_of(len(wrong) for wrong in each.whole.wrong)
    keys = tuple(resampled.cell.entry for resampled in each.cells)
    slices = []
    for (group, part), tested in zip(each.groups, each.tested, strict=True):
        test = next(tests) if tested else None
        changes = [next(gains) for _ in each.ends] if tested else []
        slices.append(
            Slice(
                dimension=group.dimension,
                label=group.label,
                n=part.n,
                errors=tuple(errors_of_models(part)),
                mean=mean_error(each, part, scope),
                test=test and SliceTest(estimate(test, scope), test.p, test.p_holm, test.family_size),
                gains=tuple(
                    SliceGain(
                        keys[smallest],
                        keys[largest],
                        estimate(change, scope_of(len(each.whole.wrong[place]) for place in (smallest, largest))),
                        change.p,
                        change.p_holm,
                        change.family_size,
                    )
                    for (smallest, largest), change in zip(each.ends, changes, strict=bool(changes))
                ),
            )
        )
    return SlicedSet(
        source=cell.source,
        target=cell.target,
        selection=cell.selection,
        n=each.whole.n,
        entries=keys,
        error=mean_error(each, each.whole, scope),
        slices=tuple(slices),
    )


def errors_of_models(part: Errors) -> Iterator[Estimate]:
    models = variances(part)
    for value, low, high, count in zip(
        models.means, *bounded_intervals(contrasts(np.eye(len(models.means)), models), part.n), models.counts,
        strict=True,
    ):  # fmt: skip
        yield Estimate(float(value), float(low), float(high), scope_of([count]))


def mean_error(each: Prepared, part: Errors, scope: Scope) -> Estimate:
    mean = contrasts(each.average, variances(part))
    low, high = bounded_intervals(mean, part.n)
    return Estimate(float(mean.values[0]), float(low[0]), float(high[0]), scope)
