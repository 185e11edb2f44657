"""The script that a text is written in."""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter

from fontTools.unicodedata import script as script_of_character

NONE = "Zyyy"  # ISO 15924 for characters of no script of their own: digits, punctuation, emoji
KANA = ("Hira", "Kana")


def script_of(text: str, language: str = "") -> str:
    """ISO 15924 code of the script of most letters in ``text``; Zyyy if it has no letters.

    Kana and the kanji beside them are Jpan, as are kanji alone in a text whose ``language`` is ja; other Chinese
    characters are Hani, simplified or not.
    """
    letters: Counter[str] = Counter()
    for character, count in Counter(text).items():
        letters[_script_of_letter(character)] += count
    del letters[NONE]
    if language == "ja" or any(letters[kana] for kana in KANA):
        letters["Jpan"] = sum(letters.pop(part, 0) for part in (*KANA, "Hani"))
    return max(letters, key=lambda code: (letters[code], code), default=NONE) if letters.total() else NONE


@functools.lru_cache(maxsize=20_000)
def _script_of_letter(character: str) -> str:
    """NONE for what is no letter, and for letters that scripts share (ー)."""
    code: str = script_of_character(character) if unicodedata.category(character).startswith("L") else NONE
    return NONE if code in ("Zinh", "Zzzz") else code
