"""Which class a rating or a label word stands for: the only place where that is decided.

Stars (MARC, Rakuten's own ratings, JGLUE's rule): 1 and 2 are negative, 4 and 5 positive, 3 is dropped.

Words of a user's own file, where the configuration does not map them, are taken for granted only where they can
mean one thing (case, white space and a trailing ``.0`` do not count):

* ``negative`` or ``neg``, ``neutral`` or ``neu``, ``positive`` or ``pos``;
* ``0`` and ``1``, both present and nothing else, in a binary set: negative and positive;
* ``-1`` with ``1``, and ``0`` or not: negative, positive, neutral;
* ``1`` to ``5`` with 1, 2, 4 and 5 all present: stars.

Everything else (``1`` and ``2``, ``0`` to ``2``, ``good`` and ``bad``, only ``1``) has to be said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from sentiment_transfer.data.reviews import BINARY, THREE_CLASS, Reviews
from sentiment_transfer.errors import UserError

NAMES = {
    "negative": "negative",
    "neg": "negative",
    "neutral": "neutral",
    "neu": "neutral",
    "positive": "positive",
    "pos": "positive",
}
ZERO_ONE = {"0": "negative", "1": "positive"}
SIGNED = {"-1": "negative", "0": "neutral", "1": "positive"}
STARS = {"1": "negative", "2": "negative", "3": "neutral", "4": "positive", "5": "positive"}
DROPPED = -1


def binary_of_stars(stars: np.ndarray) -> np.ndarray:
    """Stars 1-5, (n,) of any integer type, to (n,) int8: 0 negative, 1 positive, DROPPED for three stars."""
    return np.select([stars < 3, stars > 3], [0, 1], DROPPED).astype(np.int8)


def index_of(name: str | None, classes: tuple[str, ...]) -> int:
    """Position of a class; DROPPED for None, and for neutral in a binary set."""
    return classes.index(name) if name in classes else DROPPED


def canonical(word: str) -> str:
    """A label word as it is compared: without case, outer white space, or the ``.0`` of a number read as float."""
    return re.sub(r"(?<=\d)\.0+$", "", word.strip().casefold())


def checked_labels(labels: Mapping[Any, str | None], dataset: str) -> dict[str, str | None]:
    """The user's mapping with canonical words. Raises UserError for a class that does not exist."""
    for word, name in labels.items():
        if name is not None and name not in THREE_CLASS:
            raise UserError(
                f"{dataset}: labels maps {word!r} to {name!r}. Use negative, positive, neutral or null (drops the row)."
            )
    return {canonical(str(word)): name for word, name in labels.items()}


def default_labels(words: Collection[str], classes: tuple[str, ...]) -> Mapping[str, str] | None:
    """The mapping for canonical ``words`` that can mean one thing only (see the module), else None."""
    seen = set(words)
    if seen <= NAMES.keys():
        return NAMES
    if seen == ZERO_ONE.keys() and classes == BINARY:
        return ZERO_ONE
    if {"-1", "1"} <= seen <= SIGNED.keys():
        return SIGNED
    if {"1", "2", "4", "5"} <= seen <= STARS.keys():
        return STARS
    return None


def sentence_of_ambiguous(counts: Counter[str], dataset: str) -> str:
    """The ambiguous label words and what to type; ``counts`` holds the label words as written."""
    seen = ", ".join(f"{word!r} ({count:,} rows)" for word, count in counts.most_common(10))
    rest = f" and {len(counts) - 10} more" if len(counts) > 10 else ""
    mapping = "{" + ", ".join(f"{word}: <class>" for word, _ in counts.most_common(10)) + "}"
    # Hydra's command line takes neither quotes nor letters beyond ASCII in a key.
    simple = all(re.fullmatch(r"[A-Za-z_][\w-]*|-?\d+", word, re.ASCII) for word in counts)
    where = f"type 'source.{dataset}.labels={mapping}'" if simple else f"put labels: {mapping} into the YAML file"
    return (
        f"the labels are {seen}{rest}, and what they mean cannot be told. Please {where}, with negative, positive, "
        "neutral or null (drops the row) for <class>; a target is targets instead of source."
    )


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
