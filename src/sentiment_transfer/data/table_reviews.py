"""A table in a program as a dataset: pandas, pyarrow, datasets, or anything that gives an Arrow stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from sentiment_transfer.config.dataset import DatasetConfig
from sentiment_transfer.data.base import Split
from sentiment_transfer.data.own_options import TableConfig
from sentiment_transfer.data.own_reviews import OwnReviews, Part
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.records import Layout, Table, arrow_table

BATCH = 1_000  # rows


class TableDataModule(OwnReviews):
    """Reviews from a table; the options are described at ``TableConfig``.

    ``TableDataModule(frame, text="review", label="stars", language="ja", test_fraction=1.0)``

    Args:
        table: a pandas DataFrame, a pyarrow Table, a datasets.Dataset, or another object with ``__arrow_c_stream__``,
            such as a polars DataFrame. Its rows are the training rows, and those that fractions are cut from.
        dev, test: such tables with the same columns, in place of the fractions.

    Raises UserError where a table is none, or lacks a column: with the names of those that it has.
    """

    schema: ClassVar[type[DatasetConfig]] = TableConfig
    ways_to_a_split = "Give it a fraction, or a table (dev, test)."

    def __init__(
        self, table: Any, *args: Any, dev: Any = None, test: Any = None, name: str = "table", **options: Any
    ) -> None:
        super().__init__(*args, name=name, **options)
        self.tables: dict[Split, Any] = {"train": table, "dev": dev, "test": test}
        for split in ("train", "dev", "test"):
            for _ in self.parts(split):  # a column that is missing is reported here, where the table was given
                pass

    typed = False

    @property
    def origin(self) -> str:
        return "the table"

    def local_files(self) -> list[Path]:
        return []

    def is_cut(self, split: Split) -> bool:
        return self.tables[split] is None

    def parts(self, split: Split) -> Iterator[Part]:
        if self.tables[split] is not None:
            name = Path(f"the {split} table" if split != "train" else "the table")
            yield part_of(self.tables[split], name, Layout(self.config.text, self.config.label))


def part_of(table: Any, name: Path, layout: Layout) -> Part:
    """The rows of a table; ``name`` stands for it in messages, and its last part in the reviews' ids.

    Raises UserError for an object that is no table, and for a column that it lacks.
    """
    if hasattr(table, "with_format") and hasattr(table, "features"):  # a datasets.Dataset, or several of them
        if not hasattr(table, "select_columns") or not hasattr(table.features, "arrow_schema"):
            raise _no_table(table, name)
        return name, _of_dataset(table, name, layout)
    arrow = as_arrow(table, name)
    return name, arrow_table(name, arrow.schema, lambda columns: arrow.select(columns).to_batches(BATCH), layout)


def _of_dataset(dataset: Any, name: Path, layout: Layout) -> Table:
    def batches(columns: list[str]) -> Iterator[pa.RecordBatch]:
        for rows in dataset.select_columns(columns).with_format("arrow").iter(BATCH):
            yield from rows.to_batches()

    return arrow_table(name, dataset.features.arrow_schema, batches, layout)


def as_arrow(table: Any, name: Path) -> pa.Table:
    """All of a table; ``name`` stands for it in messages. Raises UserError for an object that is no table."""
    if isinstance(table, pa.Table):
        return table
    try:
        if hasattr(table, "with_format") and hasattr(table, "features"):  # a datasets.Dataset
            metadata = table.features.arrow_schema.metadata
            return table.with_format("arrow")[:].replace_schema_metadata(metadata)
        if type(table).__module__.partition(".")[0] == "pandas" and hasattr(table, "columns"):
            return pa.Table.from_pandas(table, preserve_index=False)
        if hasattr(table, "__arrow_c_stream__"):
            return pa.table(table)
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = " ".join(map(str, error.args))
        raise UserError(f"{name} cannot be read as a table: {reason}. Give each column values of one type.") from error
    raise _no_table(table, name)


def _no_table(table: Any, name: Path) -> UserError:
    several = hasattr(table, "keys") and hasattr(table, "with_format")
    which = f" Give one of its splits: {', '.join(map(str, table.keys()))}." if several else ""
    return UserError(
        f"{name} is a {type(table).__name__}, where a pandas DataFrame, a pyarrow Table or a datasets.Dataset is "
        f"expected.{which or ' A file is read by CSVDataModule.'}"
    )
