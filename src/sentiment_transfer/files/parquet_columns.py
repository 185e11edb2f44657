"""A column of a Parquet file, or a field inside a struct column, by the name that the user typed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.columns import column_of, field_path
from sentiment_transfer.files.containers import BROKEN_STREAM


def parquet_field(path: str | Path, schema: pa.Schema, name: str) -> tuple[str, ...] | None:
    """The column called ``name`` and the fields inside it, as the file spells them; None if there is none.

    Raises UserError if several columns have the name.
    """
    index = column_of(path, schema.names, name)
    if index is not None:
        return (schema.names[index],)
    first, *inside = field_path(name, schema.names)
    if not inside or column_of(path, schema.names, first) is None:
        return None
    kind = schema.field(first).type
    for part in inside:
        if not pa.types.is_struct(kind) or kind.get_field_index(part) < 0:
            return None
        kind = kind.field(part).type
    return (first, *inside)


def schema_columns(schema: pa.Schema) -> list[str]:
    """The names of all columns, with those of the fields in structs as ``review.text``."""
    return [name for each in schema for name in _names(each)]


def _names(field: pa.Field) -> Iterator[str]:
    if not pa.types.is_struct(field.type) or not field.type.num_fields:
        yield field.name
        return
    for index in range(field.type.num_fields):
        yield from (f"{field.name}.{name}" for name in _names(field.type.field(index)))


def nested(batch: pa.RecordBatch, path: tuple[str, ...]) -> Any:
    """The array of a column, or of a field inside it, with null where the struct around it is null."""
    column = batch.column(batch.schema.get_field_index(path[0]))
    return pc.struct_field(column, list(path[1:])) if path[1:] else column


@contextmanager
def complete_parquet(path: str | Path) -> Iterator[None]:
    """Raises UserError for what Arrow and the decompression raise while they read ``path``."""
    try:
        yield
    except UnicodeDecodeError as error:  # Arrow does not check strings
        raise UserError(
            f"{path} holds text that is not UTF-8 ({error.reason}), so it was written wrongly. Create it again."
        ) from error
    except (pa.ArrowException, *BROKEN_STREAM) as error:
        raise UserError(f"{path} is not a complete Parquet file ({error}). Copy or create it again.") from error
