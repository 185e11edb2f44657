"""The sentences of the answer as the page lays them out: by evaluation set, with the lesser ones folded away."""

from __future__ import annotations

from dataclasses import dataclass, field

from sentiment_transfer.report.analysis.findings import Answer, Sentence
from sentiment_transfer.report.rendering.filters import Filters


@dataclass
class AnswerOn:
    """What is said of one evaluation set, for one source."""

    heading: str
    tags: dict[str, str]
    shown: list[Sentence] = field(default_factory=list)
    folded: list[Sentence] = field(default_factory=list)  # comparisons between that found nothing


def answers(answer: Answer, filters: Filters) -> tuple[list[Sentence], list[AnswerOn], list[Sentence]]:
    """The sentences about all before, those by evaluation set, and those about all after them, in their order."""
    places = dict.fromkeys((s.target, s.source) for s in answer.sentences if s.target)
    groups = {place: group(answer, filters, *place) for place in places}
    first_place = next((at for at, s in enumerate(answer.sentences) if s.target), len(answer.sentences))
    before, after = answer.sentences[:first_place], answer.sentences[first_place:]
    return list(before), list(groups.values()), [s for s in after if not s.target]


def group(answer: Answer, filters: Filters, target: str, source: str) -> AnswerOn:
    of = [s for s in answer.sentences if (s.target, s.source) == (target, source)]
    compared = {c.sentence: c for c in answer.comparisons if (c.target, c.source) == (target, source)}
    sizes = {entry.key: entry.size for entry in answer.entries}
    # From the smallest to the largest is the question itself: it is answered in any case.
    widest = max(compared.values(), key=lambda c: sizes[c.second] / max(sizes[c.first], 1), default=None)
    folded = [
        s for s in of if (c := compared.get(s.text)) and c is not widest and c.verdict in ("not shown", "not tested")
    ]
    # What is said of a set whatever was trained on, such as of its published numbers, has no source.
    heading = f"{target}, trained on {source}" if source and len(filters.source) > 1 else target
    tags = filters.tags(
        target=target if target in filters.target else "", source=source if source in filters.source else ""
    )
    return AnswerOn(heading, tags, [s for s in of if s not in folded], folded)
