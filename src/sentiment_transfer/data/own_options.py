"""The options of reviews that the user names without a file: a dataset of the hub, or a table in a program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from omegaconf import MISSING

from sentiment_transfer.config.dataset import Dataset, DatasetConfig, register_dataset
from sentiment_transfer.data.catalog import CLASSES, FRACTION, Unlabelled, own_problems

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+|[\w-]+", re.ASCII)  # the oldest have no owner


@dataclass
class TableConfig(DatasetConfig):
    """A table; its options mean what those of ``CSVConfig`` with the same name mean."""

    text: Any = "text"  # column (a.b: field b in a)
    label: Any = "label"  # column of the labels
    labels: Any = None  # word -> class or null, which drops the row
    language: str = MISSING  # ISO 639-1
    domain: str = "own"  # for the report
    dev_fraction: Annotated[float, FRACTION] = 0.1  # cut from the training rows where there are no dev or test rows
    test_fraction: Annotated[float, FRACTION] = 0.1  # 1.0: all of it is the test set
    classes: Annotated[int, CLASSES] = 2  # 2 drops neutral, 3 keeps it
    unlabelled: Unlabelled = Unlabelled.refuse  # rows without a label: refuse or drop

    def problems(self, where: str) -> Iterator[str]:
        yield from own_problems(self, where, cut_dev=True, cut_test=True)


@dataclass
class HubConfig(TableConfig):
    """A dataset of the Hugging Face hub, from its Parquet files."""

    kind: str = "hub"
    repository: str = MISSING  # user/name
    subset: str | None = None  # its configuration, where it has several
    revision: str | None = None  # branch, tag or commit
    train: str = "train"  # its split of that name
    dev: str | None = None  # null: validation, dev or valid, else cut from train
    test: str | None = None  # null: test, else cut from train

    def problems(self, where: str) -> Iterator[str]:
        yield from own_problems(self, where, cut_dev=not self.dev, cut_test=not self.test)
        if not REPOSITORY.fullmatch(self.repository):
            yield f"{where}.repository={self.repository} is no name on the Hugging Face hub: type user/name."

    def untrainable(self, where: str) -> Iterator[str]:
        if self.test_fraction == 1 and not self.test:
            yield (
                f"{where}.test_fraction=1.0 leaves nothing to train on where the dataset has no test split: type "
                f"{where}.test_fraction=0.1, or name its split in {where}.test."
            )


register_dataset(
    Dataset(
        HubConfig,
        "sentiment_transfer.data.hub_reviews:HubDataModule",
        title="a dataset of the Hugging Face hub that the user named",
        content="reviews",
        citation="see its page on the hub",
        licence="see its page on the hub",
        names={"hub": {}},
        as_target={"test_fraction": 1.0},
    )
)
