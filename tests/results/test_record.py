"""The record on disk: complete or absent, strict JSON, and honest about what it cannot read."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.example_result import example_result

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import write_atomically
from sentiment_transfer.results.predictions import Predictions, read_predictions, write_predictions
from sentiment_transfer.results.record import is_finished, read_result, write_result

BINARY = ("negative", "positive")


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    result = example_result()
    assert not is_finished(tmp_path / "run")
    write_result(tmp_path / "run", result)
    assert is_finished(tmp_path / "run")
    assert read_result(tmp_path / "run") == result
    assert files_in(tmp_path / "run") == ["result.json"]


def test_keys_keep_their_order_and_japanese_stays_readable(tmp_path: Path) -> None:
    result = example_result()
    result["unavailable"] = {"csv": "評価.csv がありません"}
    text = write_result(tmp_path, result).read_text(encoding="utf-8")
    assert list(json.loads(text)) == list(result)
    assert "評価.csv" in text


def test_command_line_that_is_not_utf8_is_still_recorded(tmp_path: Path) -> None:
    result = example_result()
    result["command"] = [os.fsdecode(b"path=\xff.csv")]
    write_result(tmp_path, result)
    assert read_result(tmp_path)["command"] == result["command"]


def test_nan_is_refused_and_the_field_named(tmp_path: Path) -> None:
    result = example_result()
    result["history"] = [{"train_loss": 0.5}, {"train_loss": float("nan")}]
    with pytest.raises(ValueError, match=r"history\[1\]\.train_loss"):
        write_result(tmp_path, result)
    assert files_in(tmp_path) == []


def test_an_unfinished_run_has_no_record(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has not finished"):
        read_result(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"schema_version": 1, "run_id"', "damaged or incomplete.*line 1"),
        (b"", "damaged or incomplete"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[1, 2]", "not the record of a run"),
        (b"{}", "no schema_version"),
        (b'{"schema_version": 2}', "lacks run_id, status"),
        (b'{"schema_version": 1}', "older version .schema 1."),
        (b'{"schema_version": 99}', "newer version.*99.*up to 2"),
    ],
)
def test_damaged_or_newer_record_is_refused_in_a_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_result(tmp_path)


def test_record_that_is_a_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "result.json").mkdir()
    with pytest.raises(UserError, match="could not be read"):
        read_result(tmp_path)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EACCES, "No permission to write"),
        (errno.EROFS, "No permission to write"),
        (errno.EIO, "could not be written"),
    ],
)
def test_failed_write_is_a_sentence_and_the_old_file_stays(tmp_path: Path, number: int, message: str) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")

    def fail_half_way(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(number, os.strerror(number))

    with pytest.raises(UserError, match=message) as raised:
        write_atomically(path, fail_half_way)
    assert str(path) in str(raised.value)
    assert path.read_text() == "old"
    assert files_in(tmp_path) == ["result.json"]


def test_interrupted_write_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")

    def interrupt(temporary: Path) -> None:
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, interrupt)
    assert path.read_text() == "old"
    assert files_in(tmp_path) == ["result.json"]


def test_file_where_a_folder_should_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(UserError, match="a file is where a folder should be"):
        write_result(tmp_path / "run", example_result())


def test_full_device_is_a_sentence(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(UserError, match="The disk is full"):
        write_atomically(tmp_path / "x", lambda _: Path("/dev/full").write_text("x" * 100_000))


def example_predictions(n: int = 4) -> Predictions:
    rng = np.random.default_rng(0)
    return Predictions(
        ids=[f"評-{index}" for index in range(n)],
        gold=np.arange(n, dtype=np.int8) % 2,
        folds=np.arange(n, dtype=np.int8),
        classes=("negative", "positive"),
        probabilities={name: rng.dirichlet((1, 1), size=n).astype(np.float32) for name in ("last", "source_dev")},
    )


def test_predictions_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = example_predictions()
    path = write_predictions(tmp_path, "written_ja", written)
    assert path == tmp_path / "predictions" / "written_ja.parquet"
    read = read_predictions(tmp_path, "written_ja")
    assert (read.ids, read.classes) == (written.ids, written.classes)
    np.testing.assert_array_equal(read.gold, written.gold)
    np.testing.assert_array_equal(read.folds, written.folds)
    assert list(read.probabilities) == ["last", "source_dev"]
    np.testing.assert_array_equal(read.probabilities["source_dev"], written.probabilities["source_dev"])


def test_prediction_columns_are_named_by_selection_and_class(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    schema = pq.read_schema(write_predictions(tmp_path, "written_ja", example_predictions()))
    assert schema.names == ["id", "gold", "fold", *(f"{s}_{c}" for s in ("last", "source_dev") for c in BINARY)]
    assert [str(type_) for type_ in schema.types] == ["string", "int8", "int8", *["float"] * 4]


def test_predictions_of_unequal_length_are_refused(tmp_path: Path) -> None:
    uneven = example_predictions()
    uneven.ids.append("one more")
    with pytest.raises(ValueError, match="length"):
        write_predictions(tmp_path, "written_ja", uneven)


def test_missing_and_damaged_predictions_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no predictions for written_ja"):
        read_predictions(tmp_path, "written_ja")
    path = write_predictions(tmp_path, "written_ja", example_predictions())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="is damaged"):
        read_predictions(tmp_path, "written_ja")
