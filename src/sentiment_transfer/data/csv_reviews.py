"""The user's own file as a dataset: any language, any label words."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sentiment_transfer.data.base import ReviewDataModule, Split
from sentiment_transfer.data.labels import (
    DROPPED,
    canonical,
    checked_labels,
    classes_of,
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
    """Reviews from CSV, TSV (.tsv, .txt), JSON lines or Parquet files, each optionally .gz, .xz, .bz2 or .zst.

    Args:
        path: a file, a pattern such as ``reviews/*.csv``, or a list of them, read one after the other. Relative
            paths are looked up from the working directory and then from ``data_dir``.
        text, label: column names; numbers from 0 where ``header`` is false.
        labels: label word -> ``negative``, ``positive``, ``neutral`` or None (drops the row). Empty: words that
            can mean one thing only are understood, see ``labels.py``.
        language: ISO 639-1 code.
        name: what the dataset is called in results.
        header: whether the first row of a delimited file names the columns.
        delimiter: of the fields; None goes by the ending (.csv comma, .tsv and .txt tab).
        quoted: whether CSV quoting holds; None: yes, except where a tab is the delimiter.
        dev_path, test_path: files of their own for these splits.
        dev_fraction, test_fraction: else the shares of ``path`` that are cut off, shuffled and stratified, the same for
            every seed. 0: no such split. ``test_fraction=1.0``: the whole file is the test set, as for a target.
        classes: 2 (neutral dropped) or 3.
        domain: where the texts come from, for the report.
        data_dir: see ``path``.
    """

    ways_to_a_split = "Give it a share or a file of its own (dev_path, test_path)."

    def __init__(
        self,
        path: Paths,
        text: str | int = "text",
        label: str | int = "label",
        labels: Mapping[Any, str | None] | None = None,
        language: str = "",
        name: str = "csv",
        header: bool = True,
        delimiter: str | None = None,
        quoted: bool | None = None,
        dev_path: Paths | None = None,
        test_path: Paths | None = None,
        dev_fraction: float = 0.1,
        test_fraction: float = 0.1,
        classes: int = 2,
        domain: str = "own",
        data_dir: str | Path | None = None,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if not language:
            raise UserError(f"{name}: say which language the file is in, for example language=en.")
        for share_name, share in (("dev_fraction", dev_fraction), ("test_fraction", test_fraction)):
            if not 0 <= share <= 1:
                raise UserError(f"{name}: {share_name}={share} is no share. Use a number from 0 to 1.")
        self.path = path
        self.dev_path = dev_path
        self.test_path = test_path
        self.test_fraction = 0.0 if test_path else test_fraction
        self.dev_fraction = 0.0 if dev_path or self.test_fraction == 1 else dev_fraction
        if self.test_fraction < 1 <= self.dev_fraction + self.test_fraction:
            raise UserError(
                f"{name}: dev_fraction={dev_fraction} and test_fraction={test_fraction} leave nothing to train on. "
                "Make their sum smaller than 1, or use test_fraction=1.0 for a file that is only scored."
            )
        self.layout = Layout(text, label, header, delimiter, quoted)
        self.labels = checked_labels(labels or {}, name)
        self.language = language
        self.name = name
        self.domain = domain
        self.classes = classes_of(classes, name)
        self.data_dir = data_dir
        self._parts: dict[Split, Reviews] = {}

    def has(self, split: Split) -> bool:
        if split == "train":
            return self.test_fraction < 1
        own_path, share = (self.dev_path, self.dev_fraction) if split == "dev" else (self.test_path, self.test_fraction)
        return bool(own_path) or share > 0

    def read(self, split: Split) -> Reviews:
        if not self.has(split):
            raise UserError(
                f"{self.name}: there is no {split} split (dev_fraction={self.dev_fraction}, "
                f"test_fraction={self.test_fraction}). {self.ways_to_a_split}"
            )
        own_path = {"dev": self.dev_path, "test": self.test_path}.get(split)
        if own_path:
            return self._read_files(own_path)
        if not self._parts:
            self._parts = self._cut(self._read_files(self.path))
        rows = self._parts[split]
        if split == "train" and len(np.unique(rows.labels)) == 1:
            only = self.classes[rows.labels[0]]
            raise UserError(
                f"{self.name}: all {len(rows):,} training rows of {self.path} are {only}, and a classifier cannot "
                "learn one class. Check label= and labels=, or use the file as a target with test_fraction=1.0."
            )
        return rows

    def _cut(self, whole: Reviews) -> dict[Split, Reviews]:
        rest = np.arange(len(whole))
        cut: dict[Split, Reviews] = {}
        for split, share in (("test", self.test_fraction), ("dev", self.dev_fraction)):
            size = max(1, round(share * len(whole))) if share else 0
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

    def _files(self, path: Paths) -> list[Path]:
        patterns = [path] if isinstance(path, str | Path) else list(path)
        return [file for pattern in patterns for file in self._matches(Path(pattern).expanduser())]

    def _matches(self, pattern: Path) -> list[Path]:
        places = [pattern] if pattern.is_absolute() else [pattern, data_folder(self.data_dir) / pattern]
        for place in places:
            if place.exists():
                return [place]
            if found := sorted(glob.glob(str(place), recursive=True)):
                return [Path(file) for file in found]
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
            raise UserError(f"{self.path}: {sentence_of_ambiguous(counts, self.name)}")
        return {word: index_of(mapping[canonical(word)], self.classes) for word in counts}


def file_names(files: Sequence[Path]) -> dict[Path, str]:
    """A short name for every file that no other of them has: its own, else its whole path."""
    each = set(files)
    counts = Counter(file.name for file in each)
    return {file: file.name if counts[file.name] == 1 else str(file) for file in each}
