"""Star ratings from one to five, in the spellings that shops and exports use.

1 and 2 are negative, 4 and 5 positive; 3, and what lies between 2 and 4, is neutral.
"""

from __future__ import annotations

import re
from collections.abc import Collection

SCALE = 5
NUMBER = r"(\d(?:[.,]\d+)?)"
UNIT = (
    "(?:stars?|bintang|stern(?:en?)?|étoiles?|estrellas?|estrelas?|stell[ae]|sterren|зв[её]зд[аы]?|yıldız|"
    "つ星|星|颗星|별|[★⭐])"
)
OF = "(?:/|out of|of|von|de|dari|sur|su|из|van)"
# With the scale or the unit in the word, it can mean nothing else.
SPELLINGS = [
    re.compile(pattern)
    for pattern in (
        rf"{NUMBER}[ -]?{UNIT}",
        rf"{UNIT} ?{NUMBER} ?[つ個]?",
        rf"{NUMBER} ?{OF} ?{SCALE}(?:[.,]0)?(?:[ -]?{UNIT})?",
        rf"{NUMBER} ?{UNIT} ?{OF} ?{SCALE}(?:[.,]0)?",
        rf"{SCALE}(?:つ星|段階|星)(?:のうち|中の?) ?{NUMBER}",
    )
]
GLYPHS = re.compile(r"([★⭐✭✮🌟]\ufe0f?)+(½)?([☆✩]\ufe0f?)*")


def stars_of(word: str) -> float | None:
    """The stars, 1 to 5, that a label word spells out; None for any other word, and for a number without a unit."""
    compact = re.sub(r"\s+", "", word).replace("1⁄2", "½")  # as NFKC writes it
    if GLYPHS.fullmatch(compact):
        filled = len(re.findall("[★⭐✭✮🌟]", compact)) + (0.5 if "½" in compact else 0)
        shown = len(re.findall("[★⭐✭✮🌟☆✩½]", compact))
        empty = len(re.findall("[☆✩]", compact))
        return filled if 1 <= filled <= SCALE and (not empty or shown == SCALE) else None
    for spelling in SPELLINGS:
        if match := spelling.fullmatch(word):
            return _within(match[1])
    return None


def rating_of(word: str) -> float | None:
    """The number, 1 to 5, that a word in a column of ratings is; None for any other word."""
    return _within(word) if re.fullmatch(NUMBER, word) else stars_of(word)


def are_ratings(words: Collection[str]) -> bool:
    """Whether the words of a column called rating are stars: 1 to 5, and both ends of the scale are used."""
    ratings = [rating_of(word) for word in words]
    known = [rating for rating in ratings if rating is not None]
    return len(known) == len(ratings) > 0 and min(known) <= 2 and max(known) > SCALE - 1


def class_of_stars(stars: float) -> str:
    """``negative``, ``neutral`` or ``positive``."""
    return "negative" if stars <= 2 else "positive" if stars >= 4 else "neutral"


def _within(number: str) -> float | None:
    stars = float(number.replace(",", "."))
    return stars if 1 <= stars <= SCALE else None
