"""DataFrames as files of the user's own: written into the cache, named by what is in them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_transfer.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "tables"
DIGITS = 16  # of the hash


def is_table(value: Any) -> bool:
    """Whether a value is meant as a table: neither a name, a path nor options."""
    if hasattr(value, "with_format"):  # a DatasetDict is a dict
        return True
    return not (value is None or isinstance(value, str | os.PathLike | Mapping | list | tuple | int | float | bool))


def stored_table(table: Any, name: str, text: str, label: str, cache_dir: str) -> str:
    """The path of the Parquet file with the columns ``text`` and ``label`` of a table, written where it is missing.

    ``name`` is the dataset's, e.g. ``targets.shop``. The path begins as ``cache_dir`` does, with ``~`` where that has
    it: it is part of what names a run. Raises UserError for an object that is no table and for columns that it lacks,
    naming those that it has.
    """
    import pyarrow.parquet as pq

    from sentiment_transfer.files.atomic import write_atomically
    from sentiment_transfer.files.names import file_name

    arrow = _columns_needed(table, Path(name), text, label)
    stem = file_name(name.partition(".")[2] or name, "a dataset")
    path = f"{cache_dir.rstrip('/')}/{FOLDER}/{stem}-{content_hash(arrow)}.parquet"
    place = Path(path).expanduser()
    if not place.is_file():
        write_atomically(place, lambda temporary: pq.write_table(arrow, temporary, compression="zstd"))
    return path


def _columns_needed(table: Any, name: Path, text: str, label: str) -> pa.Table:
    """The columns that reviews are read from, with the names that a dataset of the hub gives to its labels."""
    import pyarrow as pa

    from sentiment_transfer.data.table_reviews import as_arrow, part_of
    from sentiment_transfer.files.parquet_columns import parquet_field
    from sentiment_transfer.files.records import SPELT, Layout

    names = [text, label, *(f"{label}{ending}" for ending in SPELT)]
    if type(table).__module__.partition(".")[0] == "pandas" and {text, label} <= set(table.columns):
        # Other columns may hold what Arrow has no type for.
        table = table[[column for column in dict.fromkeys(names) if column in table.columns]]
    arrow = as_arrow(table, name)
    if arrow.num_rows == 0:
        raise UserError(f"{name} is a table without rows.")
    part_of(table, name, Layout(text, label))
    roots = {found[0] for each in names if (found := parquet_field(name, arrow.schema, each))}
    arrow = arrow.select([column for column in arrow.column_names if column in roots])
    fields = [
        each.with_type(pa.large_string()) if pa.types.is_string_view(each.type) else each for each in arrow.schema
    ]
    metadata = {key: value for key, value in (arrow.schema.metadata or {}).items() if key != b"pandas"}
    return arrow.cast(pa.schema(fields, metadata))


def content_hash(arrow: pa.Table) -> str:
    """Of the values and the names of their columns, not of how the table holds them."""
    import xxhash

    digest = xxhash.xxh3_128(json.dumps(arrow.column_names).encode())
    digest.update(str(sorted((arrow.schema.metadata or {}).items())).encode())
    for batch in arrow.to_batches(10_000):
        for row in batch.to_pylist():
            digest.update((json.dumps(row, default=str) + "\n").encode())
    return digest.hexdigest()[:DIGITS]
