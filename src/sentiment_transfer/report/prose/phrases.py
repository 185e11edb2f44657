"""An estimate as the report's sentences write it; the rest of the wording of numbers is in ``formatting``."""

from __future__ import annotations

from sentiment_transfer.formatting import METRIC_NOUNS as NOUNS
from sentiment_transfer.formatting import (
    MINUS,
    counted,
    interval_text,
    listed,
    lower_is_better,
    number_text,
    p_text,
    points,
    value_and_interval,
    value_text,
)
from sentiment_transfer.report.analysis.findings import Estimate

__all__ = [
    "MINUS",
    "NOUNS",
    "counted",
    "estimate_text",
    "interval_text",
    "listed",
    "lower_is_better",
    "number_text",
    "p_text",
    "points",
    "value_text",
]


def estimate_text(estimate: Estimate) -> str:
    """``11.2 % (95 % CI 10.9 to 11.6)``."""
    return value_and_interval(estimate.value, estimate.low, estimate.high)
