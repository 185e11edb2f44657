"""What predict.py refuses: each a sentence, before anything is written."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.helpers.labelled_files import predicted, write_csv

from sentiment_transfer.errors import UserError


def refused(sentence: str, model: Path, source: Path, output: Path, *overrides: str) -> None:
    before = output.read_bytes() if output.is_file() else None
    with pytest.raises(UserError, match=sentence):
        predicted(model, source, output, *overrides)
    assert (output.read_bytes() if output.is_file() else None) == before
    assert not list(output.parent.glob(".*.partial"))


def test_an_output_that_exists_is_kept_unless_told(model_folder: Path, tmp_path: Path) -> None:
    source, output = write_csv(tmp_path / "in.csv", 5), tmp_path / "out.csv"
    output.write_text("mine")
    refused("exists. Type overwrite=true", model_folder, source, output)
    predicted(model_folder, source, output, "overwrite=true")
    assert output.read_text().startswith("id,text")


def test_the_input_is_never_the_output(model_folder: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", 5)
    (tmp_path / "link.csv").symlink_to(source)
    refused("are the same file", model_folder, source, source, "overwrite=true")
    refused("are the same file", model_folder, source, tmp_path / "link.csv", "overwrite=true")


def test_files_with_nothing_in_them(model_folder: Path, tmp_path: Path) -> None:
    for name, content in (("a.csv", b""), ("a.jsonl", b""), ("a.parquet", b"")):
        (tmp_path / name).write_bytes(content)
        refused("is empty", model_folder, tmp_path / name, tmp_path / f"out{Path(name).suffix}")
    (tmp_path / "b.csv").write_text("id,text\n")
    refused("has no rows", model_folder, tmp_path / "b.csv", tmp_path / "out.csv")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b""))
    refused("has no rows", model_folder, tmp_path / "b.csv.gz", tmp_path / "out.csv")


def test_a_missing_column_has_its_nearest_named(model_folder: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", 5)
    refused("no column 'txet'.*Did you mean text", model_folder, source, tmp_path / "out.csv", "text=txet")
    (tmp_path / "in.jsonl").write_text('{"body": "a"}\n')
    refused(
        "no column 'bodi'.*Did you mean body", model_folder, tmp_path / "in.jsonl", tmp_path / "o.jsonl", "text=bodi"
    )


def test_columns_that_are_there_already(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,label\nlovely,1\n")
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    refused("A column label would be added.*label_column=", model_folder, source, output)
    predicted(model_folder, source, output, "label_column=predicted")
    assert output.read_text().startswith("text,label,predicted,probability_negative")


def test_a_json_key_that_comes_later_is_not_doubled(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "lovely"}\n{"text": "awful", "reason": "mine"}\n')
    with pytest.raises(UserError, match=r"A column reason would be added.*reason_column="):
        predicted(model_folder, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_another_kind_of_output(model_folder: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", 5)
    refused("its name must end in .csv", model_folder, source, tmp_path / "out.parquet")
    refused("its name must end in .csv", model_folder, source, tmp_path / "out")
    (tmp_path / "in.xlsx").write_text("x")
    refused("the ending .xlsx is not known", model_folder, tmp_path / "in.xlsx", tmp_path / "out.xlsx")
    with pytest.raises(UserError, match="is a folder"):
        predicted(model_folder, source, tmp_path)


def test_encodings_that_are_not_utf8(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("本文,id\nよい,1\n", encoding="shift_jis")
    refused(
        "first line.*not UTF-8.*encoding=cp932.*iconv",
        model_folder,
        tmp_path / "b.csv",
        tmp_path / "out.csv",
        "text=id",
    )


def test_damaged_files(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no more")
    refused("not a complete Parquet file", model_folder, tmp_path / "a.parquet", tmp_path / "out.parquet")
    pq.write_table(pa.table({"text": [1, 2]}), tmp_path / "b.parquet")
    refused("holds int64, not text", model_folder, tmp_path / "b.parquet", tmp_path / "out.parquet")
    whole = write_csv(tmp_path / "c.csv", 9_000).read_bytes()
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(whole)[:-2_000])
    with pytest.raises(UserError, match="was cut off after line"):
        predicted(model_folder, tmp_path / "c.csv.gz", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_folder_that_cannot_be_written(model_folder: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", 5)
    with pytest.raises(UserError, match=r"cannot be written .*name another output"):
        predicted(model_folder, source, Path("/proc/out.csv"))
    with pytest.raises(UserError, match="cannot be written"):
        predicted(model_folder, source, tmp_path / "gone" / "out.csv")


def test_a_checkpoint_that_cannot_be_opened_leaves_nothing(tmp_path: Path) -> None:
    refused("contains no model", tmp_path, write_csv(tmp_path / "in.csv", 5), tmp_path / "out.csv")


def test_invalid_values(model_folder: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", 5)
    refused("precision=int3 is invalid: it must be", model_folder, source, tmp_path / "out.csv", "precision=int3")
    refused("batch_tokens=0 is invalid", model_folder, source, tmp_path / "out.csv", "batch_tokens=0")
    refused("labels=yes is not a mapping", model_folder, source, tmp_path / "out.csv", "labels=yes")
