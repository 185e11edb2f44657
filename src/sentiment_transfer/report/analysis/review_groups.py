"""The groups that the reviews of a test set fall into, by their properties."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sentiment_transfer.report.analysis.slices import Dimension

CATEGORIES: dict[str, Dimension] = {"tag": "phenomenon", "domain": "domain", "script": "script"}
ROUNDING = 1e-6  # a float32 share of 0.29 is a little less than 29 %


@dataclass(frozen=True)
class ReviewGroup:
    dimension: Dimension
    label: str
    members: np.ndarray  # (n,) bool


def review_groups(features: Mapping[str, np.ndarray]) -> Iterator[ReviewGroup]:
    """The groups of every dimension in which reviews differ.

    ``features`` are columns of ``results.predictions.FEATURES``, (n,) each; any may be missing. The groups of a
    dimension do not overlap; a review whose property is unknown is in none of them.
    """
    for column, dimension in CATEGORIES.items():
        if column in features:
            yield from by_category(np.asarray(features[column], dtype=np.object_), dimension)
    if "characters" in features:
        yield from in_thirds(np.asarray(features["characters"], dtype=float), "length", characters_text)
    if "seen" in features:
        percent = np.floor(100 * np.asarray(features["seen"], dtype=float) + 100 * ROUNDING)
        yield from in_thirds(percent, "coverage", coverage_text)


def by_category(values: np.ndarray, dimension: Dimension) -> Iterator[ReviewGroup]:
    names = list(dict.fromkeys(value for value in values.tolist() if value))
    groups = [ReviewGroup(dimension, str(name), values == name) for name in names]
    if any(not group.members.all() for group in groups):
        yield from sorted(groups, key=lambda group: (-int(group.members.sum()), group.label))


def in_thirds(
    values: np.ndarray, dimension: Dimension, text: Callable[[int, int, bool, bool], str]
) -> Iterator[ReviewGroup]:
    known = np.isfinite(values)
    bounds = thirds(values[known].astype(np.int64))
    for place, (low, high) in enumerate(bounds):
        label = text(low, high, place == 0, place == len(bounds) - 1)
        yield ReviewGroup(dimension, label, known & (low <= values) & (values <= high))


def thirds(values: np.ndarray) -> list[tuple[int, int]]:
    """Lowest and highest value, both included, of up to three groups of about the same size; none if all are equal.

    Equal values stay together, so groups may differ in size, and there are two where a third cannot be cut off.
    """
    unique, counts = np.unique(values, return_counts=True)
    if len(unique) < 2:
        return []
    up_to = np.cumsum(counts)[:-1]  # reviews up to each value but the largest
    last = sorted({int(np.abs(up_to - len(values) * third / 3).argmin()) for third in (1, 2)})
    highest = [int(unique[place]) for place in (*last, len(unique) - 1)]
    lowest = [int(unique[0]), *(high + 1 for high in highest[:-1])]
    return list(zip(lowest, highest, strict=True))


def bounds_text(low: int, high: int, first: bool, last: bool, unit: str) -> str:
    if first:
        return f"up to {high:,}{unit}"
    if last:
        return f"{low:,}{unit} and more"
    return f"{low:,}{unit}" if low == high else f"{low:,} to {high:,}{unit}"


def characters_text(low: int, high: int, first: bool, last: bool) -> str:
    return bounds_text(low, high, first, last, " characters")


def coverage_text(low: int, high: int, first: bool, last: bool) -> str:
    if last and low == 100:
        return "all tokens seen"
    return bounds_text(low, high, first, last, " %") + " of tokens seen"
