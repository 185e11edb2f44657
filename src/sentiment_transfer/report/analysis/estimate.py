"""A number with its interval, of which all findings are made."""

from __future__ import annotations

from typing import Literal, NamedTuple

Scope = Literal["seeds and examples", "examples", "none"]


class Estimate(NamedTuple):
    """A number with its 95 % interval.

    ``scope`` is what the interval covers: other seeds and other test reviews; other test reviews alone, for these very
    networks (where there is one seed); or nothing (then low and high are None).
    """

    value: float
    low: float | None
    high: float | None
    scope: Scope

    def scaled(self, factor: float) -> Estimate:
        """The estimate in another unit or, by a negative ``factor``, in the other direction."""
        low, high = (None if end is None else factor * end for end in (self.low, self.high))
        return Estimate(factor * self.value, *((low, high) if factor > 0 else (high, low)), self.scope)

    @property
    def magnitude(self) -> Estimate:
        """A change without its sign: an estimate below 0 mirrored to above 0."""
        return self.scaled(-1) if self.value < 0 else self
