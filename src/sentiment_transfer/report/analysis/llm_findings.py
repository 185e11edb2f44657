"""The findings about large language models: every encoder against each of them, and what 1,000 reviews cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sentiment_transfer.report.analysis.estimate import Estimate


@dataclass(frozen=True)
class LlmComparison:
    """One encoder against a large language model on one target."""

    encoder: str  # Entry.key
    target: str
    language: str
    metric: str
    gain: Estimate  # of the encoder over the language model; above 0 the encoder is better
    p: float
    p_holm: float
    shown: Literal["better", "worse", "not shown"]  # the encoder
    paired: bool  # same reviews on both sides


@dataclass(frozen=True)
class LlmVerdict:
    """One large language model; its comparisons, over all encoders and targets, are one family of tests."""

    llm: str  # Entry.key
    comparisons: tuple[LlmComparison, ...]


@dataclass(frozen=True)
class Unanswered:
    """Answers of a language model about one dataset that name no class, or were refused, over its runs."""

    llm: str  # Entry.key
    target: str
    answers: int
    of: int  # reviews, over its runs


@dataclass(frozen=True)
class Cost:
    """Of predicting 1,000 reviews, mean over the runs of an entry."""

    seconds: float | None  # None where it was not recorded
    dollars: float | None  # None where no price is known
