"""Text from outside (reviews, names, paths, commands) in Markdown, LaTeX and CSV: shown as it is, never obeyed.

HTML is escaped by the templates themselves (Jinja's autoescape).
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence

# Format characters that do no harm and are needed: emoji are joined with ZWJ and variation selectors, Persian and
# Indic scripts are written with ZWNJ, and a soft hyphen is only a place to break.
KEPT = "\u200c\u200d\u00ad"
BLANKS = "\n\t"
# An underscore between two letters or digits is never emphasis (CommonMark 0.31, 6.2), and names are full of them.
MARKDOWN = re.compile(r"([\\`*{}\[\]<>#|~]|(?<![^\W_])_|_(?![^\W_]))")
LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "−": "$-$", "–": "--", "·": r"$\cdot$", "…": r"\ldots{}", "|": r"\textbar{}", "×": r"$\times$",
}  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet compute a cell
NUMBER = re.compile(r"[+-]?\d[\d.,]*")


def visible(text: str) -> str:
    """``text`` with every control, bidirectional and lone surrogate character written out, as ``[U+202E]``.

    Such characters would reorder or hide the text around them.
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


class Verbatim(str):
    """Markdown that this program wrote, which ``markdown`` leaves alone."""


def markdown(text: str) -> str:
    """``text`` as itself in Markdown, on one line: no emphasis, link, HTML or heading."""
    return text if isinstance(text, Verbatim) else MARKDOWN.sub(r"\\\1", " ".join(visible(text).split()))


def markdown_row(cells: Iterable[str]) -> Verbatim:
    """A row of a GitHub table; a cell's lines are kept as such."""
    return Verbatim(f"| {' | '.join('<br>'.join(map(markdown, _lines(cell))) for cell in cells)} |")


def _lines(cell: str) -> Sequence[str]:
    return [cell] if isinstance(cell, Verbatim) else cell.split("\n")


def markdown_code(text: str) -> Verbatim:
    """A code span; backticks, which would end it, become apostrophes, and what would end a cell, a slash."""
    return Verbatim(f"`{' '.join(visible(text).replace('`', chr(39)).replace('|', '/').split())}`")


def markdown_block(text: str, language: str) -> Verbatim:
    """A code block with a fence that the text does not hold."""
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return Verbatim(f"{fence}{language}\n{text}\n{fence}")


def latex(text: str) -> str:
    """``text`` with LaTeX's own characters written out; Japanese needs LuaLaTeX or XeLaTeX with a font that has it."""
    return "".join(LATEX.get(character, character) for character in " ".join(visible(text).split()))


def csv_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file's text; no cell of text is a formula to a spreadsheet."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([" ".join(column.split()) for column in columns])
    writer.writerows([[csv_cell(cell) for cell in row] for row in rows])
    return file.getvalue()


def csv_cell(cell: object) -> object:
    """A number as it is; a text visible, and with an apostrophe before what a spreadsheet would compute."""
    if not isinstance(cell, str):
        return cell
    text = visible(cell)
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text
