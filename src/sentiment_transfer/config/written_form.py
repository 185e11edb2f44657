"""How a text file is written: the options of datasets and predictions that say so, and what is wrong with them."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Protocol

TAB = ("\\t", "tab", "TAB")  # as people type it where a shell or Hydra takes the character itself


class WrittenForm(Protocol):
    """The options."""

    delimiter: str | None
    quoted: bool | None
    encoding: str | None


def delimiter_of(delimiter: str | None) -> str | None:
    """The delimiter that an option means: ``\\t`` is a tab."""
    return "\t" if delimiter in TAB else delimiter


def written_form_problems(options: WrittenForm, where: str) -> Iterator[str]:
    """Sentences about a delimiter that does not delimit and an encoding that is unknown."""
    prefix = f"{where}." if where else ""
    delimiter = delimiter_of(options.delimiter)
    if delimiter is not None and (not delimiter or set(delimiter) & set("\r\n")):
        yield f"{prefix}delimiter={options.delimiter!r} is invalid: it must be a character between fields of a line."
    elif delimiter is not None and options.quoted is not False and (len(delimiter) > 1 or delimiter in '"\0'):
        yield (
            f"{prefix}delimiter={options.delimiter} is invalid: where fields may be quoted it must be one character, "
            f"other than a quote. A longer one is possible without quoting: type {prefix}quoted=false as well."
        )
    if options.encoding is not None and not _is_text_encoding(options.encoding):
        yield (
            f"{prefix}encoding={options.encoding} is invalid: it must be an encoding that Python knows, such as cp932, "
            "euc_jp, gb18030, cp1252 or utf-16."
        )


def _is_text_encoding(name: str) -> bool:
    try:
        "a".encode(name)
    except (LookupError, ValueError):  # unknown, or a codec of bytes such as base64
        return False
    return codecs.lookup(name).name not in ("unicode_escape", "raw-unicode-escape", "idna", "punycode")
