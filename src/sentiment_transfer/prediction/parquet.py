"""Parquet files: read batch by batch; the output is kept as Arrow streams, which become one file at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.columns import repeated
from sentiment_transfer.files.containers import START, open_file, refuse_other_content
from sentiment_transfer.files.parquet_columns import nested, parquet_field, schema_columns
from sentiment_transfer.files.records import PARQUET
from sentiment_transfer.prediction.text_formats import no_rows, no_text_column
from sentiment_transfer.prediction.windows import ROWS, Answers, Columns, Window

ROW_GROUP = 64_000_000  # bytes in memory of what becomes one row group


class Parquet:
    """A table whose column ``text`` holds strings. Raises UserError for a file without rows or without the column."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        if Path(path).is_file() and not Path(path).stat().st_size:
            raise UserError(f"{path} is empty.")
        with open_file(Path(path)) as start:
            refuse_other_content(path, start.read(START), PARQUET)
        with self._opened() as file:
            self.total: int | None = file.metadata.num_rows
            schema = file.schema_arrow
        self.names = list(schema.names)
        self._metadata = schema.metadata
        if twice := repeated(self.names):
            raise UserError(
                f"{path} has several columns called {twice[0]!r}, which cannot be told apart. Rename all but one of "
                "them, e.g. with rename_columns of a pyarrow table."
            )
        if (column := parquet_field(path, schema, text)) is None:
            raise no_text_column(path, text, schema_columns(schema))
        self.column = column
        kind = schema.field(column[0]).type
        for part in column[1:]:
            kind = kind.field(part).type
        if not is_text(kind):
            inside = f"Name a field in it, such as text={text}.{kind.field(0).name}" if is_filled(kind) else ""
            raise UserError(
                f"The column {text} of {path} holds {shortened(kind)}, not text. "
                f"{inside or 'Name another one with text='}."
            )
        if not self.total:
            raise no_rows(path)

    def windows(self, skip: int) -> Iterator[Window]:
        seen = 0
        try:
            with self._opened() as file:
                for batch in file.iter_batches(batch_size=ROWS):
                    seen += len(batch)
                    if len(left := batch.slice(max(0, len(batch) - max(0, seen - skip)))):
                        texts = strings(nested(left, self.column))
                        yield Window(texts, [""] * len(left), left, seen)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise UserError(f"{self.path} is damaged after row {seen:,} ({error}). Copy or create it again.") from error

    def render(self, window: Window, answers: Answers, columns: Columns, *, first: bool) -> bytes:
        batch: pa.RecordBatch = window.content
        batch = batch.append_column(columns.label, pa.array(answers.labels, pa.string()))
        for name, values in zip(columns.probabilities, answers.probabilities.T, strict=True):
            batch = batch.append_column(name, pa.array(values, pa.float32(), from_pandas=True))  # NaN is null
        reasons = [reason or None for reason in answers.reasons]
        batch = batch.append_column(columns.reason, pa.array(reasons, pa.string()))
        batch = batch.replace_schema_metadata(self._metadata)
        buffer = pa.BufferOutputStream()
        with pa.ipc.new_stream(buffer, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
            stream.write_batch(batch)
        return buffer.getvalue().to_pybytes()

    def _opened(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"{self.path} is not a complete Parquet file ({error}). Copy or create it again."
            ) from error


def join(streams: Path, size: int, path: Path) -> None:
    """Write the Arrow streams in the first ``size`` bytes of the file ``streams``, one after the other, as Parquet."""
    writer: pq.ParquetWriter | None = None
    waiting: list[pa.Table] = []
    try:
        with pa.OSFile(str(streams)) as file:
            while file.tell() < size:
                with pa.ipc.open_stream(file) as stream:
                    waiting.append(stream.read_all())
                writer = writer or pq.ParquetWriter(path, waiting[0].schema, compression="zstd")
                if file.tell() >= size or sum(table.nbytes for table in waiting) > ROW_GROUP:
                    writer.write_table(pa.concat_tables(waiting))
                    waiting = []
    finally:
        if writer is not None:
            writer.close()


def is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in (*tests, pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view))


def is_filled(kind: pa.DataType) -> bool:
    return bool(pa.types.is_struct(kind) and kind.num_fields)


def shortened(kind: pa.DataType) -> str:
    """A type's name; of a struct, which may have hundreds of fields, no more than that it is one."""
    return "objects (a struct)" if pa.types.is_struct(kind) else str(kind)


def strings(column: Any) -> list[object]:
    """The column's texts; bytes that are not UTF-8, which Arrow does not check, become lone surrogates."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    values = column.cast(pa.large_binary()).to_pylist()
    return [None if value is None else value.decode("utf-8", "surrogateescape") for value in values]
