"""The findings of the verdict: one gain per zero-shot target, for each source and family of encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sentiment_transfer.report.analysis.estimate import Estimate
from sentiment_transfer.statistics.interval import ENOUGH_SEEDS


@dataclass(frozen=True)
class Effect:
    """The gain of the largest encoder over the smallest on one target; above 0 it is better."""

    target: str
    language: str
    domain: str
    metric: str
    n: int
    smallest: Estimate  # the score itself
    largest: Estimate
    gain: Estimate  # in the metric, or in its opposite where lower is better
    p: float
    p_holm: float
    minimum_detectable_difference: float
    shown: Literal["better", "worse", "not shown"]
    paired: bool  # same reviews on both sides
    seeds_needed: int | None  # of each model, to show a gain as large as this one; None where no number would
    limit: float | None  # the smallest gain that these reviews could show with any number of seeds


@dataclass(frozen=True)
class SizeVerdict:
    """The answer for one source and one family of encoders."""

    source: str
    family: str
    smallest: str  # Entry.key
    largest: str  # Entry.key
    sizes: tuple[int, int]
    unit: str
    seeds: int  # of the model that has fewer
    effects: tuple[Effect, ...]
    family_size: int  # effects of this source that were tested together

    @property
    def better(self) -> list[Effect]:
        return [effect for effect in self.effects if effect.shown == "better"]

    @property
    def worse(self) -> list[Effect]:
        return [effect for effect in self.effects if effect.shown == "worse"]

    @property
    def open(self) -> list[Effect]:
        return [effect for effect in self.effects if effect.shown == "not shown"]

    @property
    def enough_seeds(self) -> bool:
        """False where the verdict is about these networks alone."""
        return self.seeds >= ENOUGH_SEEDS
