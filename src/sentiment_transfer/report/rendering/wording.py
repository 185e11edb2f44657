"""Text that somebody else chose (reviews, names, paths, commands), made safe to look at."""

from __future__ import annotations

import unicodedata

# Format characters that do no harm and are needed: emoji are joined with ZWJ and variation selectors, Persian and
# Indic scripts are written with ZWNJ, and a soft hyphen is only a place to break.
KEPT = "\u200c\u200d\u00ad"
BLANKS = "\n\t"


def visible(text: str) -> str:
    """``text`` with every control, bidirectional and lone surrogate character written out, as ``[U+202E]``.

    Such characters would reorder or hide the text around them; HTML is left to the template's own escaping.
    """
    if text.isprintable():  # most are, and a page has a million characters
        return text
    return "".join(character if _harmless(character) else f"[U+{ord(character):04X}]" for character in text)


def _harmless(character: str) -> bool:
    if character in KEPT or character in BLANKS:
        return True
    noncharacter = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF  # no XML file may hold one
    return not noncharacter and unicodedata.category(character) not in ("Cc", "Cf", "Cs")


def shortened(text: str, length: int) -> str:
    """At most ``length`` characters, the last of them an ellipsis where something was cut."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
