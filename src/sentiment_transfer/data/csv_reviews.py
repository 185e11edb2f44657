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
from sentiment_transfer.config.written_form import delimiter_of
from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.catalog import CSVConfig, Unlabelled
from sentiment_transfer.data.label_mapping import LabelColumn
from sentiment_transfer.data.labels import DROPPED, canonical, checked_labels, index_of, is_blank
from sentiment_transfer.data.reviews import Reading, Reviews, stratified_rows
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.records import Layout, Record, Table, read_table
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
        self.layout = Layout(
            self.file.text,
            self.file.label,
            header=self.file.header,
            delimiter=delimiter_of(self.file.delimiter),
            quoted=self.file.quoted,
            encoding=self.file.encoding,
        )
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
        tables: dict[Path, Table] = {}
        for file in files:
            before = len(records)
            tables[file] = read_table(file, self.layout)
            records.extend((file, record) for record in tables[file].records)
            if len(records) == before:
                raise UserError(f"{file} has no rows.")
        return self._labelled(records, tables)

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

    def _labelled(self, records: list[tuple[Path, Record]], tables: dict[Path, Table]) -> Reviews:
        spelt: dict[str, set[str]] = {}
        for word, spellings in (item for table in tables.values() for item in table.spelt.items()):
            spelt.setdefault(word, set()).update(spellings)
        column = LabelColumn(
            dataset=self.name,
            files=str(self.file.path),
            column=str(self.file.label) if self.file.header else "",
            columns=[*dict.fromkeys(name for table in tables.values() for name in table.columns)],
            labels=self.labels,
            names={file: table.names for file, table in tables.items() if table.names},
            spelt=spelt,
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
