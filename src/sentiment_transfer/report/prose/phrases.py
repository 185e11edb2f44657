"""Numbers as the report's sentences write them: percent and points with one decimal, APA's p."""

from __future__ import annotations

from collections.abc import Sequence

from sentiment_transfer.report.analysis.findings import Estimate

NOUNS = {
    "error": "error",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "f1_positive": "F1 of the positive class",
    "f1_positive_mean_folds": "F1 of the positive class (mean of folds)",
}
MINUS = "\N{MINUS SIGN}"


def lower_is_better(metric: str) -> bool:
    return metric == "error"


def value_text(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


def number_text(fraction: float) -> str:
    """In points, with a second decimal where one would hide that it is not 0."""
    shown = f"{100 * abs(fraction):.1f}"
    if shown == "0.0":
        shown = f"{100 * abs(fraction):.2f}"
    return MINUS * (fraction < 0 and float(shown) > 0) + shown


def points(fraction: float) -> str:
    shown = number_text(fraction)
    return f"{shown} point{'s' * (shown.lstrip(MINUS) != '1.0')}"


def interval_text(low: float | None, high: float | None) -> str:
    """``95 % CI 1.2 to 2.6``; empty without one."""
    return "" if low is None or high is None else f"95 % CI {number_text(low)} to {number_text(high)}"


def estimate_text(estimate: Estimate) -> str:
    """``11.2 % (95 % CI 10.9 to 11.6)``."""
    interval = interval_text(estimate.low, estimate.high)
    return value_text(estimate.value) + (f" ({interval})" if interval else "")


def p_text(p: float) -> str:
    if p < 0.001:
        return "p < .001"
    shown = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    return "p = 1" if float(shown) >= 1 else f"p = {shown.lstrip('0')}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """``a``, ``a and b``, ``a, b and c``; where there are more than ``most``, the first and how many others."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(number: int, noun: str) -> str:
    """``1 seed``, ``3 seeds``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
