"""How a delimited file is written: which delimiter, whether fields are quoted, and where the header is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.columns import column_of
from sentiment_transfer.files.encodings import BOM
from sentiment_transfer.files.text import RawRow, parse_delimited

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
OTHERS = (",", ";", "\t", "|")  # tried where the one by the ending finds no such columns
NAMES = {"\t": "a tab"}
SAMPLE = 200  # lines that a delimiter is tried on
QUOTING_SAMPLE = 100_000  # lines that are looked at for quotes
LONG = 100_000  # characters: a quoted field that is longer was not meant to be one


@dataclass(frozen=True)
class Dialect:
    """How the rows of a file are split.

    Attributes:
        preamble: rows before the header: Excel's ``sep=;``.
        notes: sentences about all of it that neither the user nor the file's ending said.
    """

    delimiter: str
    quoted: bool
    preamble: int = 0
    notes: tuple[str, ...] = ()


def find_dialect(
    lines: Iterable[str],
    path: str | Path,
    *,
    by_ending: str | None,
    delimiter: str | None,
    quoted: bool | None,
    columns: Sequence[str | int],
    header: bool,
) -> Dialect:
    """The dialect of a file with these ``lines``, every iteration over which starts at the beginning.

    What the user typed (``delimiter``, ``quoted``) holds. Otherwise the delimiter is the one that a first line
    ``sep=;`` names, else the first of the one ``by_ending`` and the usual ones under which the file has the
    ``columns``; fields between tabs are quoted where all quotes are those of a CSV writer.
    """
    sample = list(islice(lines, SAMPLE))
    notes = []
    said = re.fullmatch(r'"?sep=([^"\r\n])"?[\r\n]*', sample[0].lstrip(BOM)) if sample else None
    preamble = 1 if said else 0
    chosen = delimiter or (said[1] if said else None)
    if chosen is None:
        chosen = _sniffed(sample, path, by_ending or ",", columns, header)
    if delimiter is None and chosen != by_ending:
        where = "by its first line (sep=)" if said else "as its header shows" if header else "as its rows show"
        notes.append(f"the delimiter is {NAMES.get(chosen, repr(chosen))}, {where}")
    if quoted is None and chosen == "\t":
        quoted = has_csv_quoting(list(islice(lines, QUOTING_SAMPLE)), path, chosen)
        if quoted:
            notes.append("quotes around fields are no part of them (quoted=false keeps them)")
    return Dialect(chosen, quoted is not False, preamble, tuple(notes))


def _sniffed(sample: list[str], path: str | Path, by_ending: str, columns: Sequence[str | int], header: bool) -> str:
    splitting: list[str] = []
    for delimiter in dict.fromkeys((by_ending, *OTHERS)):
        rows = _rows(sample, path, delimiter)
        widths = {len(row.value) for row in rows if row.value is not None}
        if not rows or rows[0].value is None:
            continue
        if header:
            if all(_has_column(path, rows[0].value, str(name)) for name in columns):
                return delimiter
        elif (
            len(widths) == 1
            and None not in [row.value for row in rows]
            and all(int(number) < min(widths) for number in columns if str(number).isdigit())
        ):
            return delimiter
        if len(widths) == 1 and min(widths) > 1:
            splitting.append(delimiter)
    # Under none of them does the file have the columns: the error lists those that it has.
    return by_ending if by_ending in splitting or not splitting else splitting[0]


def _rows(sample: list[str], path: str | Path, delimiter: str) -> list[RawRow[list[str]]]:
    rows = list(parse_delimited(iter(sample), path, delimiter=delimiter, quoted=True))
    if len(sample) == SAMPLE and len(rows) > 1:
        rows.pop()  # it may go on after the sample
    return rows


def _has_column(path: str | Path, names: Sequence[str], name: str) -> bool:
    try:
        return column_of(path, names, name) is not None
    except UserError:
        return True  # several: the reader says so


def has_csv_quoting(lines: Sequence[str], path: str | Path, delimiter: str) -> bool:
    """Whether a CSV writer such as pandas' wrote the fields: some are quoted, and no quote stands anywhere else."""
    field = re.compile(rf'(?:^|(?<={re.escape(delimiter)}))"(?:[^"]|"")*"(?=$|{re.escape(delimiter)})')
    found, width = False, 0
    try:
        for row in parse_delimited(lines, path, delimiter=delimiter, quoted=True):
            width = width or len(row.value or ())
            if row.value is None and len(lines) == QUOTING_SAMPLE and len(row.content) < LONG:
                return found  # a row that goes on after the sample
            if row.value is None or len(row.value) != width:
                return False
            if '"' in row.content:
                found = True
                if '"' in field.sub("", row.content.lstrip(BOM).rstrip("\r\n")):
                    return False
    except UserError:  # a quote that is not closed
        return False
    return found
