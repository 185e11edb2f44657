"""Sentences on slices: the reviews on which the models err more, or less, than on the rest of a test set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sentiment_transfer.formatting import counted, interval_text, listed, p_text, points, value_text
from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.analysis.slices import Slice, SlicedSet, SliceGain
from sentiment_transfer.statistics.comparisons import ALPHA

NAMED = 3  # slices that a sentence names; the others are in the table
ONE_SEED = " Where a model has one seed, this is about these networks; other seeds may differ."
CATEGORIES = {
    "phenomenon": "reviews tagged {label}",
    "domain": "reviews of the domain {label}",
    "script": "reviews in the script {label}",
    "length": "reviews of {label}",
    "coverage": "reviews with {label} in training",
}


class SliceText(NamedTuple):
    text: str
    target: str  # empty where it is about all of a source's
    source: str


def slice_sentences(answer: Answer) -> Iterator[SliceText]:
    """One sentence per test set with slices that differ after correction, and one per family and test set on gains;
    one per source where no slice differs."""
    for source in dict.fromkeys(each.source for each in answer.slices):
        sets = [each for each in answer.slices if each.source == source]
        tested = [part.test for each in sets for part in each.slices if part.test]
        if not tested:
            continue
        if not any(test.p_holm < ALPHA for test in tested):
            yield SliceText(nothing_text(sets, source, tested[0].family_size), "", source)
        for each in sets:
            if found := different(each):
                yield SliceText(different_text(answer, each, found), each.target, source)
            for smallest, largest in dict.fromkeys(
                (gain.smallest, gain.largest) for part in each.slices for gain in part.gains
            ):
                if gains := different_gains(each, smallest, largest):
                    yield SliceText(gain_text(answer, each, gains), each.target, source)


def different(each: SlicedSet) -> list[Slice]:
    """The slices that differ from the rest after correction, the largest difference first.

    Of two slices that make up the whole test set, that with the higher error.
    """
    found = [part for part in each.slices if part.test and part.test.p_holm < ALPHA]
    found = [part for part in found if part.test and not (is_half(each, part) and part.test.difference.value < 0)]
    return sorted(found, key=lambda part: -abs(part.test.difference.value) if part.test else 0.0)


def is_half(each: SlicedSet, part: Slice) -> bool:
    """Whether one other slice is the rest."""
    of_dimension = [other.n for other in each.slices if other.dimension == part.dimension]
    return len(of_dimension) == 2 and sum(of_dimension) == each.n


def different_gains(each: SlicedSet, smallest: str, largest: str) -> list[tuple[Slice, SliceGain]]:
    found = [
        (part, gain)
        for part in each.slices
        for gain in part.gains
        if (gain.smallest, gain.largest) == (smallest, largest) and gain.p_holm < ALPHA
    ]
    found = [(part, gain) for part, gain in found if not (is_half(each, part) and gain.difference.value > 0)]
    return sorted(found, key=lambda pair: -abs(pair[1].difference.value))


def slice_name(part: Slice) -> str:
    """The reviews of a slice, in a sentence: ``reviews of 49 to 112 characters``."""
    return CATEGORIES[part.dimension].format(label=part.label)


def models_text(answer: Answer, each: SlicedSet) -> str:
    if len(each.entries) == 1:
        return answer.names[each.entries[0]]
    return f"mean of {counted(len(each.entries), 'model')}"


def different_text(answer: Answer, each: SlicedSet, found: Sequence[Slice]) -> str:
    parts = []
    for part in found[:NAMED]:
        assert part.test is not None
        change = part.test.difference
        side, shown = ("below" if change.value < 0 else "above"), change.magnitude
        amount = f"{points(shown.value)} ({interval_text(shown.low, shown.high)})"
        parts.append(f"{slice_name(part)}: {value_text(part.mean.value)} error, {amount} {side} the rest")
    test = found[0].test
    assert test is not None
    more = f"; {len(found) - NAMED} more in the table" if len(found) > NAMED else ""
    text = f"On {each.target}, trained on {each.source} ({models_text(answer, each)}), {'; '.join(parts)}{more}."
    alone = ONE_SEED * (test.difference.scope == "examples")
    return f"{text} These differ from the rest after Holm over {counted(test.family_size, 'slice')}.{alone}"


def gain_text(answer: Answer, each: SlicedSet, found: Sequence[tuple[Slice, SliceGain]]) -> str:
    parts = []
    for part, gain in found[:NAMED]:
        verb, shown = "falls" if gain.difference.value < 0 else "rises", gain.difference.magnitude
        amount = f"{points(shown.value)} ({interval_text(shown.low, shown.high)}, {p_text(gain.p_holm)})"
        parts.append(f"error on {slice_name(part)} {verb} by {amount}")
    more = f"; {len(found) - NAMED} more in the table" if len(found) > NAMED else ""
    first = found[0][1]
    return (
        f"On {each.target}, trained on {each.source}, from {answer.names[first.smallest]} to "
        f"{answer.names[first.largest]} and compared with the change on the rest, {'; '.join(parts)}{more} "
        f"(Holm over {first.family_size} such differences).{ONE_SEED * (first.difference.scope == 'examples')}"
    )


def nothing_text(sets: Sequence[SlicedSet], source: str, family_size: int) -> str:
    targets = listed(list(dict.fromkeys(each.target for each in sets)))
    return (
        f"Trained on {source}, no slice of the reviews of {targets} was shown to differ in error from the rest of its "
        f"test set (Holm over {counted(family_size, 'slice')})."
    )
