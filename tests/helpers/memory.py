"""Datasets that live in memory, for tests of what is done with any dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.reviews import BINARY, Reviews
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError

Rows = Sequence[tuple[str, int]]


class MemoryDataModule(ReviewDataModule):
    """``rows`` by split; a split that is None does not exist, one that is a string is unavailable for that reason."""

    domain = "memory"

    def __init__(
        self,
        name: str,
        language: str = "en",
        *,
        train: Rows | str | None = None,
        dev: Rows | str | None = None,
        test: Rows | str | None = None,
        classes: tuple[str, ...] = BINARY,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.name, self.language, self.classes = name, language, classes
        self.rows: dict[str, Rows | str | None] = {"train": train, "dev": dev, "test": test}
        self.reads: list[str] = []

    def has(self, split: Split) -> bool:
        return self.rows[split] is not None

    def read(self, split: Split) -> Reviews:
        self.reads.append(split)
        rows = self.rows[split]
        if rows is None or isinstance(rows, str):
            raise UserError(rows or f"{self.name} has no {split}.")
        return Reviews.from_columns(
            [f"{self.name}-{split}-{number}" for number in range(len(rows))],
            [text for text, _ in rows],
            [label for _, label in rows],
            language=self.language,
            domain=self.domain,
            classes=self.classes,
        )


def some(name: str, count: int) -> Rows:
    """``count`` different reviews of alternating label."""
    return [(f"{name} {number} {'good' if number % 2 else 'bad'}", number % 2) for number in range(count)]


def overlap(data: TransferDataModule, train: str, scored: str, split: str) -> dict[str, Any]:
    """What the audit says of one pair of splits."""
    (found,) = [
        entry
        for entry in data.audit["overlaps"]
        if (entry["train"], entry["scored"], entry["split"]) == (train, scored, split)
    ]
    return found
