"""From a dataset's configuration to its DataModule."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from sentiment_transfer.data.amazon import AmazonReviewsDataModule
from sentiment_transfer.data.base import ReviewDataModule
from sentiment_transfer.data.csv_reviews import CSVDataModule
from sentiment_transfer.data.indolem import IndoLEMDataModule
from sentiment_transfer.data.rakuten import RakutenDataModule
from sentiment_transfer.data.smsa import SmSADataModule
from sentiment_transfer.demo.datamodule import DemoDataModule

DATAMODULES: dict[str, type[ReviewDataModule]] = {
    "amazon": AmazonReviewsDataModule,
    "rakuten": RakutenDataModule,
    "indolem": IndoLEMDataModule,
    "smsa": SmSADataModule,
    "csv": CSVDataModule,
    "demo": DemoDataModule,
}


def make_dataset(name: str, config: DictConfig, *, data_dir: str, cache_dir: str, seed: int) -> ReviewDataModule:
    """The DataModule that a dataset's configuration describes; nothing is read yet."""
    options: dict[str, Any] = OmegaConf.to_container(config, resolve=True, enum_to_str=True)  # type: ignore[assignment]
    kind = options.pop("kind")
    if kind == "csv":
        options["name"] = name
    if kind != "demo":
        options["data_dir"] = data_dir
    return DATAMODULES[kind](**options, cache_dir=cache_dir, seed=seed)
