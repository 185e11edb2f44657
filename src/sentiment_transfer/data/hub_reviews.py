"""A dataset of the Hugging Face hub that the user names, with the label rules of the user's own files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from sentiment_transfer.config.dataset import DatasetConfig
from sentiment_transfer.data.base import Split
from sentiment_transfer.data.hub import load_split, parquet_splits
from sentiment_transfer.data.own_options import HubConfig
from sentiment_transfer.data.own_reviews import OwnReviews, Part
from sentiment_transfer.data.table_reviews import part_of
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.records import Layout

USUAL = {"train": (), "dev": ("validation", "dev", "valid"), "test": ("test",)}


class HubDataModule(OwnReviews):
    """Reviews of a dataset on the hub; the options are described at ``HubConfig``.

    Only Parquet files are read, and no code of a repository is run. What a split is called is asked of the hub when it
    is first needed.
    """

    schema: ClassVar[type[DatasetConfig]] = HubConfig
    ways_to_a_split = "Give it a fraction, or a split of the dataset (dev, test)."

    @property
    def origin(self) -> str:
        return str(self.config.repository)

    def local_files(self) -> list[Path]:
        return []

    def is_cut(self, split: Split) -> bool:
        return split != "train" and self._name_of(split) is None

    def parts(self, split: Split) -> Iterator[Part]:
        name = self._name_of(split)
        if name not in self._splits:
            raise UserError(
                f"{self.name}: the dataset {self.origin} on the Hugging Face hub has no split {name!r}; it has "
                f"{', '.join(self._splits)}. Set {split}= to one of them."
            )
        dataset = load_split(
            self.origin, name, config=self.config.subset, revision=self.config.revision, instead=self._instead
        )
        yield part_of(dataset, Path(self.origin) / name, Layout(self.config.text, self.config.label))

    def _name_of(self, split: Split) -> str | None:
        given: str | None = getattr(self.config, split)
        return given or next((name for name in USUAL[split] if name in self._splits), None)

    @cached_property
    def _splits(self) -> list[str]:
        return parquet_splits(
            self.origin, config=self.config.subset, revision=self.config.revision, instead=self._instead
        )

    @property
    def _instead(self) -> str:
        return "A file of your own can be used in its place: see docs/datasets.md."
