"""From a dataset's configuration to its DataModule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sentiment_transfer.config.datasets import DatasetConfig
from sentiment_transfer.config.schema import PathsConfig
from sentiment_transfer.config.typed import plain
from sentiment_transfer.data.amazon import AmazonReviewsDataModule
from sentiment_transfer.data.base import ReviewDataModule
from sentiment_transfer.data.csv_reviews import CSVDataModule
from sentiment_transfer.data.indolem import IndoLEMDataModule
from sentiment_transfer.data.jalan import JalanDataModule
from sentiment_transfer.data.rakuten import RakutenDataModule
from sentiment_transfer.data.smsa import SmSADataModule
from sentiment_transfer.data.uci import UCIDataModule
from sentiment_transfer.data.written_reviews import WrittenDataModule

DATAMODULES: dict[str, type[ReviewDataModule]] = {
    "amazon": AmazonReviewsDataModule,
    "rakuten": RakutenDataModule,
    "indolem": IndoLEMDataModule,
    "smsa": SmSADataModule,
    "uci": UCIDataModule,
    "jalan": JalanDataModule,
    "csv": CSVDataModule,
    "written": WrittenDataModule,
}


def make_datasets(group: Mapping[str, DatasetConfig], paths: PathsConfig, seed: int) -> dict[str, ReviewDataModule]:
    """The DataModules of a group of datasets, such as a run's source or its targets; nothing is read yet."""
    return {
        str(name): make_dataset(str(name), config, data_dir=paths.data_dir, cache_dir=paths.cache_dir, seed=seed)
        for name, config in group.items()
    }


def make_dataset(name: str, config: DatasetConfig, *, data_dir: str, cache_dir: str, seed: int) -> ReviewDataModule:
    """The DataModule that a dataset's configuration describes; nothing is read yet."""
    options: dict[str, Any] = plain(config)
    kind = options.pop("kind")
    if kind == "csv":
        options["name"] = name
    if kind != "written":
        options["data_dir"] = data_dir
    return DATAMODULES[kind](**options, cache_dir=cache_dir, seed=seed)
