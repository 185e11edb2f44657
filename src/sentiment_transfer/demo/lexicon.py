"""The demo world's words: one hand-written triple of English, Japanese and Indonesian per meaning.

``lexicon.tsv`` holds the content words, ``morphemes.tsv`` the inflections, particles and articles that only one
language has (or that several have in different shapes: ``not``, ``n't``, ``ない``, ``tidak``, ``bukan``).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["en", "ja", "id"]
LANGUAGES: tuple[Language, ...] = ("en", "ja", "id")

ANY_FIELD = "*"
NOTHING = "."
POLARITIES = {"+": 1, "-": -1, NOTHING: 0}

# What a Japanese dictionary form ends in; inflection replaces it.
JA_ENDINGS = {"i": "い", "na": "", "no": "", "teiru": "ている", "deiru": "でいる", "ru": "る", "suru": "する"}


@dataclass(frozen=True)
class Entry:
    """One meaning in three languages.

    ``fields`` are the kinds of thing the word is said of ("food", "people", ...; ``*`` for all). ``forms`` holds
    what a grammar must know besides the word: ``ja`` the inflection class, ``particle`` the case a Japanese verb
    governs, ``past`` an English past tense, ``en=pl|mass|third|post|predicative``, ``id=post|before``, ``degree=no``
    for what does not come in degrees, ``verb=yes`` for adverbs that also go with verbs.
    """

    role: str
    polarity: int  # 1 praise, -1 blame, 0 neither
    fields: frozenset[str]
    forms: dict[str, str]
    en: str
    ja: str
    id: str

    def __hash__(self) -> int:
        return hash(self.en)

    def word(self, language: Language) -> str:
        """The dictionary form in one language."""
        return str(getattr(self, language))

    def fits(self, field: str) -> bool:
        return ANY_FIELD in self.fields or field in self.fields

    def stem(self, language: Language) -> str:
        """What inflection leaves alone: a Japanese word without the ending of its class, others as they are."""
        if language == "ja":
            return self.ja.removesuffix(JA_ENDINGS[self.forms.get("ja", "na")])
        return self.word(language)


@dataclass(frozen=True)
class Morpheme:
    """A piece of one language's grammar; a leading ``+`` means that it is written onto the word before it."""

    language: Language
    text: str
    meaning: str | None  # shared with every word or morpheme of that meaning; None: this language's own


def _table(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def lexicon() -> tuple[Entry, ...]:
    """Every triple, in file order."""
    return tuple(
        Entry(
            role=row["role"],
            polarity=POLARITIES[row["polarity"]],
            fields=frozenset(row["fields"].split(",")),
            forms=dict(form.split("=") for form in row["forms"].split() if form != NOTHING),
            en=row["en"],
            ja=row["ja"],
            id=row["id"],
        )
        for row in _table("lexicon.tsv")
    )


@cache
def morphemes() -> tuple[Morpheme, ...]:
    """Every morpheme, in file order."""
    languages: dict[str, Language] = {language: language for language in LANGUAGES}
    return tuple(
        Morpheme(languages[row["language"]], row["morpheme"], None if row["meaning"] == NOTHING else row["meaning"])
        for row in _table("morphemes.tsv")
    )


@cache
def words(role: str, field: str = ANY_FIELD) -> tuple[Entry, ...]:
    """The entries of a role that can be said of a field."""
    return tuple(entry for entry in lexicon() if entry.role == role and (field == ANY_FIELD or entry.fits(field)))


def one(role: str, en: str) -> Entry:
    """The entry of a role with that English form."""
    return next(entry for entry in lexicon() if entry.role == role and entry.en == en)
