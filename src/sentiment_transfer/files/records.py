"""A user's own file as ``(row, text, label word)``: CSV, TSV, JSON lines or Parquet, compressed or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.text import (
    BROKEN_STREAM,
    CODECS,
    decompressed,
    delimited_rows,
    json_lines,
    kind_of,
    open_file,
    require_file,
)

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
PARQUET_ENDINGS = (".parquet", ".pq")

Record = tuple[int, str, str]  # line or row from 1, text, label word (both "" for an empty field)


@dataclass(frozen=True)
class Layout:
    """The position of text and label in a file.

    Attributes:
        text, label: column names; numbers from 0 in a delimited file without a header.
        delimiter: None: by the file's ending.
        quoted: CSV quoting applies; None: yes, unless the delimiter is a tab.
    """

    text: str | int
    label: str | int
    header: bool = True
    delimiter: str | None = None
    quoted: bool | None = None


def read_records(path: Path, layout: Layout) -> Iterator[Record]:
    """The rows of a file in order. Raises UserError with file and line for anything that cannot be read."""
    require_file(path)
    kind = kind_of(path)
    if kind in JSON_ENDINGS:
        return json_records(path, layout)
    if kind in PARQUET_ENDINGS:
        return parquet_records(path, layout)
    if kind in DELIMITERS or layout.delimiter:
        return delimited_records(path, layout)
    raise UserError(
        f"{path}: the ending {kind or '(none)'} is not known. Use .csv, .tsv, .txt, .jsonl or .parquet (also "
        f"{', '.join(CODECS)}), or type delimiter=."
    )


def delimited_records(path: Path, layout: Layout) -> Iterator[Record]:
    delimiter = layout.delimiter or DELIMITERS[kind_of(path)]
    quoted = delimiter != "\t" if layout.quoted is None else layout.quoted
    rows = delimited_rows(path, delimiter=delimiter, quoted=quoted)
    first_line, first = next(rows)
    if layout.header:
        text, label = (named_column(path, first, name) for name in (layout.text, layout.label))
    else:
        text, label = (numbered_column(path, first, number) for number in (layout.text, layout.label))
        yield first_line, first[text], first[label].strip()
    for line, row in rows:
        yield line, row[text], row[label].strip()


def named_column(path: Path, columns: Sequence[str], name: str | int) -> int:
    if name not in columns:
        raise UserError(
            f"{path} has no column {name!r}. It has: {', '.join(columns)}. Set text= and label= to two of them"
            + (
                "; a file without a header takes header=false and numbers from 0."
                if kind_of(path) in DELIMITERS
                else "."
            )
        )
    return list(columns).index(str(name))


def numbered_column(path: str | Path, first: Sequence[str], number: str | int) -> int:
    """The column ``number`` of a file without a header and with this ``first`` row. Raises UserError if it has none."""
    if not str(number).isdigit() or int(number) >= len(first):
        raise UserError(
            f"{path}: column {number!r} does not exist. With header=false columns are numbers, here 0 to "
            f"{len(first) - 1}."
        )
    return int(number)


def json_records(path: Path, layout: Layout) -> Iterator[Record]:
    for line, record in json_lines(path):
        for name in (layout.text, layout.label):
            if name not in record:
                raise UserError(f"{path}, line {line}: no {name!r}. The line has: {', '.join(record)}.")
        yield line, text_of(record[str(layout.text)], path, line), word_of(record[str(layout.label)])


def parquet_records(path: Path, layout: Layout) -> Iterator[Record]:
    import pyarrow.parquet as pq

    try:
        with open_file(path) as raw, decompressed(raw, path.suffix) as stream:
            # Parquet is read from its end, so a compressed one is unpacked first.
            source = stream if path.suffix in PARQUET_ENDINGS else pa.BufferReader(stream.read())
            file = pq.ParquetFile(source)
            columns = [
                file.schema_arrow.names[named_column(path, file.schema_arrow.names, name)]
                for name in (layout.text, layout.label)
            ]
            row = 0
            for batch in file.iter_batches(columns=columns):
                for text, label in zip(batch[columns[0]].to_pylist(), batch[columns[1]].to_pylist(), strict=True):
                    row += 1
                    yield row, text_of(text, path, row), word_of(label)
    except (pa.ArrowException, *BROKEN_STREAM) as error:
        raise UserError(f"{path} is not a complete Parquet file ({error}). Copy or create it again.") from error


def text_of(value: Any, path: Path, line: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UserError(f"{path}, line {line}: the text is {value!r}, not a string.")
    return value


def word_of(value: Any) -> str:
    return "" if value is None or value != value else str(value).strip()  # NaN differs from itself
