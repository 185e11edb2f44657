"""Duplicates and conflicting labels within a split, and texts shared between splits: pure functions on Reviews.

Texts are compared after folding case, width, punctuation and white space, by a 64-bit hash (at a million texts the
chance of one false match is 3e-8). Between datasets white space is left out, since one may be tokenised where the other
is not: ``makanan nya`` in SmSA is ``makanannya`` in NusaX, which was drawn from it.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from sentiment_transfer.data.label_columns import shortened
from sentiment_transfer.data.reviews import Reviews

if TYPE_CHECKING:
    from sentiment_transfer.data.base import ReviewSet

Keys = Mapping[tuple[str, str], np.ndarray]  # (dataset, split) -> row_keys
EMPTY = 0  # the key of an empty text, which is never counted as a duplicate or as shared
PERCENTILES = (50, 90, 99, 100)
SAMPLE = 60  # characters of a text that shows what a class is


@dataclass(frozen=True)
class SplitAudit:
    """Row counts of one split."""

    rows: int
    labels: dict[str, int]
    shares: dict[str, float]
    dropped: dict[str, int]  # reason -> rows that the reader dropped
    empty: int  # nothing but white space
    duplicates: int  # rows whose normalised text occurred in an earlier row
    exact_duplicates: int  # rows whose exact text occurred in an earlier row
    conflicting: int  # rows whose text occurs with more than one label
    characters: dict[str, int]  # percentiles of the text length: p50, p90, p99, p100


@dataclass(frozen=True)
class OverlapAudit:
    """The rows of split b whose text occurs in split a."""

    rows: int  # of b
    shared: int  # rows of b whose text occurs in a
    other_label: int  # of those, rows whose text has another label in a
    share: float  # shared / rows


class Folding(dict[int, str]):
    """Punctuation, white space, control and format characters (Unicode classes P, Z, Cc, Cf) to a space.

    Symbols stay: emoji are often all that tells two short reviews apart. A table for ``str.translate`` takes
    1.2 s for 160,000 reviews of SmSA's length, a regular expression of the same characters 15 s. It is filled with the
    characters that are asked for: all of Unicode would take half a second of every start.
    """

    def __missing__(self, code: int) -> str:
        category = unicodedata.category(chr(code))
        self[code] = folded = " " if category[0] in "PZ" or category in ("Cc", "Cf") else chr(code)
        return folded


FOLDING = Folding()


def normalise(text: str) -> str:
    """The text with case, width (NFKC), punctuation and white space folded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(FOLDING).split())


def row_keys(reviews: Reviews) -> np.ndarray:  # (n,) uint64
    """Hash of every normalised text; EMPTY for a text of white space. A text of punctuation only is kept as it is."""
    return hashes(reviews, lambda text: normalise(text) or text.strip())


def keys_across(reviews: Reviews) -> np.ndarray:  # (n,) uint64
    """The same without any white space, to compare with the texts of another dataset."""
    return hashes(reviews, lambda text: normalise(text).replace(" ", "") or text.strip())


def raw_keys(reviews: Reviews) -> np.ndarray:  # (n,) uint64
    """Hash of every text as it is."""
    return hashes(reviews, lambda text: text)


def hashes(reviews: Reviews, compared: Callable[[str], str]) -> np.ndarray:  # (n,) uint64
    texts = (compared(text).encode() for batch in reviews.text_batches() for text in batch)
    return np.fromiter((xxhash.xxh3_64_intdigest(text) if text else EMPTY for text in texts), np.uint64, len(reviews))


def audit_split(reviews: Reviews, keys: np.ndarray | None = None) -> SplitAudit:
    """Counts over one split. ``keys`` are its ``row_keys``, if they were computed before."""
    keys = row_keys(reviews) if keys is None else keys
    filled = keys != EMPTY
    texts, first, last = label_range(keys[filled], reviews.labels[filled])
    position = np.searchsorted(texts, keys[filled])
    labels = reviews.label_counts()
    return SplitAudit(
        rows=len(reviews),
        labels=labels,
        shares={name: count / max(1, len(reviews)) for name, count in labels.items()},
        dropped=dict(reviews.dropped),
        empty=int((~filled).sum()),
        duplicates=int(filled.sum()) - len(texts),
        exact_duplicates=int(filled.sum()) - len(np.unique(raw_keys(reviews)[filled])),
        conflicting=int((first != last)[position].sum()),
        characters=character_percentiles(reviews),
    )


def audit_overlap(
    a: Reviews, b: Reviews, a_keys: np.ndarray | None = None, b_keys: np.ndarray | None = None
) -> OverlapAudit:
    """The rows of ``b`` (a test split, say) that occur in ``a`` (the training split); labels are compared by name."""
    a_keys = row_keys(a) if a_keys is None else a_keys
    b_keys = row_keys(b) if b_keys is None else b_keys
    leaked = leaked_rows(a_keys, b_keys)
    texts, first, last = label_range(a_keys, label_names(a))
    where = np.searchsorted(texts, b_keys[leaked])
    labels = label_names(b)[leaked]
    return OverlapAudit(
        rows=len(b),
        shared=len(leaked),
        other_label=int(((first[where] != labels) | (last[where] != labels)).sum()),
        share=len(leaked) / max(1, len(b)),
    )


def audit_sets(
    train: Sequence[ReviewSet], scored: Sequence[ReviewSet], keys: Keys, across: Keys | None = None
) -> dict[str, Any]:
    """``splits`` {dataset: {split: ...}}, ``overlaps`` of every training split with every scored one, and, where there
    are any, ``between_tests``, the overlaps of test sets with each other, and the ``reading`` of users' own files
    {dataset: ...}. ``keys`` are of ``row_keys``, ``across`` of ``keys_across``."""
    splits: dict[str, dict[str, Any]] = {}
    sets = [*train, *scored]
    for s in sets:
        splits.setdefault(s.name, {})[s.split] = asdict(audit_split(s.reviews, keys[s.name, s.split]))

    def overlap(a: ReviewSet, b: ReviewSet) -> dict[str, Any]:
        compared = keys if a.name == b.name else across or keys
        return asdict(audit_overlap(a.reviews, b.reviews, compared[a.name, a.split], compared[b.name, b.split]))

    overlaps = [{"train": a.name, "scored": b.name, "split": b.split} | overlap(a, b) for a in train for b in scored]
    pairs = itertools.combinations([s for s in scored if s.split == "test"], 2)
    tests = [found for a, b in pairs if (found := {"test": a.name, "scored": b.name} | overlap(a, b))["shared"]]
    readings = {name: found for name in splits if (found := reading_of([s for s in sets if s.name == name]))}
    more = {"between_tests": tests, "reading": readings}
    return {"splits": splits, "overlaps": overlaps} | {name: found for name, found in more.items() if found}


def reading_of(sets: Sequence[ReviewSet]) -> dict[str, Any]:
    """How the file of a dataset was read: ``labels`` {word: class, None if dropped}, ``samples`` {class: a text of it}
    and ``notes``; empty if its labels are the names of the classes and its form that of its ending."""
    labels: dict[str, str | None] = {}
    samples: dict[str, str] = {}
    notes: dict[str, None] = {}
    for reviews in (s.reviews for s in sets):
        labels |= reviews.reading.labels
        notes |= dict.fromkeys(reviews.reading.notes)
        for index, name in enumerate(reviews.classes):
            if name not in samples and len(rows := np.flatnonzero(reviews.labels == index)):
                samples[name] = shortened(reviews.table["text"][int(rows[0])].as_py(), SAMPLE)
    return {"labels": labels, "samples": samples, "notes": list(notes)} if labels or notes else {}


def rows_in(sets: Sequence[ReviewSet], tested: ReviewSet, keys: Keys, across: Keys) -> np.ndarray:
    """Rows of ``tested``, (m,) int64 ascending, whose text occurs in one of ``sets``."""
    leaked = [
        leaked_rows(compared[s.name, s.split], compared[tested.name, tested.split])
        for s in sets
        for compared in [keys if s.name == tested.name else across]
    ]
    return np.unique(np.concatenate(leaked))


def leaked_rows(train_keys: np.ndarray, test_keys: np.ndarray) -> np.ndarray:
    """Rows of the test split, (m,) int64 ascending, whose text occurs in the training split."""
    return np.flatnonzero(np.isin(test_keys, train_keys) & (test_keys != EMPTY))


def label_range(keys: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct keys, ascending, and the smallest and the largest label of each, which differ if labels conflict."""
    order = np.argsort(keys, kind="stable")
    distinct, start = np.unique(keys[order], return_index=True)
    if not len(distinct):
        return distinct, labels[:0], labels[:0]
    return distinct, np.minimum.reduceat(labels[order], start), np.maximum.reduceat(labels[order], start)


def label_names(reviews: Reviews) -> np.ndarray:
    """Labels (n,) int64 on a scale shared by binary and three-class datasets: negative 0, neutral 1, positive 2."""
    scale = np.array([("negative", "neutral", "positive").index(name) for name in reviews.classes])
    return scale[reviews.labels]


def character_percentiles(reviews: Reviews) -> dict[str, int]:
    lengths = np.fromiter((len(text) for batch in reviews.text_batches() for text in batch), np.int64, len(reviews))
    if not len(lengths):
        return {f"p{percent}": 0 for percent in PERCENTILES}
    return {f"p{percent}": int(np.percentile(lengths, percent)) for percent in PERCENTILES}
