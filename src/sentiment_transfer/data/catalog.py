"""The datasets of the package: their options, their descriptors, and from options to a DataModule.

Imports nothing heavy: the command line answers from here. A DataModule is imported where its reviews are read.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Interval
from omegaconf import MISSING

from sentiment_transfer.config.dataset import LATER, Dataset, DatasetConfig, OneOf, dataset_of, register_dataset
from sentiment_transfer.config.written_form import written_form_problems
from sentiment_transfer.files.names import file_name

if TYPE_CHECKING:
    from sentiment_transfer.config.schema import PathsConfig
    from sentiment_transfer.data.base import ReviewDataModule

CLASSES = OneOf((2, 3))
MARC_LANGUAGES = ("de", "en", "es", "fr", "ja", "zh")
WRITTEN_LANGUAGES = ("en", "ja", "id")
NUSAX_LANGUAGES = {  # code -> folder in the repository
    "en": "english",
    "id": "indonesian",
    "jv": "javanese",
    "su": "sundanese",
    "min": "minangkabau",
    "ace": "acehnese",
    "ban": "balinese",
    "bjn": "banjarese",
    "bug": "buginese",
    "mad": "madurese",
    "nij": "ngaju",
    "bbc": "toba_batak",
}
FRACTION = Interval(ge=0, le=1)


class TextRule(Enum):
    title_body = "title_body"  # title, newline, body: as in mteb's mirror
    body = "body"  # body alone: as in SetFit's mirror


class Splits(Enum):
    published = "published"  # the train, dev and test split of the file
    whole = "whole"  # all of it is the test set


class Unlabelled(Enum):
    refuse = "refuse"  # a row without a label is an error
    drop = "drop"  # such rows are left out, and counted in the audit


@dataclass
class AmazonConfig(DatasetConfig):
    kind: str = "amazon"
    language: Annotated[str, OneOf(MARC_LANGUAGES)] = "en"  # of the reviews
    text_rule: TextRule = TextRule.title_body  # title and body, or the body alone
    complete: bool = field(default=True, metadata=LATER)  # false: read a part of a split too, and label its scores


@dataclass
class RakutenConfig(DatasetConfig):
    kind: str = "rakuten"
    path: str | None = None  # the folder of train.csv.xz and test.csv.xz, where it is not data_dir/rakuten_ja


@dataclass
class IndoLEMConfig(DatasetConfig):
    kind: str = "indolem"
    fold: Annotated[int | None, Interval(ge=0, le=4)] = None  # null: all five test folds, averaged as published

    def untrainable(self, where: str) -> Iterator[str]:
        if self.fold is None:
            yield (
                f"{where}.fold is not set: training needs one fold. Type {where}.fold=0 (to 4), or sweep the folds: "
                f"-m {where}.fold=0,1,2,3,4."
            )


@dataclass
class SmSAConfig(DatasetConfig):
    kind: str = "smsa"
    classes: Annotated[int, CLASSES] = 2  # 2 drops neutral, 3 keeps it


@dataclass
class NusaXConfig(DatasetConfig):
    kind: str = "nusax"
    language: Annotated[str, OneOf(tuple(NUSAX_LANGUAGES))] = "id"  # of the comments
    classes: Annotated[int, CLASSES] = 2  # 2 drops neutral, 3 keeps it


@dataclass
class UCIConfig(DatasetConfig):
    kind: str = "uci"
    dev_fraction: Annotated[float, FRACTION] = 0.1  # cut off, since there are no published splits
    test_fraction: Annotated[float, FRACTION] = 0.1  # 1.0: all is the test set

    def problems(self, where: str) -> Iterator[str]:
        if self.test_fraction < 1 and self.dev_fraction + self.test_fraction >= 1:
            yield f"{where}: dev_fraction and test_fraction leave nothing to train on: their sum must be below 1."

    def untrainable(self, where: str) -> Iterator[str]:
        if self.test_fraction == 1:
            yield (f"{where}.test_fraction=1.0 leaves nothing to train on: type {where}.test_fraction=0.5.")


@dataclass
class JalanConfig(DatasetConfig):
    kind: str = "jalan"
    splits: Splits = Splits.published  # whole: all of it is the test set
    classes: Annotated[int, CLASSES] = 2  # 2 drops neutral, 3 keeps it

    def untrainable(self, where: str) -> Iterator[str]:
        if self.splits == Splits.whole:
            yield f"{where}.splits=whole leaves nothing to train on: type {where}.splits=published."


def own_problems(config: Any, where: str, *, cut_dev: bool, cut_test: bool) -> Iterator[str]:
    """Sentences about the options that all reviews of the user's own have; ``cut_``: whether the split is cut off."""
    if not config.language:
        yield f"{where}.language is not set: type {where}.language=en, for example."
    if config.labels is not None and not isinstance(config.labels, Mapping):
        yield f"{where}.labels={config.labels} is not a mapping: use {{word: positive, other: negative}}."
    dev, test = config.dev_fraction if cut_dev else 0, config.test_fraction if cut_test else 0
    if test < 1 <= dev + test:
        yield (
            f"{where}: dev_fraction={config.dev_fraction} and test_fraction={config.test_fraction} leave nothing to "
            "train on: their sum must be below 1, or test_fraction=1.0 for a file that is only scored."
        )


@dataclass
class CSVConfig(DatasetConfig):
    """A file of the user's: CSV, TSV (.tsv, .txt), JSON (lines or an array) or Parquet, each optionally .gz, .xz,
    .bz2, .zst or .zip."""

    kind: str = "csv"
    path: Any = MISSING  # a file, a glob, or a list of them; relative to the working directory, else to data_dir
    text: Any = "text"  # column name (a.b: field b in a), or its number from 0 where header=false
    label: Any = "label"  # column of the labels
    labels: Any = None  # word -> class or null, which drops the row (Any: a typed dict takes no new keys)
    language: str = MISSING  # ISO 639-1
    domain: str = "own"  # for the report
    header: bool = True  # of a delimited file
    delimiter: str | None = None  # null: by the file's ending, or as its header shows
    quoted: bool | None = None  # null: yes, unless the delimiter is a tab and quotes stand within fields
    dev_path: Any = None  # the same of the development set
    test_path: Any = None  # the same of the test set
    dev_fraction: Annotated[float, FRACTION] = 0.1  # cut from path, stratified, where there is no dev_path or test_path
    test_fraction: Annotated[float, FRACTION] = 0.1  # 1.0: the whole file is the test set
    classes: Annotated[int, CLASSES] = 2  # 2 drops neutral, 3 keeps it
    encoding: str | None = field(default=None, metadata=LATER)  # e.g. cp932; null: UTF-8, or by a byte order mark
    unlabelled: Unlabelled = field(default=Unlabelled.refuse, metadata=LATER)  # rows without a label: refuse or drop

    def problems(self, where: str) -> Iterator[str]:
        yield from written_form_problems(self, where)
        yield from own_problems(self, where, cut_dev=not self.dev_path, cut_test=not self.test_path)

    def untrainable(self, where: str) -> Iterator[str]:
        if self.test_fraction == 1 and not self.test_path:
            yield (
                f"{where}.test_fraction=1.0 leaves nothing to train on: type {where}.test_fraction=0.5, or name "
                f"another file in {where}.test_path."
            )


@dataclass
class WrittenConfig(DatasetConfig):
    kind: str = "written"
    language: Annotated[str, OneOf(WRITTEN_LANGUAGES)] = "en"  # of the reviews

    def untrainable(self, where: str) -> Iterator[str]:
        if self.language != "en":
            yield f"{where} has only a test split, none to train on: use written_en."


register_dataset(
    Dataset(
        AmazonConfig,
        "sentiment_transfer.data.amazon:AmazonReviewsDataModule",
        title="Multilingual Amazon Reviews Corpus (MARC)",
        content="product reviews",
        citation="Keung et al. 2020, [arXiv 2010.02573](https://arxiv.org/abs/2010.02573)",
        licence="academic research only, not to be redistributed",
        hub="mteb/AmazonReviewsClassification",
        names={f"amazon_{language}": {"language": language} for language in MARC_LANGUAGES},
        train_rows=160_000,  # binary
        headline_metric="error",
    )
)
register_dataset(
    Dataset(
        RakutenConfig,
        "sentiment_transfer.data.rakuten:RakutenDataModule",
        title="Rakuten binary",
        content="product reviews",
        citation="Zhang & LeCun 2017, [arXiv 1708.02657](https://arxiv.org/abs/1708.02657)",
        licence="research only",
        names={"rakuten_ja": {}},
        train_rows=3_400_000,
        headline_metric="error",
    )
)
register_dataset(
    Dataset(
        IndoLEMConfig,
        "sentiment_transfer.data.indolem:IndoLEMDataModule",
        title="IndoLEM sentiment",
        content="tweets and hotel reviews",
        citation="Koto et al. 2020, [arXiv 2011.00677](https://arxiv.org/abs/2011.00677)",
        licence="CC BY-SA 4.0 according to the SEACrowd catalogue; the repository itself (indolem/indolem) names none",
        names={"indolem_id": {}},
        as_source={"fold": 0},  # sweep it with source.indolem_id.fold=0,1,2,3,4
        train_rows=3_638,
        headline_metric="f1_positive",  # Koto et al. 2020
    )
)
register_dataset(
    Dataset(
        SmSAConfig,
        "sentiment_transfer.data.smsa:SmSADataModule",
        title="SmSA (IndoNLU)",
        content="comments and reviews from several platforms",
        citation="Purwarianti & Crisdayanti 2019; Wilie et al. 2020, "
        "[arXiv 2009.05387](https://arxiv.org/abs/2009.05387)",
        licence="CC BY-SA 4.0 according to the SEACrowd catalogue; the repository that it comes in "
        "(IndoNLP/indonlu) is MIT",
        names={"smsa_id": {}},
        train_rows=9_852,
        headline_metric="macro_f1",  # Wilie et al. 2020
    )
)
register_dataset(
    Dataset(
        NusaXConfig,
        "sentiment_transfer.data.nusax:NusaXDataModule",
        title="NusaX-senti",
        content="Indonesian comments and reviews and their translations into eleven languages",
        citation="Winata et al. 2023, [arXiv 2205.15960](https://arxiv.org/abs/2205.15960)",
        licence="CC BY-SA 4.0",
        names={f"nusax_{code}": {"language": code} for code in NUSAX_LANGUAGES},
        train_rows=381,
    )
)
register_dataset(
    Dataset(
        UCIConfig,
        "sentiment_transfer.data.uci:UCIDataModule",
        title="Sentiment Labelled Sentences (UCI)",
        content="sentences from Amazon, IMDb and Yelp",
        citation="Kotzias et al. 2015, KDD",
        licence="CC BY 4.0",
        names={"uci_en": {}},
        as_target={"test_fraction": 1.0},  # a target is scored on all of it
        train_rows=2_400,
    )
)
register_dataset(
    Dataset(
        JalanConfig,
        "sentiment_transfer.data.jalan:JalanDataModule",
        title="Jalan hotel-review sentences (JRTE corpus)",
        content="sentences of hotel reviews",
        citation="Hayashibe 2020, LREC",
        licence="CC BY-NC-SA 4.0",
        names={"jalan_ja": {}},
        as_target={"splits": Splits.whole},
        train_rows=2_959,
    )
)
register_dataset(
    Dataset(
        CSVConfig,
        "sentiment_transfer.data.csv_reviews:CSVDataModule",
        title="a file of the user's",
        content="reviews",
        citation="not known to the program",
        licence="not known to the program that wrote this card",
        names={"csv": {}},
        as_target={"test_fraction": 1.0},
    )
)
register_dataset(
    Dataset(
        WrittenConfig,
        "sentiment_transfer.data.written_reviews:WrittenDataModule",
        title="written reviews",
        content="product, hotel, film and app reviews",
        citation="written for sentiment-transfer by a language model, not yet corrected by native speakers",
        licence="CC0-1.0",
        names={f"written_{language}": {"language": language} for language in WRITTEN_LANGUAGES},
        train_rows=480,
        headline_metric="error",
    )
)


def make_datasets(configs: Mapping[str, DatasetConfig], paths: PathsConfig, seed: int) -> dict[str, ReviewDataModule]:
    """The DataModules of a group of datasets, such as a run's source or its targets; nothing is read yet."""
    return {
        name: make_dataset(name, config, data_dir=paths.data_dir, cache_dir=paths.cache_dir, seed=seed)
        for name, config in configs.items()
    }


def make_dataset(name: str, config: DatasetConfig, *, data_dir: str, cache_dir: str, seed: int) -> ReviewDataModule:
    """The DataModule that reads this dataset; nothing is read yet.

    Raises:
        UserError: the dataset's kind is not registered, its options are invalid, or its name is that of no folder.
    """
    file_name(name, "a dataset")
    module, _, name_of_class = dataset_of(config.kind).data_module.partition(":")
    data_module: type[ReviewDataModule] = getattr(importlib.import_module(module), name_of_class)
    return data_module(config=config, name=name, data_dir=data_dir, cache_dir=cache_dir, seed=seed)
