"""Sentences on language distance: the slope of the gap, what size does to it, and what cannot be told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from sentiment_transfer.formatting import counted, interval_text, listed, number_text, p_holm_text, points
from sentiment_transfer.report.analysis.distance_findings import (
    STEP,
    DistanceLine,
    DistanceTrend,
    Fit,
    SizeByDistance,
)
from sentiment_transfer.report.analysis.findings import Entry
from sentiment_transfer.results.languages import language
from sentiment_transfer.statistics.comparisons import ALPHA
from sentiment_transfer.statistics.languages import FEW_LANGUAGES

CORPORA = {"nusax": "NusaX", "amazon": "MARC", "written": "the written reviews"}
TOLD = 2  # lines of a corpus in its sentence: of more, the smallest and the largest model


def distance_sentences(trend: DistanceTrend, entries: Mapping[str, Entry]) -> Iterator[str]:
    """The finding, size by distance where there are two sizes, and the limits of both; ``entries`` by their keys."""
    if not any(line.fit for line in trend.lines):
        yield (
            f"How the error grows with language distance from {source_text(trend)} is not known on "
            f"{corpus_text(trend)}: {counted(len(trend.languages), 'language')} at different distances "
            "are too few for a line, which takes four."
        )
        return
    yield slope_text(trend, entries)
    for size in trend.sizes:
        yield size_text(trend, size)
    yield limits_text(trend)


def corpus_text(trend: DistanceTrend) -> str:
    return CORPORA.get(trend.corpus, trend.corpus)


def source_text(trend: DistanceTrend) -> str:
    """``English``, or ``the nearer of English and Japanese``."""
    names = [language_name(code) for code in trend.source_languages]
    return names[0] if len(names) == 1 else f"the {'nearer' if len(names) == 2 else 'nearest'} of {listed(names)}"


def language_name(code: str) -> str:
    known = language(code)
    return known.name if known else code


def told(trend: DistanceTrend) -> list[tuple[DistanceLine, Fit]]:
    fitted = [(line, line.fit) for line in trend.lines if line.fit]
    return fitted if len(fitted) <= TOLD else [fitted[0], fitted[-1]]


def slope_text(trend: DistanceTrend, entries: Mapping[str, Entry]) -> str:
    lines = sorted(told(trend), key=lambda pair: pair[1].p_holm >= ALPHA)
    if all(fit.p_holm >= ALPHA for _, fit in lines):
        return no_slope_text(trend, lines, entries)
    number = " and ".join(dict.fromkeys(str(len(line.points)) for line, _ in lines))
    clauses = []
    for place, (line, fit) in enumerate(lines):
        name, shown = entries[line.entry].name, fit.p_holm < ALPHA
        unit = f"per {STEP:g}" + f" of typological distance from {source_text(trend)}" * (place == 0)
        verb, slope = ("falls" if fit.slope.value < 0 else "rises"), fit.slope.magnitude if shown else fit.slope
        tested = f"{interval_text(slope.low, slope.high)}, {p_holm_text(fit.p_holm, fit.family_size, 'models')}"
        if shown:
            subject = "the error" if place == 0 else "that"
            clauses.append(f"{subject} of {name} {verb} by {points(slope.value)} {unit} ({tested})")
        else:
            clauses.append(
                f"no change of the error of {name} could be shown ({points(slope.value)} {unit}, {tested}; "
                f"could only show {number_text(fit.minimum_detectable_difference)} or more)"
            )
    place_text = f"On {number} languages of {corpus_text(trend)}, trained on {trend.source}"
    return f"{place_text}, {'; '.join(clauses)}." + one_seed([fit for _, fit in lines])


def no_slope_text(trend: DistanceTrend, lines: list[tuple[DistanceLine, Fit]], entries: Mapping[str, Entry]) -> str:
    """Not shown for any model: the slopes observed, and those that could have been shown."""
    number = " and ".join(dict.fromkeys(str(len(line.points)) for line, _ in lines))
    slopes = [
        f"{points(fit.slope.value)}{f' per {STEP:g}' * (place == 0)} for {entries[line.entry].name} "
        f"({interval_text(fit.slope.low, fit.slope.high)}, {p_holm_text(fit.p_holm, fit.family_size, 'models')}; could "
        f"only show {number_text(fit.minimum_detectable_difference)} or more)"
        for place, (line, fit) in enumerate(lines)
    ]
    return (
        f"That the error grows with typological distance from {source_text(trend)} could not be shown on {number} "
        f"languages of {corpus_text(trend)}, trained on {trend.source}: {listed(slopes)}."
        + one_seed([fit for _, fit in lines])
    )


def one_seed(fits: list[Fit]) -> str:
    single = any(fit.slope.scope == "examples" for fit in fits)
    return " With one seed the interval covers other languages and reviews, not other seeds." * single


def size_text(trend: DistanceTrend, size: SizeByDistance) -> str:
    """Per doubling, or over the range where that is less than one, as the sentence on a trend over size."""
    doublings = math.log2(max(size.sizes) / min(size.sizes))
    factor, unit = (1.0, f"per doubling of {size.unit}") if doublings >= 1 else (doublings, "over these sizes")
    slope, fit = size.fit.slope.scaled(factor), size.fit
    family = f"{size.family} on {corpus_text(trend)}"
    p = p_holm_text(fit.p_holm, fit.family_size, "families")
    if fit.p_holm >= ALPHA:
        text = (
            f"Whether a larger encoder gains more where the language is farther could not be shown for {family}: "
            f"the slope changes by {points(slope.value)} per {STEP:g} {unit} ({interval_text(slope.low, slope.high)}, "
            f"{p}); {size.languages} languages could only show "
            f"{number_text(factor * fit.minimum_detectable_difference)} or more."
        )
    else:
        more, verb = ("more", "falls") if slope.value < 0 else ("less", "rises")
        slope = slope.magnitude
        text = (
            f"A larger encoder gains {more} where the language is farther ({family}): the slope {verb} by "
            f"{points(slope.value)} per {STEP:g} {unit} ({interval_text(slope.low, slope.high)}, {p})."
        )
    return text + one_seed([fit])


def limits_text(trend: DistanceTrend) -> str:
    codes = trend.languages
    unseen = [code for code in codes if (known := language(code)) and not known.in_xlmr]
    parts = [
        f"the {len(codes)} languages stand for others like them, "
        + (
            "and with fewer than six only very steep lines can be shown"
            if len(codes) < FEW_LANGUAGES
            else "not for every language"
        ),
        "distance is that of syntax in URIEL, one view of several",
    ]
    if unseen and len(unseen) < len(codes):
        parts.append(
            f"{len(unseen)} of them are not among the languages that XLM-R was pretrained on, and what is due to this "
            "cannot be told from distance"
        )
    else:
        parts.append("how much of each language the encoder saw in pretraining is not taken into account")
    if not trend.own_reference:
        parts.append(
            "the reference is the source's own test set, of another domain, which moves all gaps alike and the slope "
            "not at all"
        )
    return f"Limits: {'; '.join(parts)}."
