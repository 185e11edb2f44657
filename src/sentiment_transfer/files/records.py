"""A user's own file as ``(row, text, label word)``: CSV, TSV, JSON lines or Parquet, compressed or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.cells import class_names, named_word, text_of, word_of
from sentiment_transfer.files.columns import column_of, field_names, field_of, listed
from sentiment_transfer.files.containers import (
    CODECS,
    ZIP,
    Opened,
    content_kind,
    opened,
    refuse_other_content,
    require_file,
)
from sentiment_transfer.files.dialect import DELIMITERS, find_dialect
from sentiment_transfer.files.json_rows import json_lines
from sentiment_transfer.files.parquet_columns import complete_parquet, nested, parquet_field, schema_columns
from sentiment_transfer.files.text import TextLines, delimited_rows

JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
PARQUET_ENDINGS = (".parquet", ".pq")
PARQUET = b"PAR1"  # the first bytes
SPELT = ("_text", "_name")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")

Record = tuple[int, str, str]  # line or row from 1, text, label word (both "" for an empty field)


@dataclass(frozen=True)
class Layout:
    """The position of text and label in a file.

    Attributes:
        text, label: column names; numbers from 0 in a delimited file without a header.
        delimiter: None: by the file's ending, or as its header shows.
        quoted: CSV quoting applies; None: yes, unless the delimiter is a tab and quotes stand within fields.
        encoding: by Python's name; None: UTF-8, or what a byte order mark says.
    """

    text: str | int
    label: str | int
    header: bool = True
    delimiter: str | None = None
    quoted: bool | None = None
    encoding: str | None = None


@dataclass
class Table:
    """A file that is being read.

    Attributes:
        records: its rows in order.
        columns: the names of its columns, or of the fields of its first object; none without a header.
        names: the label names that the file itself gives to the numbers from 0, if any.
        spelt: label word -> its names in a column beside it (``label_text``), filled while records are iterated over.
        notes: how it is read, where neither the user nor the file's ending said so.
    """

    records: Iterator[Record]
    columns: Sequence[str] = ()
    names: tuple[str, ...] = ()
    spelt: dict[str, set[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_table(path: Path, layout: Layout) -> Table:
    """A file of any known kind. Raises UserError with file and line for anything that cannot be read, here or while
    its records are iterated over."""
    require_file(path)
    kind = content_kind(path)
    if kind in PARQUET_ENDINGS:
        return parquet_table(path, layout)
    if kind in JSON_ENDINGS:
        return json_table(path, layout)
    if kind in DELIMITERS or layout.delimiter:
        return delimited_table(path, layout)
    raise unknown_ending(path, "Use .csv, .tsv, .txt, .jsonl or .parquet (also {packed}), or type delimiter=.")


def unknown_ending(path: Path, known: str) -> UserError:
    """The error for a file whose ending says nothing; what it is comes first, where its content shows that."""
    with opened(path) as file:
        refuse_other_content(path, file.start)
    kind = content_kind(path)
    packed = ", ".join((*CODECS, ZIP))
    hint = " A workbook is saved as 'CSV UTF-8' in Excel." if kind in WORKBOOKS else ""
    return UserError(f"{path}: the ending {kind or '(none)'} is not known. {known.format(packed=packed)}{hint}")


def delimited_table(path: Path, layout: Layout) -> Table:
    lines = TextLines(path, layout.encoding)
    dialect = find_dialect(
        lines,
        path,
        by_ending=DELIMITERS.get(content_kind(path)),
        delimiter=layout.delimiter,
        quoted=layout.quoted,
        columns=(layout.text, layout.label),
        header=layout.header,
    )
    notes = list(dialect.notes)
    if layout.encoding is None and lines.encoding != "utf-8":
        notes.append(f"the encoding is {lines.encoding.upper()}, by its byte order mark")
    rows = delimited_rows(
        path,
        delimiter=dialect.delimiter,
        quoted=dialect.quoted,
        encoding=layout.encoding,
        preamble=dialect.preamble,
    )
    first_line, first = next(rows)
    if layout.header:
        text, label = (named_column(path, first, name) for name in (layout.text, layout.label))
    else:
        text, label = (numbered_column(path, first, number) for number in (layout.text, layout.label))

    beside = beside_label(layout, first) if layout.header else None
    spelling = first.index(beside) if beside else None

    def records() -> Iterator[Record]:
        if not layout.header:
            yield first_line, first[text], first[label].strip()
        for line, row in rows:
            if any(map(str.strip, row)):  # spreadsheets leave rows of delimiters alone at the end
                yield line, row[text], row[label].strip()
                if spelling is not None:
                    spelt.setdefault(row[label].strip(), set()).add(row[spelling].strip())

    spelt: dict[str, set[str]] = {}
    return Table(records(), first if layout.header else (), spelt=spelt, notes=notes)


def beside_label(layout: Layout, columns: Sequence[str]) -> str | None:
    """The column beside that of the labels which spells them out, as SetFit's ``label_text``; None if there is none."""
    names = (f"{layout.label}{ending}" for ending in SPELT)
    return next((name for name in names if name in columns and name != layout.text), None)


def named_column(path: Path, columns: Sequence[str], name: str | int) -> int:
    """The position of a column. Raises UserError if there is none, or several of that name."""
    found = column_of(path, columns, str(name))
    if found is None:
        raise no_column(path, columns, name, "; a file without a header takes header=false and numbers from 0")
    return found


def no_column(path: Path, columns: Sequence[str], name: str | int, more: str = "") -> UserError:
    """The error for a column that does not exist, with those that do (of many, the first)."""
    return UserError(
        f"{path} has no column {name!r}. It has: {listed(columns)}. Set text= and label= to two of them{more}."
    )


def numbered_column(path: str | Path, first: Sequence[str], number: str | int) -> int:
    """The column ``number`` of a file without a header and with this ``first`` row. Raises UserError if it has none."""
    if not str(number).isdigit() or int(number) >= len(first):
        raise UserError(
            f"{path}: column {number!r} does not exist. With header=false columns are numbers, here 0 to "
            f"{len(first) - 1}."
        )
    return int(number)


def json_table(path: Path, layout: Layout) -> Table:
    def records() -> Iterator[Record]:
        for line, record in json_lines(path, layout.encoding):
            columns.extend(field_names(record) if not columns else ())
            values = []
            for name in (layout.text, layout.label):
                try:
                    values.append(field_of(record, str(name)))
                except KeyError:
                    has = listed(field_names(record))
                    raise UserError(f"{path}, line {line}: no {name!r}. The line has: {has}.") from None
            word = word_of(values[1], path, line)
            yield line, text_of(values[0], path, line), word
            if (beside := beside_label(layout, list(record))) and isinstance(record[beside], str):
                spelt.setdefault(word, set()).add(record[beside])

    columns: list[str] = []
    spelt: dict[str, set[str]] = {}
    return Table(records(), columns, spelt=spelt)


def parquet_table(path: Path, layout: Layout) -> Table:
    import pyarrow.parquet as pq

    with opened(path) as file, complete_parquet(path):
        refuse_other_content(path, file.start, PARQUET)
        schema = pq.read_schema(_seekable(file))

    def batches(columns: list[str]) -> Iterator[pa.RecordBatch]:
        with opened(path) as file, complete_parquet(path):
            yield from pq.ParquetFile(_seekable(file)).iter_batches(columns=columns)

    return arrow_table(path, schema, batches, layout)


def arrow_table(
    path: Path, schema: pa.Schema, batches: Callable[[list[str]], Iterable[pa.RecordBatch]], layout: Layout
) -> Table:
    """The rows of Arrow batches with this ``schema``, of which ``batches(columns)`` gives the columns asked for.

    ``path`` is named in messages. Raises UserError as ``read_table`` does.
    """
    text, label = (_arrow_column(path, schema, name) for name in (layout.text, layout.label))
    names = class_names(schema.metadata, label)
    beside = beside_label(layout, schema.names)
    wanted = [text, label, *([(beside,)] if beside else ())]

    def records() -> Iterator[Record]:
        row = 0
        for batch in batches(sorted({first for first, *_ in wanted})):
            with complete_parquet(path):  # Arrow checks strings only here
                columns = [nested(batch, each).to_pylist() for each in wanted]
            for value, label_value, *spelling in zip(*columns, strict=True):
                row += 1
                word = named_word(word_of(label_value, path, row), names, path, row)
                yield row, text_of(value, path, row), word
                if spelling and isinstance(spelling[0], str):
                    spelt.setdefault(word, set()).add(spelling[0])

    spelt: dict[str, set[str]] = {}
    return Table(records(), schema_columns(schema), names, spelt)


def _seekable(file: Opened) -> Any:
    """Parquet is read from its end, so a compressed one is unpacked first."""
    return file.raw if file.stream is file.raw else pa.BufferReader(file.stream.read())


def _arrow_column(path: Path, schema: pa.Schema, name: str | int) -> tuple[str, ...]:
    if found := parquet_field(path, schema, str(name)):
        return found
    raise no_column(path, schema_columns(schema), name)
