"""The labelled reviews of one split, which every dataset returns as an Arrow table.

Tables too large for memory are written to a nameless temporary file and mapped: the file has no name from the start,
so nothing is left behind however the process ends.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from sentiment_transfer.errors import UserError

BINARY = ("negative", "positive")
THREE_CLASS = ("negative", "neutral", "positive")

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.large_string()),
        ("label", pa.int8()),
        ("fold", pa.int8()),
    ]
)


@dataclass(frozen=True)
class Reading:
    """How a file of the user's was read, as far as nobody said it: for the audit.

    Attributes:
        labels: label word -> class, None if its rows were dropped; empty if the words are the names of the classes.
        notes: sentences on delimiters, quotes and encodings.
    """

    labels: dict[str, str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reviews:
    """A table of reviews, with the properties that all of them share.

    ``table`` has the columns of ``SCHEMA``: ``id`` (unique in the dataset), ``text`` as read, ``label`` (index into
    ``classes``) and ``fold`` (the row's published test fold; 0 if the dataset has none). It may be memory-mapped, so
    use Arrow operations on large datasets.
    """

    table: pa.Table  # (n,) rows of SCHEMA
    language: str  # ISO 639-1
    domain: str
    classes: tuple[str, ...] = BINARY
    dropped: dict[str, int] = field(default_factory=dict)  # reason -> rows that the reader dropped
    reading: Reading = field(default_factory=Reading)
    part_of: int | None = None  # reviews of the complete split, where the user's copy is known to be a part of it

    @classmethod
    def from_columns(
        cls,
        ids: Sequence[str],
        texts: Sequence[str],
        labels: Sequence[int] | np.ndarray,
        *,
        language: str,
        domain: str,
        classes: tuple[str, ...] = BINARY,
        folds: Sequence[int] | np.ndarray | None = None,
        dropped: dict[str, int] | None = None,
        reading: Reading | None = None,
        part_of: int | None = None,
    ) -> Reviews:
        """Reviews from plain columns of equal length. Lone surrogates (half of an emoji that was cut apart) have
        no UTF-8 form and become U+FFFD."""
        fold = np.zeros(len(ids), dtype=np.int8) if folds is None else np.asarray(folds, dtype=np.int8)
        columns = [
            _strings(ids, pa.string()),
            _strings(texts, pa.large_string()),
            pa.array(np.asarray(labels, dtype=np.int8)),
            pa.array(fold),
        ]
        table = pa.Table.from_arrays(columns, schema=SCHEMA)
        return cls(table, language, domain, classes, dropped or {}, reading or Reading(), part_of)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count:,} {name}" for name, count in self.label_counts().items())
        return f"Reviews({len(self):,} in {self.language}: {counts}; {self.domain})"

    def __len__(self) -> int:
        return self.table.num_rows

    @property
    def labels(self) -> np.ndarray:  # (n,) int8
        return self.table["label"].to_numpy()

    @property
    def folds(self) -> np.ndarray:  # (n,) int8
        return self.table["fold"].to_numpy()

    @property
    def ids(self) -> list[str]:
        return self.table["id"].to_pylist()

    def text_batches(self, size: int = 10_000) -> Iterable[list[str]]:
        """The texts in order, in lists of at most ``size``."""
        for start in range(0, len(self), size):
            yield self.table["text"].slice(start, size).to_pylist()

    def take(self, rows: np.ndarray) -> Reviews:  # rows: (m,) int64
        """The given rows, in the given order."""
        return replace(self, table=self.table.take(pa.array(rows, pa.int64())))

    def digest(self) -> str:
        """Hash of texts, classes, labels and folds in order (not of ids)."""
        digest = xxhash.xxh3_128(f"{self.text_digest()} {' '.join(self.classes)}".encode())
        digest.update(self.labels.tobytes())
        digest.update(self.folds.tobytes())
        return digest.hexdigest()

    def text_digest(self) -> str:
        """Hash of the texts in order (not of ids or labels): the key of everything derived from text alone."""
        return self._text_digest

    @cached_property
    def _text_digest(self) -> str:
        digest = xxhash.xxh3_128()
        for batch in self.text_batches():
            lengths = np.fromiter((len(text) for text in batch), dtype=np.int64, count=len(batch))
            digest.update(lengths.tobytes())
            digest.update("".join(batch).encode())
        return digest.hexdigest()

    def label_counts(self) -> dict[str, int]:
        counts = {row["values"]: row["counts"] for row in pc.value_counts(self.table["label"]).to_pylist()}
        return {name: counts.get(index, 0) for index, name in enumerate(self.classes)}


def _strings(values: Sequence[str], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        valid = [value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") for value in values]
        return pa.array(valid, kind)


def stratified_rows(labels: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """The rows of a random sample stratified by label.

    ``labels`` is (n,) of any integer type; the result is (min(limit, n),) int64, shuffled. The same seed gives the
    same rows. Each class keeps ``limit`` times its fraction of the rows, rounded down; the remaining rows go to the
    classes with the largest remainders.
    """
    rng = np.random.default_rng(seed)
    if limit >= len(labels):
        return rng.permutation(len(labels))
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * (limit / len(labels))
    quota = np.floor(exact).astype(np.int64)
    for index in np.argsort(-(exact - quota), kind="stable")[: limit - quota.sum()]:
        quota[index] += 1
    rows = [rng.permutation(np.flatnonzero(labels == label))[:size] for label, size in zip(classes, quota, strict=True)]
    return rng.permutation(np.concatenate(rows))


@contextmanager
def spilled(batches: Iterable[pa.RecordBatch], folder: Path) -> Iterator[IO[bytes]]:
    """``batches`` as an Arrow stream in a nameless file in ``folder``, open for reading."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            with pa.ipc.new_stream(file, SCHEMA) as writer:
                for batch in batches:
                    writer.write_batch(batch)
            file.flush()
            yield file
    except OSError as error:
        raise UserError(f"The unpacked reviews cannot be written to {folder}: {error.strerror or error}.") from error


def map_batches(batches: Iterable[pa.RecordBatch], folder: Path) -> pa.Table:
    """One table (n,) of SCHEMA over ``batches``, memory-mapped from a nameless file in ``folder``."""
    with spilled(batches, folder) as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.ipc.open_stream(pa.py_buffer(mapped)).read_all()


def stored_batches(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    """The batches of a spilled file, one in memory at a time."""
    file.seek(0)
    yield from pa.ipc.open_stream(file)


def filtered(file: IO[bytes], keep: np.ndarray) -> Iterator[pa.RecordBatch]:
    """The rows of a spilled file where ``keep``, (n,) bool, is true."""
    start = 0
    for batch in stored_batches(file):
        yield batch.filter(pa.array(keep[start : start + batch.num_rows]))
        start += batch.num_rows
