"""Labelled rows of the user's own as reviews: the label column understood, and splits that are missing cut off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.catalog import Unlabelled
from sentiment_transfer.data.label_mapping import LabelColumn
from sentiment_transfer.data.labels import DROPPED, canonical, checked_labels, index_of, is_blank
from sentiment_transfer.data.reviews import Reading, Reviews, stratified_rows
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.records import Record, Table

SPLIT_SEED = 0  # not the run's seed: runs that differ in their seed are compared on the same test rows
Part = tuple[Path, Table]  # a file, or what stands for one in messages and in the reviews' ids


class OwnReviews(ReviewDataModule):
    """Reviews of one label column. A subclass implements ``parts`` and ``is_cut``.

    The dev and test fractions are cut off shuffled and stratified, the same for every seed.
    """

    ways_to_a_split = "Give it a fraction."
    typed = True  # options are typed on a command line, and are no arguments in a program

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.name = self.name or self.schema().kind
        self.file = self.as_file()
        self.labels = checked_labels(self.file.labels or {}, self.name)
        self._parts: dict[Split, Reviews] = {}

    def as_file(self) -> Any:
        """The options of the label column and of the fractions."""
        return self.config

    def parts(self, split: Split) -> Iterable[Part]:
        """The tables of a split that is not cut; ``train``: all that the others are cut from."""
        raise NotImplementedError

    def is_cut(self, split: Split) -> bool:
        """Whether a split is cut from the training rows, for want of rows of its own."""
        raise NotImplementedError

    @property
    def origin(self) -> str:
        """The name of all that the rows are read from, for messages."""
        raise NotImplementedError

    @property
    def label_column(self) -> str:
        """The name of the label column; empty where it has none."""
        return str(self.file.label)

    @property
    def test_fraction(self) -> float:
        return float(self.file.test_fraction) if self.is_cut("test") else 0.0

    @property
    def dev_fraction(self) -> float:
        return float(self.file.dev_fraction) if self.is_cut("dev") and self.test_fraction < 1 else 0.0

    def has(self, split: Split) -> bool:
        if split == "train":
            return self.test_fraction < 1
        return not self.is_cut(split) or (self.dev_fraction if split == "dev" else self.test_fraction) > 0

    def read(self, split: Split) -> Reviews:
        if not self.has(split):
            raise UserError(
                f"{self.name}: there is no {split} split (dev_fraction={self.dev_fraction}, "
                f"test_fraction={self.test_fraction}). {self.ways_to_a_split}"
            )
        if split != "train" and not self.is_cut(split):
            return self._labelled(self.parts(split))
        if not self._parts:
            self._parts = self._cut(self._labelled(self.parts("train")))
        rows = self._parts[split]
        if split == "train" and len(np.unique(rows.labels)) == 1:
            only = self.classes[rows.labels[0]]
            raise UserError(
                f"{self.name}: all {len(rows):,} training rows of {self.origin} are {only}, and a classifier cannot "
                "learn one class. Check label= and labels=, or use the file as a target with test_fraction=1.0."
            )
        return rows

    def _cut(self, whole: Reviews) -> dict[Split, Reviews]:
        rest = np.arange(len(whole))
        cut: dict[Split, Reviews] = {}
        for split, fraction in (("test", self.test_fraction), ("dev", self.dev_fraction)):
            size = max(1, round(fraction * len(whole))) if fraction else 0
            rows = np.sort(rest[stratified_rows(whole.labels[rest], size, SPLIT_SEED)])
            cut["test" if split == "test" else "dev"] = whole.take(rows)
            rest = np.setdiff1d(rest, rows)
        return cut | {"train": whole.take(rest)}

    def _labelled(self, parts: Iterable[Part]) -> Reviews:
        records: list[tuple[Path, Record]] = []
        tables: dict[Path, Table] = {}
        for file, table in parts:
            before = len(records)
            tables[file] = table
            records.extend((file, record) for record in table.records)
            if len(records) == before:
                raise UserError(f"{file} has no rows.")
        spelt: dict[str, set[str]] = {}
        for word, spellings in (item for table in tables.values() for item in table.spelt.items()):
            spelt.setdefault(word, set()).update(spellings)
        column = LabelColumn(
            dataset=self.name,
            files=self.origin,
            column=self.label_column,
            columns=[*dict.fromkeys(name for table in tables.values() for name in table.columns)],
            labels=self.labels,
            names={file: table.names for file, table in tables.items() if table.names},
            spelt=spelt,
            typed=self.typed,
            drop_unlabelled=self.file.unlabelled == Unlabelled.drop,
        )
        mapping = column.classes_of(records, self.classes)
        index = {word: index_of(name, self.classes) for word, name in mapping.items()}
        words = [canonical(word) for _, (_, _, word) in records]
        labels = np.array([index[word] for word in words], dtype=np.int8)
        names = file_names([file for file, _ in records])
        kept = [(names[file], line, text) for (file, (line, text, _)), x in zip(records, labels, strict=True) if x >= 0]
        gone = Counter(
            f"labelled {word!r}" if not is_blank(word) or word in self.labels else "without a label"
            for word, x in zip(words, labels, strict=True)
            if x == DROPPED
        )
        notes = [f"{names[file]}: {note}" for file, table in tables.items() for note in table.notes]
        return Reviews.from_columns(
            [f"{name}:{line}" for name, line, _ in kept],
            [text for _, _, text in kept],
            labels[labels != DROPPED],
            language=self.language,
            domain=self.domain,
            classes=self.classes,
            dropped=dict(gone),
            reading=Reading(column.shown(mapping), tuple(notes)),
        )


def file_names(files: Sequence[Path]) -> dict[Path, str]:
    """A short name for every file that no other of them has: its own, else its whole path."""
    each = set(files)
    counts = Counter(file.name for file in each)
    return {file: file.name if counts[file.name] == 1 else str(file) for file in each}
