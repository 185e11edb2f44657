"""CSV and TSV files, and plain lines: every row is kept byte for byte, and fields are added at its end."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.lines import BOM, Lines
from sentiment_transfer.files.text import LONGEST_FIELD
from sentiment_transfer.prediction.window import ROWS, Answers, Columns, Row, Window, in_windows

LONGEST_ROW = 64_000_000  # characters: a quote that is never closed would take in the rest of the file
Record = tuple[str, list[str] | None]  # a row as it stands, and its fields; None where its quoting is broken


class Delimited:
    """Rows of fields.

    Args:
        path: a file, or ``-`` for standard input.
        text: the column of the texts; its number from 0 where there is no ``header``.
        quoted: whether CSV quoting holds; else a line is a row and quotes are text.
    """

    def __init__(self, path: str, text: str, *, delimiter: str, quoted: bool, header: bool = True) -> None:
        self.path, self.text, self.delimiter, self.quoted = path, text, delimiter, quoted
        self.lines = Lines(path)
        self.total = self.lines.total
        first = list(islice(self._records(), 2))
        if not first or (header and len(first) == 1):
            raise UserError(f"{path} has no rows: there is nothing to answer.")
        if first[0][1] is None:
            raise UserError(f"The first line of {path} cannot be read: a quote inside a quoted field is doubled.")
        self.header = first[0][0] if header else None
        self.width = len(first[0][1])
        self.names = [name.removeprefix(BOM) for name in first[0][1]] if header else []
        self._refuse_bytes(first[0][0])
        self.column = self._numbered(text) if not header else self._named(text)

    def windows(self, skip: int) -> Iterator[Window]:
        skip += self.header is not None
        return in_windows(self._rows(islice(self._records(), skip, None)), self.lines.position)

    def render(self, window: Window, answers: Answers, columns: Columns, *, first: bool) -> bytes:
        end = self._end(self.header or window.content[0])
        added = self.delimiter.join
        out = []
        if first and self.header is not None:
            out.append(self._with(self.header, added(map(self._field, columns.all)), end))
        nothing = [""] * len(columns.probabilities)
        rows = zip(window.content, answers.labels, answers.probabilities.tolist(), answers.reasons, strict=True)
        for content, label, row, reason in rows:
            shares = nothing if label is None else [f"{share:.6f}" for share in row]
            out.append(self._with(content, added((label or "", *shares, self._field(reason))), end))
        return "".join(out).encode("utf-8", "surrogateescape")

    def _with(self, content: str, added: str, end: str) -> str:
        kept = content.rstrip("\r\n")
        return f"{kept}{self.delimiter}{added}{content[len(kept) :] or end}"

    @staticmethod
    def _end(content: str) -> str:
        return "\r\n" if content.endswith("\r\n") else "\n"

    def _field(self, value: str) -> str:
        special = self.quoted and (self.delimiter in value or '"' in value)
        return '"' + value.replace('"', '""') + '"' if special else value

    def _rows(self, records: Iterator[Record]) -> Iterator[Row]:
        width, column = self.width, self.column
        for content, fields in records:
            if fields is not None and len(fields) == width:
                yield Row(content, fields[column])
            else:
                yield self._unreadable(content, fields)

    def _unreadable(self, content: str, fields: list[str] | None) -> Row:
        """A row that would shift the columns: all of it in the first one, where it has too many fields."""
        kept = content.rstrip("\r\n")
        reason = "broken quoting" if fields is None else f"{len(fields)} fields where the first row has {self.width}"
        if fields is not None and len(fields) < self.width:
            padded = kept + self.delimiter * (self.width - len(fields))
        else:
            whole = '"' + kept.replace('"', '""') + '"' if self.quoted else kept.replace(self.delimiter, " ")
            padded = whole + self.delimiter * (self.width - 1)
        return Row(padded + content[len(kept) :], None, reason)

    def _records(self) -> Iterator[Record]:
        return self._quoted() if self.quoted else self._plain()

    def _plain(self) -> Iterator[Record]:
        for line in self.lines:
            if kept := line.rstrip("\r\n"):
                yield line, kept.split(self.delimiter)

    def _quoted(self) -> Iterator[Record]:
        csv.field_size_limit(LONGEST_FIELD)
        held: list[str] = []
        reader = csv.reader(self._held(held), delimiter=self.delimiter, strict=True)
        while True:
            try:
                fields: list[str] | None = next(reader)
            except StopIteration:
                return
            except csv.Error:
                fields = None
            content = "".join(held)
            held.clear()
            if fields or (fields is None and content.strip()):
                yield content, fields

    def _held(self, held: list[str]) -> Iterator[str]:
        """The lines, each also put into ``held``: a row in quotes may have many."""
        for number, line in enumerate(self.lines, 1):
            held.append(line)
            if len(held) % 1_000 == 0 and sum(map(len, held)) > LONGEST_ROW:
                raise UserError(
                    f"{self.path}: a quote in line {number - len(held) + 1} is not closed within {LONGEST_ROW:,} "
                    "characters. Mend the row, or type quoted=false where quotes are text."
                )
            yield line

    def _refuse_bytes(self, first: str) -> None:
        try:
            first.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"The first line of {self.path} is not UTF-8. Convert the file, from SHIFT_JIS or WINDOWS-1252 or what "
                f"it is in: iconv -f SHIFT_JIS -t UTF-8 {self.path} > utf8.csv"
            ) from error

    def _named(self, text: str) -> int:
        if text not in self.names:
            raise no_column(self.path, text, self.names)
        return self.names.index(text)

    def _numbered(self, text: str) -> int:
        if not text.isdigit() or int(text) >= self.width:
            raise UserError(
                f"{self.path}: with header=false, text= is the number of a column, here from 0 to {self.width - 1}; "
                f"it is {text!r}."
            )
        return int(text)


class PlainLines:
    """Standard input: every line is a text, and gets its answer as fields after tabs."""

    def __init__(self, path: str, *, size: int = ROWS) -> None:
        self.lines = Lines(path)
        self.total = self.lines.total
        self.names: list[str] = []
        self.size = size

    def windows(self, skip: int) -> Iterator[Window]:
        rows = (Row(line, line.rstrip("\r\n")) for line in islice(self.lines, skip, None))
        return in_windows(rows, self.lines.position, self.size)

    def render(self, window: Window, answers: Answers, columns: Columns, *, first: bool) -> bytes:
        out = []
        rows = zip(window.content, answers.labels, answers.probabilities.tolist(), answers.reasons, strict=True)
        for content, label, row, reason in rows:
            shares = [""] * len(row) if label is None else [f"{share:.6f}" for share in row]
            out.append("\t".join((content.rstrip("\r\n"), label or "", *shares, reason)) + "\n")
        return "".join(out).encode("utf-8", "surrogateescape")


def no_column(path: str, text: str, names: list[str]) -> UserError:
    from sentiment_transfer.config.checks import suggestion

    return UserError(f"{path} has no column {text!r} for text=.{suggestion(text, names)}")
