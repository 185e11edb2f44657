"""Reviews written for this project, in the package: English to train on, and one test set in three languages.

Files ``written/{en,ja,id}.tsv``: id, split, domain, label, phenomenon, text; tabs, no quoting. The 240 test rows have
the same ids in all three, each a version of the same review; only English has training and development rows.
docs/written-reviews.md says how they were made and what they cannot show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.catalog import WrittenConfig
from sentiment_transfer.data.reviews import BINARY, Reviews
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.text import delimited_rows

FOLDER = Path(__file__).with_name("written")
COLUMNS = ("id", "split", "domain", "label", "phenomenon", "text")


@dataclass(frozen=True)
class WrittenReview:
    """A row of the files."""

    id: str
    split: str
    domain: str  # product, hotel, film or app
    label: str
    phenomenon: str  # plain, negation, contrast, comparison, understatement, irony or mixed
    text: str


class WrittenDataModule(ReviewDataModule):
    """The written reviews of one language: en (480 reviews to train on, 96 for development, 240 for testing), ja or id
    (the 240 alone)."""

    schema = WrittenConfig
    domain = "product, hotel, film and app reviews"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.name = f"written_{self.language}"

    def has(self, split: Split) -> bool:
        return split == "test" or self.language == "en"

    def read(self, split: Split) -> Reviews:
        if not self.has(split):
            raise UserError(
                f"{self.name}: there is no {split} split, only a test split. Train on written_en, which has all three."
            )
        rows = self._rows(split)
        return Reviews.from_columns(
            [row.id for row in rows],
            [row.text for row in rows],
            [BINARY.index(row.label) for row in rows],
            language=self.language,
            domain=self.domain,
        )

    def phenomena(self) -> dict[str, str]:
        """The phenomenon that makes each test review easy or hard, by its id: ``{"hotel-07": "irony", ...}``."""
        return {row.id: row.phenomenon for row in self._rows("test")}

    def tags(self) -> dict[str, str]:
        """The phenomena."""
        return self.phenomena()

    def domains(self) -> dict[str, str]:
        """The domain of each test review, by its id: ``{"hotel-07": "hotel", ...}``."""
        return {row.id: row.domain for row in self._rows("test")}

    def _rows(self, split: Split) -> list[WrittenReview]:
        return [row for row in written_rows(self.language) if row.split == split]


def written_rows(language: str) -> Iterator[WrittenReview]:
    """All rows of a language in file order."""
    rows = delimited_rows(FOLDER / f"{language}.tsv", delimiter="\t", quoted=False)
    _, columns = next(rows)
    assert tuple(columns) == COLUMNS
    return (WrittenReview(*fields) for _, fields in rows)
