"""Which class a rating or a label word stands for: the only place where that is decided.

Stars (MARC, Rakuten's own ratings, JGLUE's rule): 1 and 2 are negative, 4 and 5 positive, 3 is dropped.

Words of a user's own file, where the configuration does not map them, are taken for granted only where they can
mean one thing (case, width, white space and a trailing ``.0`` do not count):

* the words of ``label_words``: ``negative`` or ``neg``, ``positif``, ``ポジティブ`` ...;
* stars that are spelt out (``stars``): ``4 stars``, ``4.0 out of 5``, ``★★★★☆``;
* ``0`` and ``1``, both present and nothing else, in a binary set: negative and positive;
* ``false`` and ``true``, ``no`` and ``yes``, both present, in a binary set, in a column called label or sentiment;
* the same in a column whose name says what is true (``is_positive``, ``negative``), where one of them is enough;
* ``-1`` with ``1``, and ``0`` or not: negative, positive, neutral;
* ``1`` to ``5`` with 1, 2, 4 and 5 all present: stars; in a column called rating, stars or score also with fewer
  of them and with halves, if both ends of the scale are used.

Everything else (``1`` and ``2``, ``0`` to ``2``, ``good`` and ``bad``, only ``1``) has to be said.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from sentiment_transfer.data.label_columns import claimed_class, is_label, is_rating, names_a_class
from sentiment_transfer.data.label_words import NAMES
from sentiment_transfer.data.reviews import BINARY, THREE_CLASS, Reviews
from sentiment_transfer.data.stars import are_ratings, class_of_stars, rating_of, stars_of
from sentiment_transfer.errors import UserError

FALSE_TRUE = [("0", "1"), ("false", "true"), ("f", "t"), ("no", "yes"), ("n", "y")]
SIGNED = {"-1": "negative", "0": "neutral", "1": "positive"}
STARS = {"1": "negative", "2": "negative", "3": "neutral", "4": "positive", "5": "positive"}
BLANK = {"", "nan", "null", "none", "na", "n/a", "#n/a", "<na>", "nat"}
DROPPED = -1


def binary_of_stars(stars: np.ndarray) -> np.ndarray:
    """Stars 1-5, (n,) of any integer type, to (n,) int8: 0 negative, 1 positive, DROPPED for three stars."""
    return np.select([stars < 3, stars > 3], [0, 1], DROPPED).astype(np.int8)


def index_of(name: str | None, classes: tuple[str, ...]) -> int:
    """Position of a class; DROPPED for None, and for neutral in a binary set."""
    return classes.index(name) if name in classes else DROPPED


@functools.lru_cache(maxsize=10_000)  # a file has a word in each row, and few words
def canonical(word: str) -> str:
    """A label word as it is compared: without case, width, outer white space, or the ``.0`` of a number as float."""
    return re.sub(r"(?<=\d)\.0+$", "", unicodedata.normalize("NFKC", word).strip().casefold())


def is_blank(word: str) -> bool:
    """Whether a canonical label word stands for a missing label, as spreadsheets and pandas write it."""
    return word in BLANK


def checked_labels(labels: Mapping[Any, str | None], dataset: str) -> dict[str, str | None]:
    """The user's mapping with canonical words. Raises UserError for a class that does not exist."""
    for word, name in labels.items():
        if name is not None and name not in THREE_CLASS:
            raise UserError(
                f"{dataset}: labels maps {word!r} to {name!r}. Use negative, positive, neutral or null (drops the row)."
            )
    return {canonical(str(word)): name for word, name in labels.items()}


def default_labels(words: Collection[str], classes: tuple[str, ...], column: str = "") -> Mapping[str, str] | None:
    """The mapping for canonical ``words`` that can mean one thing only (see the module), else None.

    ``column``: the name of their column, where it has one.
    """
    seen = set(words)
    if seen <= NAMES.keys():
        return NAMES
    if seen and all(stars_of(word) is not None for word in seen):
        return {word: class_of_stars(stars_of(word) or 0) for word in seen}
    if classes == BINARY and (found := _false_and_true(seen, column)):
        return found
    if {"-1", "1"} <= seen <= SIGNED.keys():
        return SIGNED
    if {"1", "2", "4", "5"} <= seen <= STARS.keys() or (is_rating(column) and are_ratings(seen)):
        return {word: class_of_stars(rating_of(word) or 0) for word in seen}
    return None


def _false_and_true(seen: set[str], column: str) -> Mapping[str, str] | None:
    claim = claimed_class(column)
    for false, true in FALSE_TRUE:
        if not seen <= {false, true} or (claim is None and len(seen) < 2):
            continue
        if claim is None and (names_a_class(column) or not (false == "0" or is_label(column))):
            return None
        return {false: "positive", true: "negative"} if claim == "negative" else {false: "negative", true: "positive"}
    return None


def without_dropped(
    rows: Sequence[tuple[str, str, int]], *, language: str, domain: str, classes: tuple[str, ...]
) -> Reviews:
    """The reviews of ``rows`` (id, text, index of the class or DROPPED); what is dropped is counted as neutral."""
    kept = [row for row in rows if row[2] != DROPPED]
    return Reviews.from_columns(
        [name for name, _, _ in kept],
        [text for _, text, _ in kept],
        [label for _, _, label in kept],
        language=language,
        domain=domain,
        classes=classes,
        dropped={"neutral": len(rows) - len(kept)} if len(rows) > len(kept) else {},
    )
