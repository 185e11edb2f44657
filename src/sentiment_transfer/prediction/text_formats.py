"""Text files as input and output: every row is kept byte for byte, and the prediction is added at its end."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from sentiment_transfer.config.checks import suggestion
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.columns import column_of, field_names, field_of, listed
from sentiment_transfer.files.dialect import find_dialect
from sentiment_transfer.files.encodings import BOM, advice, bytes_of
from sentiment_transfer.files.json_rows import parse_json
from sentiment_transfer.files.records import numbered_column
from sentiment_transfer.files.text import RawRow, TextLines, parse_delimited
from sentiment_transfer.prediction.windows import ROWS, Answers, Columns, Row, Window, in_windows

TRIED = 50  # rows, of which one must have as many fields as the first
AS_UTF8 = "the output is UTF-8, which the input is not"
WHOLE_LINE = "line"  # the key that a line which is not an object is kept under


def text_column(path: str, text: str, names: list[str]) -> int:
    """The index of the column ``text``. Raises UserError with the most similar names if there is none."""
    if (found := column_of(path, names, text)) is None:
        raise no_text_column(path, text, names)
    return found


def no_text_column(path: str, text: str, names: list[str]) -> UserError:
    nearest = suggestion(text, names)
    hint = nearest if "Did you mean" in nearest and len(nearest) < 100 else f" There are: {listed(names)}."
    return UserError(f"{path} has no column {text!r} for text=.{hint}")


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
        by_ending: the delimiter that the file's ending says.
        delimiter: None: as ``find_dialect`` finds it; ``quoted`` alike.
        quoted: CSV quoting applies; otherwise a line is a row and quotes are text.

    Raises UserError for a file without rows, without the column, or not in UTF-8 (or ``encoding``).
    """

    def __init__(
        self,
        path: str,
        text: str,
        *,
        by_ending: str | None = ",",
        delimiter: str | None = None,
        quoted: bool | None = None,
        header: bool = True,
        encoding: str | None = None,
    ) -> None:
        self.path = path
        self.lines = TextLines(path, encoding)
        self.total = self.lines.total
        dialect = find_dialect(
            self.lines,
            path,
            by_ending=by_ending,
            delimiter=delimiter,
            quoted=quoted,
            columns=(text,),
            header=header,
        )
        self.delimiter, self.quoted, self.preamble = dialect.delimiter, dialect.quoted, dialect.preamble
        for note in (*dialect.notes, *([] if self.lines.encoding == "utf-8" else [AS_UTF8])):
            print(f"{path}: {note}.", file=sys.stderr)
        before = "".join(row.content for row in islice(self._records(), self.preamble))
        first = list(islice(self._records(), self.preamble, self.preamble + 1 + TRIED))
        if len(first) < 1 + header:
            raise no_rows(path)
        if first[0].value is None:
            raise UserError(f"The first line of {path} cannot be read: a quote inside a quoted field is doubled.")
        self._require_decoded(first[0].content)
        self.header = before + first[0].content if header else None
        self.width = len(first[0].value)
        self._refuse_other_width(first[1:])
        self.names = first[0].value if header else []
        self.column = text_column(path, text, self.names) if header else numbered_column(path, first[0].value, text)

    def windows(self, skip: int) -> Iterator[Window]:
        rows = islice(self._records(), skip + self.preamble + (self.header is not None), None)
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

    def _refuse_other_width(self, rows: list[RawRow[list[str]]]) -> None:
        """Raises UserError where not one of several rows has as many fields as the first: all would lack a label."""
        widths = Counter(len(row.value) for row in rows if row.value is not None)
        if len(rows) > 1 and self.width not in widths:
            found = f"have {widths.most_common(1)[0][0]}" if widths else "have broken quotes"
            raise UserError(
                f"The first row of {self.path} has {self.width} fields, and the rows after it {found}, split at "
                f"{self.delimiter!r}{' outside quotes' if self.quoted else ''}. Set delimiter= and quoted= as the file "
                "is written, or mend its first row."
            )

    def _require_decoded(self, first: str) -> None:
        try:
            first.encode()
        except UnicodeEncodeError as error:
            encoding = self.lines.encoding
            sample = bytes_of(first, encoding)
            raise UserError(
                f"The first line of {self.path} is not {encoding.upper()}. {advice(self.path, sample, encoding)}"
            ) from error


class PlainLines:
    """Standard input: every line is a text, and the prediction is added after tabs. ``size``: lines per window."""

    def __init__(self, path: str, *, size: int = ROWS) -> None:
        self.lines = TextLines(path)
        self.total = self.lines.total
        self.names: list[str] = []
        self.size = size

    def windows(self, skip: int) -> Iterator[Window]:
        rows = (Row(line, line.rstrip("\r\n").lstrip(BOM)) for line in islice(self.lines, skip, None))
        return in_windows(rows, self.lines.position, self.size)

    def render(self, window: Window, answers: Answers, columns: Columns, *, first: bool) -> bytes:
        rows = (
            "\t".join((content.rstrip("\r\n"), label or "", *probabilities, reason)) + "\n"
            for content, label, probabilities, reason in added_fields(window, answers, "")
        )
        return "".join(rows).encode("utf-8", "surrogateescape")


class JSONLines:
    """JSON lines: one object a line, ``text`` the key of the texts (``a.b``: of b in a); keys are added at an object's
    end. An array of objects becomes JSON lines.

    Raises UserError for a file without lines, or whose first line is not an object with this key.
    """

    def __init__(self, path: str, text: str, encoding: str | None = None) -> None:
        self.text = text
        self.lines = TextLines(path, encoding)
        self.total = self.lines.total
        first = next(parse_json(self.lines), None)
        if first is None:
            raise no_rows(path)
        if first.value is None:
            raise UserError(f'{path}, line {first.line}: not an object such as {{"{text}": "..."}} on a single line.')
        self.names = list(first.value)
        try:
            field_of(first.value, text)
        except KeyError:
            raise no_text_column(path, text, field_names(first.value)) from None
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
        try:
            return Row(row.content, field_of(row.value, self.text))
        except KeyError:
            return Row(row.content, None, "no text")
