"""What the page can be narrowed down by, and the short ids by which its elements are known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sentiment_transfer.report.analysis.findings import Answer


@dataclass(frozen=True)
class Filters:
    """The values of each filter in their order on the page. Ids are their places: no name of a user's is one."""

    source: tuple[str, ...]
    model: tuple[str, ...]
    target: tuple[str, ...]
    seed: tuple[str, ...]

    def tags(self, source: str = "", model: str = "", target: str = "", seed: int | None = None) -> dict[str, str]:
        """The tags of something that belongs to these; what is not named does not restrict it."""
        named = {"source": source, "model": model, "target": target, "seed": "" if seed is None else str(seed)}
        return {key: str(getattr(self, key).index(value)) for key, value in named.items() if value}


def filters_of(answer: Answer) -> Filters:
    return Filters(
        source=_distinct(entry.source for entry in answer.entries),
        model=_distinct(entry.model for entry in answer.entries),
        target=_distinct(cell.target for cell in answer.cells),
        seed=tuple(str(seed) for seed in sorted({seed for entry in answer.entries for seed in entry.seeds})),
    )


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
