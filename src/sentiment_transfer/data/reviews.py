"""Labelled reviews of one split: what every reader returns and everything else consumes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

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
class Reviews:
    """A table of reviews with the facts that hold for all of them.

    ``table`` has the columns of ``SCHEMA``: ``id`` (unique inside the set), ``text`` as read, ``label`` (index
    into ``classes``) and ``fold`` (which published test fold the row belongs to; 0 where a set has none). It
    may be memory-mapped, so keep to Arrow operations on large sets.
    """

    table: pa.Table  # (n,) rows of SCHEMA
    language: str  # ISO 639-1
    domain: str
    classes: tuple[str, ...] = BINARY
    dropped: dict[str, int] = field(default_factory=dict)  # reason -> rows the reader left out

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
    ) -> Reviews:
        """Reviews from plain columns of equal length. Lone surrogates (half an emoji, cut by whoever made the file)
        have no UTF-8 form and become U+FFFD."""
        fold = np.zeros(len(ids), dtype=np.int8) if folds is None else np.asarray(folds, dtype=np.int8)
        columns = [
            _strings(ids, pa.string()),
            _strings(texts, pa.large_string()),
            pa.array(np.asarray(labels, dtype=np.int8)),
            pa.array(fold),
        ]
        table = pa.Table.from_arrays(columns, schema=SCHEMA)
        return cls(table, language, domain, classes, dropped or {})

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
        """The texts in order, at most ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self.table["text"].slice(start, size).to_pylist()

    def take(self, rows: np.ndarray) -> Reviews:  # rows: (m,) int64
        """The given rows, in the given order."""
        return replace(self, table=self.table.take(pa.array(rows, pa.int64())))

    def text_digest(self) -> str:
        """Hash of the texts in order (not of ids or labels): the key of everything derived from text alone."""
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
        whole = [value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") for value in values]
        return pa.array(whole, kind)


def stratified_rows(labels: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """Rows of a shuffled subset that keeps the label shares.

    ``labels`` is (n,) of any integer type; the result is (min(limit, n),) int64, shuffled. The same seed gives
    the same rows, and every class keeps ``limit * share`` rows, the remainder going to the classes with the
    largest fractions (so a class with at least one row's worth of share is never emptied).
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
