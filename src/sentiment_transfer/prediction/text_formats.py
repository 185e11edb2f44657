"""Text files as input and output: every row is kept byte for byte, and the prediction is added at its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from sentiment_transfer.config.checks import suggestion
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.records import numbered_column
from sentiment_transfer.files.text import RawRow, TextLines, parse_delimited, parse_json
from sentiment_transfer.prediction.windows import ROWS, Answers, Columns, Row, Window, in_windows

WHOLE_LINE = "line"  # the key that a line which is not an object is kept under


def text_column(path: str, text: str, names: list[str]) -> int:
    """The index of the column ``text``. Raises UserError with the most similar names if there is none."""
    if text not in names:
        raise UserError(f"{path} has no column {text!r} for text=.{suggestion(text, names)}")
    return names.index(text)


def no_rows(path: str) -> UserError:
    return UserError(f"{path} has no rows: there is nothing to predict.")


def added_fields(window: Window, answers: Answers, missing: str) -> Iterator[tuple[str, str | None, list[str], str]]:
    """``(row, label, probabilities, reason)`` of a window's rows; without a label the probabilities are ``missing``."""
    for content, label, row, reason in zip(
        window.content, answers.labels, answers.probabilities.tolist(), answers.reasons, strict=True
    ):
        yield content, label, [missing] * len(row) if label is None else [f"{value:.6f}" for value in row], reason


class Delimited:
    """CSV and TSV files.

    Args:
        text: the column of the texts; its number from 0 if there is no ``header``.
        quoted: CSV quoting applies; otherwise a line is a row and quotes are text.

    Raises UserError for a file without rows, without the column, or not in UTF-8.
    """

    def __init__(self, path: str, text: str, *, delimiter: str, quoted: bool, header: bool = True) -> None:
        self.path, self.delimiter, self.quoted = path, delimiter, quoted
        self.lines = TextLines(path)
        self.total = self.lines.total
        first = list(islice(self._records(), 2))
        if len(first) < 1 + header:
            raise no_rows(path)
        if first[0].value is None:
            raise UserError(f"The first line of {path} cannot be read: a quote inside a quoted field is doubled.")
        self._require_utf8(first[0].content)
        self.header = first[0].content if header else None
        self.width = len(first[0].value)
        self.names = first[0].value if header else []
        self.column = text_column(path, text, self.names) if header else numbered_column(path, first[0].value, text)

    def windows(self, skip: int) -> Iterator[Window]:
        rows = islice(self._records(), skip + (self.header is not None), None)
        return in_windows(map(self._row, rows), self.lines.position)

    def render(self, window: Window, answers: Answers, columns: Columns, *, first: bool) -> bytes:
        end = "\r\n" if (self.header or window.content[0]).endswith("\r\n") else "\n"
        out = []
        if first and self.header is not None:
            out.append(self._extended(self.header, map(self._field, columns.all), end))
        for content, label, probabilities, reason in added_fields(window, answers, ""):
            out.append(self._extended(content, (label or "", *probabilities, self._field(reason)), end))
        return "".join(out).encode("utf-8", "surrogateescape")

    def _records(self) -> Iterator[RawRow[list[str]]]:
        return parse_delimited(self.lines, self.path, delimiter=self.delimiter, quoted=self.quoted)

    def _extended(self, content: str, fields: Iterator[str] | tuple[str, ...], end: str) -> str:
        kept = content.rstrip("\r\n")
        return self.delimiter.join((kept, *fields)) + (content[len(kept) :] or end)

    def _field(self, value: str) -> str:
        special = self.quoted and (self.delimiter in value or '"' in value)
        return '"' + value.replace('"', '""') + '"' if special else value

    def _row(self, row: RawRow[list[str]]) -> Row:
        """A row that cannot be read is padded, or put whole into the first column, so as not to shift the others."""
        fields, content = row.value, row.content
        if fields is not None and len(fields) == self.width:
            return Row(content, fields[self.column])
        kept = content.rstrip("\r\n")
        reason = "broken quoting" if fields is None else f"{len(fields)} fields where the first row has {self.width}"
        if fields is not None and len(fields) < self.width:
            padded = kept + self.delimiter * (self.width - len(fields))
        else:
            whole = '"' + kept.replace('"', '""') + '"' if self.quoted else kept.replace(self.delimiter, " ")
            padded = whole + self.delimiter * (self.width - 1)
        return Row(padded + content[len(kept) :], None, reason)

    def _require_utf8(self, first: str) -> None:
        try:
            first.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"The first line of {self.path} is not UTF-8. Convert the file, from SHIFT_JIS or WINDOWS-1252 or what "
                f"it is in: iconv -f SHIFT_JIS -t UTF-8 {self.path} > utf8.csv"
            ) from error


class PlainLines:
    """Standard input: every line is a text, and the prediction is added after tabs. ``size``: lines per window."""

    def __init__(self, path: str, *, size: int = ROWS) -> None:
        self.lines = TextLines(path)
        self.total = self.lines.total
        self.names: list[str] = []
        self.size = size

    def windows(self, skip: int) -> Iterator[Window]:
        rows = (Row(line, line.rstrip("\r\n")) for line in islice(self.lines, skip, None))
        return in_windows(rows, self.lines.position, self.size)

    def render(self, window: Window, answers: Answers, columns: Columns, *, first: bool) -> bytes:
        rows = (
            "\t".join((content.rstrip("\r\n"), label or "", *probabilities, reason)) + "\n"
            for content, label, probabilities, reason in added_fields(window, answers, "")
        )
        return "".join(rows).encode("utf-8", "surrogateescape")


class JSONLines:
    """JSON lines: one object a line, ``text`` the key of the texts; keys are added at an object's end.

    Raises UserError for a file without lines, or whose first line is not an object with this key.
    """

    def __init__(self, path: str, text: str) -> None:
        self.text = text
        self.lines = TextLines(path)
        self.total = self.lines.total
        first = next(parse_json(self.lines), None)
        if first is None:
            raise no_rows(path)
        if first.value is None:
            raise UserError(f'{path}, line {first.line}: not an object such as {{"{text}": "..."}} on a single line.')
        self.names = list(first.value)
        text_column(path, text, self.names)
        self._known = set(first.value)

    def windows(self, skip: int) -> Iterator[Window]:
        return in_windows(map(self._row, islice(parse_json(self.lines), skip, None)), self.lines.position)

    def render(self, window: Window, answers: Answers, columns: Columns, *, first: bool) -> bytes:
        names = [json.dumps(name, ensure_ascii=False) for name in columns.all]
        out = []
        for content, label, probabilities, reason in added_fields(window, answers, "null"):
            values = (f'"{label}"' if label else "null", *probabilities, f'"{reason}"' if reason else "null")
            added = ", ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
            start = content.rstrip()[:-1].rstrip()  # without the closing brace
            out.append(f"{start}{'' if start.endswith('{') else ', '}{added}}}\n")
        return "".join(out).encode("utf-8", "surrogateescape")

    def _row(self, row: RawRow[dict[str, object]]) -> Row:
        if row.value is None:
            return Row(json.dumps({WHOLE_LINE: row.content.rstrip("\r\n")}), None, "not a JSON object")
        if not self._known.issuperset(row.value):  # later objects may have keys that the first one lacks
            self.names += [name for name in row.value if name not in self._known]
            self._known.update(row.value)
        if self.text not in row.value:
            return Row(row.content, None, "no text")
        return Row(row.content, row.value[self.text])
