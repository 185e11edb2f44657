"""The findings on language distance: points, lines, and the effect of size on their slope.

Distances are typological (``results/languages.py``), 0 to 1; slopes are changes of the error, a fraction, per ``STEP``
of distance.
"""

from __future__ import annotations

from dataclasses import dataclass

from sentiment_transfer.report.analysis.estimate import Estimate

STEP = 0.1  # of typological distance: from English, about Spanish to Indonesian


@dataclass(frozen=True)
class DistancePoint:
    """The transfer gap on one language."""

    target: str
    language: str  # code
    distance: float  # from the nearest language of the source
    reference: str  # the dataset whose error is subtracted
    gap: Estimate  # in error, over seeds and reviews
    paired: bool  # the same reviews in both languages
    tokens_seen: float | None  # fraction of the target's tokens that occur in the source's training texts


@dataclass(frozen=True)
class Fit:
    """A least-squares line over languages; the languages are part of what its interval covers."""

    slope: Estimate  # per STEP of distance; covers other languages, and its ``scope``
    p: float
    p_holm: float
    family_size: int
    minimum_detectable_difference: float  # a slope per STEP, with 80 % power at the level that Holm's procedure asked
    tau: float  # standard deviation of languages around the line beyond seeds and reviews


@dataclass(frozen=True)
class DistanceLine:
    """One entry on the languages of one corpus."""

    entry: str  # Entry.key
    points: tuple[DistancePoint, ...]  # by distance
    fit: Fit | None  # None for fewer than four languages; Holm over the entries of this corpus
    band: tuple[tuple[float, Estimate], ...]  # distance, height of the line there; empty without a fit


@dataclass(frozen=True)
class SizeByDistance:
    """The change of the error per doubling of size, as a line over distance: below 0, size helps more the farther."""

    family: str
    entries: tuple[str, ...]  # Entry.keys, by size
    sizes: tuple[int, ...]
    unit: str  # of the sizes: parameters, or layers
    languages: int  # that all of the entries were scored on
    fit: Fit  # Holm over the families of encoders


@dataclass(frozen=True)
class DistanceTrend:
    """One source on the languages of one corpus: same domain and same construction, so only languages differ."""

    source: str  # names joined by "+"
    source_languages: tuple[str, ...]  # codes
    corpus: str  # "nusax"
    domain: str
    selection: str
    own_reference: bool  # the reference is of this corpus; else it is the source's own test set
    lines: tuple[DistanceLine, ...]  # by size
    sizes: tuple[SizeByDistance, ...]

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of all languages on any line, the nearest first."""
        distances = {point.language: point.distance for line in self.lines for point in line.points}
        return tuple(sorted(distances, key=lambda code: (distances[code], code)))
