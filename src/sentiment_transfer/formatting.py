"""Numbers and lists of names as text: the one place where a value gets its decimals, its unit and its noun.

Scores are fractions in 0..1 everywhere and become percent here. Tables show two decimals and name the unit in their
heading; sentences show one and carry it with the number.
"""

from __future__ import annotations

from collections.abc import Sequence

DASH = "–"  # an empty cell
MINUS = "\N{MINUS SIGN}"

METRIC_TITLES = {
    "error": "error %",
    "accuracy": "accuracy %",
    "macro_f1": "macro-F1 %",
    "f1_positive": "F1 positive %",
    "f1_positive_mean_folds": "F1 positive %, mean of folds",
}
METRIC_BRIEFS = {
    "error": "error",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "f1_positive": "F1",
    "f1_positive_mean_folds": "F1",
}
METRIC_NOUNS = {
    "error": "error",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "f1_positive": "F1 of the positive class",
    "f1_positive_mean_folds": "F1 of the positive class (mean of folds)",
}
SELECTIONS = {  # which checkpoint's weights are scored; the keys are those of the records, in their order
    "last": "the weights of the last epoch",
    "source_dev": "the weights of the epoch with the best score on the source's development set",
    "average": "the average of all epochs' weights",
    "oracle": "the weights of the epoch with the best score on the target's own development set",
}


def metric_title(metric: str) -> str:
    """The metric as a column heading, with its unit: ``error %``."""
    return METRIC_TITLES[metric]


def metric_brief(metric: str) -> str:
    """The metric where a terminal has little room, without its unit: ``error``."""
    return METRIC_BRIEFS[metric]


def metric_noun(metric: str) -> str:
    """The metric in a sentence: ``macro-F1``."""
    return METRIC_NOUNS[metric]


def lower_is_better(metric: str) -> bool:
    return metric == "error"


def percent(fraction: float, digits: int = 2) -> str:
    """``0.1112`` -> ``11.12``, for a column whose heading names the unit."""
    return f"{100 * fraction:.{digits}f}"


def value_text(value: float, digits: int = 1) -> str:
    """``0.1112`` -> ``11.1 %``."""
    return f"{percent(value, digits)} %"


def signed_percent(fraction: float, digits: int = 2) -> str:
    """A difference with its sign: ``0.0123`` -> ``+1.23``."""
    return f"{100 * fraction:+.{digits}f}"


def number_text(fraction: float) -> str:
    """In points with one decimal, or with two where one would show 0: ``-0.0004`` -> ``−0.04``."""
    shown = f"{100 * abs(fraction):.1f}"
    if shown == "0.0":
        shown = f"{100 * abs(fraction):.2f}"
    return MINUS * (fraction < 0 and float(shown) > 0) + shown


def points(fraction: float) -> str:
    """``0.012`` -> ``1.2 points``."""
    shown = number_text(fraction)
    return f"{shown} point{'s' * (shown.lstrip(MINUS) != '1.0')}"


def interval_text(low: float | None, high: float | None) -> str:
    """``95 % CI 1.2 to 2.6``; empty without one."""
    return "" if low is None or high is None else f"95 % CI {number_text(low)} to {number_text(high)}"


def value_and_interval(value: float, low: float | None, high: float | None) -> str:
    """``11.2 % (95 % CI 10.9 to 11.6)``."""
    interval = interval_text(low, high)
    return value_text(value) + (f" ({interval})" if interval else "")


def interval_cell(low: float | None, high: float | None, digits: int = 2, signed: bool = False) -> str:
    """``[17.92, 21.82]``, or with signs ``[-0.31, +1.20]``; empty without one."""
    if low is None or high is None:
        return ""
    shown = signed_percent if signed else percent
    return f"[{shown(low, digits)}, {shown(high, digits)}]"


def p_value(p: float) -> str:
    """A p-value in a table, as APA writes it: ``.012``, ``< .001``."""
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def p_text(p: float) -> str:
    """A p-value in a sentence, as APA writes it: ``p = .012``, ``p = .34``, ``p < .001``."""
    if p < 0.001:
        return "p < .001"
    shown = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    return "p = 1" if float(shown) >= 1 else f"p = {shown.removeprefix('0')}"


def p_holm_text(p: float, family_size: int, tests: str) -> str:
    """``p = .012 after Holm over 3 comparisons``; of a family of one, the p-value alone."""
    return p_text(p) + (f" after Holm over {family_size} {tests}" if family_size > 1 else "")


def parameter_count(count: float) -> str:
    """Three significant digits: ``278043648`` -> ``278 M``."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:.0f}"


def duration(seconds: float) -> str:
    """``42.8 s``, ``5 min 03 s``, ``2 h 07 min``."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def ago(seconds: float) -> str:
    """``3 hours ago``, in the largest unit of which there are at least two."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} seconds ago"


def gib(size: float, digits: int = 1) -> str:
    """Memory: bytes -> ``3.1 GiB``."""
    return f"{size / 2**30:.{digits}f} GiB"


def file_size(size: float) -> str:
    """A file's bytes in decimal units, as file managers and hubs show them: ``1,112.3 MB``, ``4.2 kB``."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


def plural(noun: str, number: float) -> str:
    """``noun`` as it stands after ``number``: ``seed``, ``seeds``."""
    return noun if number == 1 else f"{noun}s"


def counted(number: int, noun: str) -> str:
    """``1 seed``, ``3 seeds``, ``5,000 reviews``."""
    return f"{number:,} {plural(noun, number)}"


def numbered(noun: str, numbers: Sequence[int]) -> str:
    """``seed 0``, ``seeds 0, 1``."""
    return f"{plural(noun, len(numbers))} {', '.join(map(str, numbers))}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """``a``, ``a and b``, ``a, b and c``; where there are more than ``most``, the first and the number of others."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
