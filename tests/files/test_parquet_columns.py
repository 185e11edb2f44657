from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.parquet_columns import parquet_field, schema_columns
from sentiment_transfer.files.records import Layout, read_table

INNER = pa.struct([("text", pa.string()), ("of", pa.struct([("stars", pa.int8())]))])
SCHEMA = pa.schema([("id", pa.int8()), ("review", INNER), ("a.b", pa.string()), ("Text ", pa.string())])


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("id", ("id",)),
        ("text", ("Text ",)),
        ("a.b", ("a.b",)),
        ("review.text", ("review", "text")),
        ("review.of.stars", ("review", "of", "stars")),
        ("review", ("review",)),
        ("review.none", None),
        ("id.text", None),
        ("none.text", None),
        (".", None),
    ],
)
def test_a_field_is_found_by_the_names_on_its_way(name: str, found: tuple[str, ...] | None) -> None:
    assert parquet_field("a.parquet", SCHEMA, name) == found


def test_the_columns_of_a_schema_are_those_with_values() -> None:
    assert schema_columns(SCHEMA) == ["id", "review.text", "review.of.stars", "a.b", "Text "]


def test_nulls_on_the_way_are_blank_and_dots_are_no_harm(tmp_path: Path) -> None:
    rows = [{"text": "fine", "of": {"stars": 5}}, None, {"text": None, "of": None}]
    pq.write_table(pa.table({"a.b": ["x", "y", "z"], "review": pa.array(rows, INNER)}), tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet", Layout("review.text", "review.of.stars"))
    assert list(table.records) == [(1, "fine", "5"), (2, "", ""), (3, "", "")]
    assert [text for _, text, _ in read_table(tmp_path / "a.parquet", Layout("a.b", "a.b")).records] == ["x", "y", "z"]


def test_strings_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    column = pa.Array.from_buffers(pa.string(), 1, pa.array([b"caf\xe9"]).buffers())
    pq.write_table(pa.table({"text": column, "label": [1]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="holds text that is not UTF-8"):
        list(read_table(tmp_path / "a.parquet", Layout("text", "label")).records)
