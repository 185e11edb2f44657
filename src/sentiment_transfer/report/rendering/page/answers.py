"""The sentences of the answer as the page lays them out: by dataset, with the minor ones folded away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sentiment_transfer.report.prose.sentences import Sentence
from sentiment_transfer.report.rendering.filters import Filters


@dataclass
class AnswerOn:
    """The sentences on one dataset, for one source."""

    heading: str
    tags: dict[str, str]
    shown: list[Sentence]
    folded: list[Sentence]  # comparisons of neighbours in size that found nothing


def answers(sentences: Sequence[Sentence], filters: Filters) -> tuple[list[Sentence], list[AnswerOn], list[Sentence]]:
    """The sentences about all before, those by dataset, and those about all after them, in their order."""
    places = dict.fromkeys((s.target, s.source) for s in sentences if s.target)
    groups = [group([s for s in sentences if (s.target, s.source) == place], filters) for place in places]
    first_place = next((at for at, s in enumerate(sentences) if s.target), len(sentences))
    return list(sentences[:first_place]), groups, [s for s in sentences[first_place:] if not s.target]


def group(sentences: Sequence[Sentence], filters: Filters) -> AnswerOn:
    target, source = sentences[0].target, sentences[0].source
    # A sentence that holds for every source, such as one about published numbers, names none.
    heading = f"{target}, trained on {source}" if source and len(filters.source) > 1 else target
    tags = filters.tags(
        target=target if target in filters.target else "", source=source if source in filters.source else ""
    )
    return AnswerOn(heading, tags, [s for s in sentences if not s.minor], [s for s in sentences if s.minor])
