"""Rakuten binary (Zhang & LeCun 2017, arXiv 1708.02657): 3.4 M Japanese product reviews, read as a stream.

Files without a header, every field quoted: class, title, comment; a line end inside a field is the two characters
``\\n``. 1 is read as negative and 2 as positive, the convention of the authors' other datasets; their text does not
state it for this one, so a few rows of each class are logged for the user to see. Research use only, no mirror: the
user brings the files, and the test file alone is enough for zero-shot scoring.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.catalog import RakutenConfig
from sentiment_transfer.data.reviews import (
    BINARY,
    SCHEMA,
    Reviews,
    filtered,
    map_batches,
    spilled,
    stored_batches,
    stratified_rows,
)
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.text import data_folder, delimited_rows, find_file

log = logging.getLogger(__name__)

CLASSES = {"1": 0, "2": 1}
BATCH = 50_000  # rows; some 30 MB of Arrow at a time
DEV_FRACTION, DEV_ROWS, DEV_SEED = 0.01, 10_000, 0  # the same dev rows for every seed of a run
EXAMPLES = 3  # rows of each class that are logged


class RakutenDataModule(ReviewDataModule):
    """Rakuten binary reviews. The dataset has no dev split: 1 % of train (at most 10,000 rows, stratified) serves.

    The texts are kept in a memory-mapped file without a name, under ``cache_dir``, so 3.4 M rows do not need
    3.4 M Python strings.

    ``data_dir`` holds ``rakuten_ja/{train,test}.csv.xz`` (also ``rakuten_binary_test.csv.xz``,
    ``rakuten_binary/test.csv`` and the like); the option ``path`` names the folder itself instead.
    """

    schema = RakutenConfig
    name = "rakuten_ja"
    language = "ja"
    domain = "product reviews"
    _train_and_dev: tuple[Reviews, Reviews] | None = None

    @property
    def folder(self) -> Path:
        return Path(self.config.path).expanduser() if self.config.path else data_folder(self.data_dir) / self.name

    def local_files(self) -> list[Path]:
        return [self.folder]

    def read(self, split: Split) -> Reviews:
        if split == "test":
            return self._reviews_of(map_batches(self._batches("test"), self._spill_folder()))
        if self._train_and_dev is None:
            self._train_and_dev = self._split_train()
        return self._train_and_dev[split == "dev"]

    def _file(self, split: Split) -> Path:
        names = [f"{split}.csv", f"rakuten_binary_{split}.csv", f"binary_{split}.csv"]
        for folder in (self.folder, self.folder / "rakuten_binary"):
            if path := find_file(folder, names):
                return path
        raise UserError(
            f"rakuten_ja: no {split} file. Put {split}.csv.xz (as published, or unpacked) into "
            f"{self.folder.absolute()}; how to get it: https://github.com/zhangxiangxiao/glyph. "
            "The test file alone is enough to score on it."
        )

    def _spill_folder(self) -> Path:
        return self.cache_dir / self.name

    def _reviews_of(self, table: pa.Table) -> Reviews:
        return Reviews(table, self.language, self.domain)

    def _split_train(self) -> tuple[Reviews, Reviews]:
        folder = self._spill_folder()
        with spilled(self._batches("train"), folder) as whole:
            # Copied, since a view of the labels would keep the texts of its batch: 1.8 GiB at 3.4 M rows, not 0.6.
            labels = np.concatenate([batch["label"].to_numpy().copy() for batch in stored_batches(whole)])
            size = min(DEV_ROWS, max(1, round(len(labels) * DEV_FRACTION)))
            in_dev = np.zeros(len(labels), dtype=bool)
            in_dev[stratified_rows(labels, size, DEV_SEED)] = True
            # Filtering batch by batch, and not the mapped table, keeps the resident set at one batch.
            dev = list(filtered(whole, in_dev))
            train = map_batches(filtered(whole, ~in_dev), folder)
        return self._reviews_of(train), self._reviews_of(pa.Table.from_batches(dev, SCHEMA))

    def _batches(self, split: Split) -> Iterator[pa.RecordBatch]:
        path = self._file(split)
        ids: list[str] = []
        texts: list[str] = []
        labels: list[int] = []
        to_show = {0: EXAMPLES, 1: EXAMPLES}
        for line, row in delimited_rows(path):
            label = label_of(row, path, line)
            text = "\n".join(row[1:]).replace("\\n", "\n").strip()
            if to_show[label]:
                to_show[label] -= 1
                log.info("rakuten_ja: class %s is read as %s: %.80s", row[0], BINARY[label], " ".join(text.split()))
            ids.append(f"{split}:{line}")
            texts.append(text)
            labels.append(label)
            if len(ids) == BATCH:
                yield batch_of(ids, texts, labels)
                ids, texts, labels = [], [], []
        if ids:
            yield batch_of(ids, texts, labels)


def label_of(row: list[str], path: Path, line: int) -> int:
    if len(row) < 2 or row[0] not in CLASSES:
        raise UserError(
            f'{path}, line {line}: expected "class","title","comment" with class 1 or 2, found {row[:1]} and '
            f"{len(row) - 1} more fields. Is it the binary dataset?"
        )
    return CLASSES[row[0]]


def batch_of(ids: list[str], texts: list[str], labels: list[int]) -> pa.RecordBatch:
    fold = np.zeros(len(ids), dtype=np.int8)
    columns = [pa.array(ids), pa.array(texts, pa.large_string()), pa.array(labels, pa.int8()), pa.array(fold)]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
