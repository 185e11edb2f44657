"""The name and the values of a label column: a claim, a rating, or no label at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

LABELS = {"label", "labels", "sentiment", "polarity", "class", "target", "y", "ラベル", "感情", "标签", "情感"}
RATINGS = {
    *("rating", "ratings", "star", "stars", "score", "scores", "overall", "nilai", "bintang", "sterne", "calificación"),
    *("評価", "評点", "星", "評分", "评分", "星级", "별점", "평점", "оценка"),
}  # not the German Note, of which 1 is the best
CLAIMS = {
    "positive": {"positive", "pos", "positif", "positiv", "positivo", "positiva"},
    "negative": {"negative", "neg", "negatif", "negativ", "negativo", "negativa"},
}
BESIDE = {"is", "has", "flag", "review", "text", "gold", "binary", "bool", "true", "final", *LABELS}
FEW = 20  # different values: a column with more is no label
LONG = 40  # characters: a longer value is a text


def is_label(column: str) -> bool:
    """Whether a column's name says that it is the sentiment, and no more."""
    parts = set(_parts(column))
    return bool(parts & LABELS) and parts <= BESIDE


def is_rating(column: str) -> bool:
    """Whether a column's name says that its numbers are a rating."""
    return any(part in RATINGS for part in _parts(column))


def claimed_class(column: str) -> str | None:
    """The class that a true value stands for by the column's name: ``negative`` for ``is_negative``; else None."""
    parts = set(_parts(column))
    found = [name for name, words in CLAIMS.items() if words & parts]
    return found[0] if len(found) == 1 and parts <= BESIDE | CLAIMS[found[0]] else None


def names_a_class(column: str) -> bool:
    """Whether a class is named in a column's name at all, as in ``not_negative``."""
    return any(words & set(_parts(column)) for words in CLAIMS.values())


def _parts(column: str) -> list[str]:
    """``["star", "rating"]`` for ``review.starRating``: the words of the last field's name."""
    last = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.rpartition(".")[2])
    return [part for part in re.split(r"[\W_]+", last.casefold()) if part]


def sentence_of_ambiguous(
    counts: Counter[str], dataset: str | None, column: str = "label", columns: Sequence[str] = ()
) -> str:
    """Why the values of a label column are refused, and what to type.

    ``counts`` holds the label words as written, ``columns`` the names of all columns; ``dataset`` is None where options
    are arguments in a program.
    """
    if looks := no_label(counts):
        others = [name for name in columns if name != column]
        there = f" The file also has: {', '.join(others[:FEW])}." if others else ""
        way = f"Type source.{dataset}.label=<another column> (a target is targets instead of source)"
        if dataset is None:
            way, there = 'Pass label="<another column>"', there.replace("The file", "The table")
        some = ", ".join(repr(shortened(word)) for word in list(counts)[:3])
        return (
            f"the column {column!r} has {len(counts):,} different values in {counts.total():,} rows ({some}, ...). It "
            f"looks like {looks}, not a label. {way}.{there}"
        )
    words = [word for word, _ in counts.most_common()]
    mapping = "{" + ", ".join(f"{word}: <class>" for word in words) + "}"
    rows = " and ".join(filter(None, (", ".join(f"{counts[word]:,}" for word in words[:-1]), f"{counts[words[-1]]:,}")))
    means = "what the labels in the column"
    if dataset is None:
        typed = ", ".join(f"{word!r}: ..." for word in words)
        return (
            f'{means} {column!r} mean cannot be told. Please pass labels={{{typed}}} ({rows} rows), with "negative", '
            '"positive", "neutral" or None (drops the row).'
        )
    # Hydra's command line takes neither quotes nor letters beyond ASCII in a key.
    simple = all(re.fullmatch(r"[A-Za-z_][\w-]*|-?\d+(\.\d+)?", word, re.ASCII) for word in words)
    where = f"type 'source.{dataset}.labels={mapping}'" if simple else f"put labels: {mapping} into the YAML file"
    return (
        f"{means} {column!r} mean cannot be told. Please {where} ({rows} rows), with negative, "
        "positive, neutral or null (drops the row) for <class>; a target is targets instead of source."
    )


def no_label(counts: Counter[str]) -> str:
    """The kind of values that are no labels: ``an id``, ``a text`` and so on; empty if they may be labels."""
    words = list(counts)[:1_000]
    length = sum(map(len, words)) / len(words)
    spaced = sum(not word.isascii() or " " in word.strip() for word in words) > len(words) / 2
    text = length > LONG or (spaced and length > 12)
    each_its_own = len(counts) > max(5, 0.9 * counts.total())
    if len(counts) <= FEW and not (text and length > LONG) and not each_its_own:
        return ""
    if all(re.match(r"\d{4}-\d\d?-\d\d?", word) for word in words):
        return "a date"
    if all(re.fullmatch(r"[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?", word) for word in words):
        return "an id" if each_its_own and not any("." in word for word in words) else "a number, such as a measurement"
    if text and spaced:
        return "a text"
    return "an id" if each_its_own else "a name or a category"


def shortened(text: str, length: int = LONG) -> str:
    """``text`` on one line, cut to ``length`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
