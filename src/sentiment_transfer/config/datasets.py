"""The typed schemas of the datasets, one for each kind; see ``config.py``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from omegaconf import MISSING


class TextRule(Enum):
    title_body = "title_body"  # title, newline, body: what mteb's mirror has
    body = "body"  # body alone: what SetFit's mirror has


class Splits(Enum):
    published = "published"  # the train, dev and test split of the file
    whole = "whole"  # all of it is the test set


@dataclass
class DatasetConfig:
    """What every dataset has; ``kind`` chooses the DataModule and is set by the file in conf/dataset."""

    kind: str = MISSING
    limit: int | None = None  # rows of each split to keep: a shuffled, stratified, seeded subset


@dataclass
class AmazonConfig(DatasetConfig):
    kind: str = "amazon"
    language: str = MISSING
    text_rule: TextRule = TextRule.title_body


@dataclass
class RakutenConfig(DatasetConfig):
    kind: str = "rakuten"
    path: str | None = None  # the folder of train.csv.xz and test.csv.xz, where it is not data_dir/rakuten_ja


@dataclass
class IndoLEMConfig(DatasetConfig):
    kind: str = "indolem"
    fold: int | None = None  # 0..4; null scores all five test folds and averages, as published


@dataclass
class SmSAConfig(DatasetConfig):
    kind: str = "smsa"
    classes: int = 2  # 3 keeps neutral


@dataclass
class UCIConfig(DatasetConfig):
    kind: str = "uci"
    dev_fraction: float = 0.1  # shares that are cut off: there are no published splits
    test_fraction: float = 0.1  # 1.0: all is the test set


@dataclass
class JalanConfig(DatasetConfig):
    kind: str = "jalan"
    splits: Splits = Splits.published
    classes: int = 2  # 3 keeps neutral


@dataclass
class CSVConfig(DatasetConfig):
    kind: str = "csv"
    path: Any = MISSING  # a file, a glob, or a list of them
    text: Any = "text"  # column name, or its number from 0 where header=false
    label: Any = "label"
    labels: Any = None  # word in the file -> class, null drops the row; Any: a typed dict takes no keys from outside
    language: str = MISSING
    domain: str = "own"
    header: bool = True
    delimiter: str | None = None  # by the file's ending where null
    quoted: bool | None = None  # null: yes, unless the delimiter is a tab
    dev_path: Any = None
    test_path: Any = None
    dev_fraction: float = 0.1  # shares cut from path where there is no dev_path or test_path
    test_fraction: float = 0.1  # 1.0: the whole file is the test set
    classes: int = 2


@dataclass
class WrittenConfig(DatasetConfig):
    kind: str = "written"
    language: str = MISSING


DATASET_SCHEMAS: dict[str, type[DatasetConfig]] = {
    "amazon": AmazonConfig,
    "rakuten": RakutenConfig,
    "indolem": IndoLEMConfig,
    "smsa": SmSAConfig,
    "uci": UCIConfig,
    "jalan": JalanConfig,
    "csv": CSVConfig,
    "written": WrittenConfig,
}
