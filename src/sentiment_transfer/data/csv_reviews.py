"""The user's own file as a dataset: any language, any label words."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sentiment_transfer.config.dataset import DatasetConfig
from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.catalog import CSVConfig
from sentiment_transfer.data.labels import (
    DROPPED,
    canonical,
    checked_labels,
    default_labels,
    index_of,
    sentence_of_ambiguous,
)
from sentiment_transfer.data.reviews import Reviews, stratified_rows
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.records import Layout, Record, read_records
from sentiment_transfer.files.text import data_folder

Paths = str | Path | Sequence[str | Path]
SPLIT_SEED = 0  # not the run's seed: runs that differ in their seed are compared on the same test rows


class CSVDataModule(ReviewDataModule):
    """Reviews from files of the user's; the options are described at ``CSVConfig``.

    Relative paths are looked up from the working directory and then from ``data_dir``. The dev and test fractions are
    cut off shuffled and stratified, the same for every seed.
    """

    schema: ClassVar[type[DatasetConfig]] = CSVConfig
    ways_to_a_split = "Give it a fraction, or a file (dev_path, test_path)."

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.name = self.name or "csv"
        self.file = self.as_file()
        self.test_fraction = 0.0 if self.file.test_path else self.file.test_fraction
        self.dev_fraction = 0.0 if self.file.dev_path or self.test_fraction == 1 else self.file.dev_fraction
        self.layout = Layout(self.file.text, self.file.label, self.file.header, self.file.delimiter, self.file.quoted)
        self.labels = checked_labels(self.file.labels or {}, self.name)
        self._parts: dict[Split, Reviews] = {}

    def as_file(self) -> CSVConfig:
        """Which files are read, and how."""
        return self.config

    def has(self, split: Split) -> bool:
        if split == "train":
            return self.test_fraction < 1
        if split == "dev":
            return bool(self.file.dev_path) or self.dev_fraction > 0
        return bool(self.file.test_path) or self.test_fraction > 0

    def read(self, split: Split) -> Reviews:
        if not self.has(split):
            raise UserError(
                f"{self.name}: there is no {split} split (dev_fraction={self.dev_fraction}, "
                f"test_fraction={self.test_fraction}). {self.ways_to_a_split}"
            )
        own_path = {"dev": self.file.dev_path, "test": self.file.test_path}.get(split)
        if own_path:
            return self._read_files(own_path)
        if not self._parts:
            self._parts = self._cut(self._read_files(self.file.path))
        rows = self._parts[split]
        if split == "train" and len(np.unique(rows.labels)) == 1:
            only = self.classes[rows.labels[0]]
            raise UserError(
                f"{self.name}: all {len(rows):,} training rows of {self.file.path} are {only}, and a classifier cannot "
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

    def _read_files(self, path: Paths) -> Reviews:
        files = self._files(path)
        records: list[tuple[Path, Record]] = []
        for file in files:
            before = len(records)
            records.extend((file, record) for record in read_records(file, self.layout))
            if len(records) == before:
                raise UserError(f"{file} has no rows.")
        return self._labelled(records)

    def local_files(self) -> list[Path]:
        paths = [path for path in (self.file.path, self.file.dev_path, self.file.test_path) if path]
        with suppress(UserError):  # a target's file that is missing is reported where it is read
            return [file for path in paths for file in self._files(path)]
        return []

    def _files(self, path: Paths) -> list[Path]:
        patterns = [path] if isinstance(path, str | Path) else list(path)
        return [file for pattern in patterns for file in self._matches(Path(pattern).expanduser())]

    def _matches(self, pattern: Path) -> list[Path]:
        places = [pattern] if pattern.is_absolute() else [pattern, data_folder(self.data_dir) / pattern]
        for place in places:
            if place.exists():
                return [place]
            if matches := sorted(glob.glob(str(place), recursive=True)):
                return [Path(file) for file in matches]
        looked = " nor ".join(str(place.absolute()) for place in places)
        raise UserError(
            f"{self.name}: no file {looked}. Check path=, or set paths.data_dir to the folder of the files."
        )

    def _labelled(self, records: list[tuple[Path, Record]]) -> Reviews:
        classes_of_word = self._classes_of_words(records)
        labels = np.array([classes_of_word[word] for _, (_, _, word) in records], dtype=np.int8)
        names = file_names([file for file, _ in records])
        kept = [(names[file], line, text) for (file, (line, text, _)), x in zip(records, labels, strict=True) if x >= 0]
        gone = Counter(canonical(word) for (_, (_, _, word)), x in zip(records, labels, strict=True) if x == DROPPED)
        return Reviews.from_columns(
            [f"{name}:{line}" for name, line, _ in kept],
            [text for _, _, text in kept],
            labels[labels != DROPPED],
            language=self.language,
            domain=self.domain,
            classes=self.classes,
            dropped={f"labelled {word!r}": count for word, count in gone.items()},
        )

    def _classes_of_words(self, records: list[tuple[Path, Record]]) -> dict[str, int]:
        """Index of the class, or DROPPED, for every label word as written."""
        for file, (line, _, word) in records:
            if not word:
                raise UserError(f"{file}, line {line}: the label is blank. Fill it in or remove the row.")
            if self.labels and canonical(word) not in self.labels:
                raise UserError(
                    f"{file}, line {line}: the label {word!r} is not among those of labels= "
                    f"({', '.join(self.labels)}). Add it, with null to drop such rows."
                )
        counts = Counter(word for _, (_, _, word) in records)
        mapping = self.labels or default_labels({canonical(word) for word in counts}, self.classes)
        if mapping is None:
            raise UserError(f"{self.file.path}: {sentence_of_ambiguous(counts, self.name)}")
        return {word: index_of(mapping[canonical(word)], self.classes) for word in counts}


def file_names(files: Sequence[Path]) -> dict[Path, str]:
    """A short name for every file that no other of them has: its own, else its whole path."""
    each = set(files)
    counts = Counter(file.name for file in each)
    return {file: file.name if counts[file.name] == 1 else str(file) for file in each}
