"""Findings on slices: reviews of a test set that share a property, beside the rest of it.

Errors are means over seeds. A test is of the mean of all models of one source that were scored on the same reviews: it
is about the reviews, not about one of the models. All slices of all datasets of a source are one family, and all gains
another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sentiment_transfer.report.analysis.estimate import Estimate

Dimension = Literal["phenomenon", "domain", "script", "length", "coverage"]


class SliceTest(NamedTuple):
    """The mean error of the models on a slice less that on the rest."""

    difference: Estimate
    p: float
    p_holm: float  # adjusted over all slices of the source
    family_size: int


class SliceGain(NamedTuple):
    """The change from the smallest to the largest model of a family on a slice, less that on the rest."""

    smallest: str  # Entry.key
    largest: str  # Entry.key
    difference: Estimate  # below 0: the larger model gains more on the slice
    p: float
    p_holm: float  # adjusted over all gains of the source
    family_size: int


@dataclass(frozen=True)
class Slice:
    """Reviews that share a property."""

    dimension: Dimension
    label: str  # the value of a category, or the bounds with their unit: "49 to 112 characters"
    n: int  # reviews
    errors: tuple[Estimate, ...]  # of each entry of the set
    mean: Estimate  # of all entries
    test: SliceTest | None  # None where the slice or the rest has too few reviews
    gains: tuple[SliceGain, ...]  # one per family of two sizes or more; empty where there is no test


@dataclass(frozen=True)
class SlicedSet:
    """A test set, the models of one source that were scored on it, and all its slices; they overlap."""

    source: str
    target: str
    selection: str
    n: int  # reviews
    entries: tuple[str, ...]  # Entry.keys, by size
    error: Estimate  # mean of all entries on all reviews
    slices: tuple[Slice, ...]  # by dimension
