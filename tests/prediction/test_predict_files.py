"""predict.py keeps every row and column of every kind of file, in order, and adds what it says."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.helpers.labelled_files import TEXTS, predicted, read_csv, write_csv

from sentiment_transfer import load

ADDED = ["label", "probability_negative", "probability_positive", "reason"]


def test_csv_keeps_its_bytes_and_gets_columns(model_folder: Path, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", 300)
    predicted(model_folder, source, tmp_path / "out.csv")
    before, after = read_csv(source), read_csv(tmp_path / "out.csv")
    assert list(after[0]) == ["id", "text", "note, quoted", *ADDED]
    assert [{name: row[name] for name in before[0]} for row in after] == before
    answers = load(model_folder).predict([row["text"] for row in before])
    assert [row["label"] for row in after] == [answer.label or "" for answer in answers]
    for row, answer in zip(after, answers, strict=True):
        assert row["reason"] == answer.reason
        if answer.label:
            assert float(row["probability_positive"]) == pytest.approx(answer.probabilities["positive"], abs=0.02)
    assert [row["reason"] for row in after].count("empty text") == 3
    assert not list(tmp_path.glob(".*"))


def test_line_ends_marks_and_odd_rows_stay(model_folder: Path, tmp_path: Path) -> None:
    good = b'\xef\xbb\xbfid;text\r\n1;"lovely; ""very"""\r\n\r\n'
    content = good + b'2;caf\xe9\r\n3;a;b\r\n4\r\n5;"open"x\r\n6;last without an end'
    (tmp_path / "in.csv").write_bytes(content)
    predicted(model_folder, tmp_path / "in.csv", tmp_path / "out.csv", 'delimiter=";"')
    lines = (tmp_path / "out.csv").read_bytes().split(b"\r\n")
    assert lines[0] == b"\xef\xbb\xbfid;text;label;probability_negative;probability_positive;reason"
    assert lines[1].startswith(b'1;"lovely; ""very""";') and lines[1].endswith(b";") and b"tive" in lines[1]
    assert lines[2] == b"2;caf\xe9;;;;undecodable text"
    assert lines[3] == b'"3;a;b";;;;;3 fields where the first row has 2'
    assert lines[4] == b"4;;;;;1 fields where the first row has 2"
    assert lines[5] == b'"5;""open""x";;;;;broken quoting'
    assert lines[6].startswith(b"6;last without an end;")
    assert lines[7:] == [b""]


def test_tsv_is_unquoted_and_may_have_no_header(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in.tsv").write_text('lovely "food\t1\nawful\t2\n')
    predicted(model_folder, tmp_path / "in.tsv", tmp_path / "out.tsv", "header=false", "text=0")
    rows = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()]
    assert [row[:2] for row in rows] == [['lovely "food', "1"], ["awful", "2"]]
    assert all(row[2] in ("negative", "positive") and len(row) == 6 for row in rows)


def test_json_lines_keep_their_writing(model_folder: Path, tmp_path: Path) -> None:
    lines = [
        '{"body": "lovely", "n": 1.50, "deep": {"a": [1, 2.0]}}',
        '{"body": "", "n": 1e3}',
        '{"n": 12345678901234567890}',
        "",
        '{"body": 7}',
        '{"body": "awful", "later": null }  ',
        "[1, 2]",
        '{"body": "cut of',
        '{"body": "half \\ud83d"}',
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    predicted(model_folder, tmp_path / "in.jsonl", tmp_path / "out.jsonl", "text=body")
    out = (tmp_path / "out.jsonl").read_text().splitlines()
    assert out[0].startswith(lines[0][:-1] + ', "label": "')
    assert out[1] == (
        '{"body": "", "n": 1e3, "label": null, "probability_negative": null, "probability_positive": null, '
        '"reason": "empty text"}'
    )
    assert out[2].startswith('{"n": 12345678901234567890, "label": null')
    rows = [json.loads(line) for line in out]
    assert [row["reason"] for row in rows] == [
        None,
        "empty text",
        "no text",
        "not text",
        None,
        "not a JSON object",
        "not a JSON object",
        "undecodable text",
    ]
    assert rows[5]["line"] == "[1, 2]"


def test_parquet_keeps_types_and_metadata(model_folder: Path, tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array(range(9_000), pa.int16()),
            "text": pa.array([None if n % 50 == 0 else TEXTS[n % 5] for n in range(9_000)], pa.large_string()),
            "tags": pa.array([[n, n + 1] for n in range(9_000)], pa.list_(pa.int32())),
            "kind": pa.array(["a" if n % 2 else "b" for n in range(9_000)]).dictionary_encode(),
        }
    ).replace_schema_metadata({"made": "by hand"})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=2_500)
    predicted(model_folder, tmp_path / "in.parquet", tmp_path / "out.parquet")
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.select(table.schema.names).equals(table)
    assert out.schema.names == [*table.schema.names, *ADDED]
    assert out.schema.metadata[b"made"] == b"by hand"
    assert out["label"].null_count == out["probability_positive"].null_count == 180
    assert out["reason"].drop_null().unique().to_pylist() == ["empty text"]


@pytest.mark.parametrize(
    ("ending", "unpacked"),
    [
        (".gz", gzip.decompress),
        (".xz", lzma.decompress),
        (".bz2", bz2.decompress),
        (".zst", lambda content: pa.input_stream(pa.py_buffer(content), compression="zstd").read()),
    ],
)
def test_compressed_files_are_read_and_written(
    model_folder: Path, tmp_path: Path, ending: str, unpacked: Callable[[bytes], bytes]
) -> None:
    from sentiment_transfer.files.containers import CODECS

    source = write_csv(tmp_path / "in.csv", 9_000)  # several windows, each a member of its own
    packed = tmp_path / f"in.csv{ending}"
    packed.write_bytes(CODECS[ending].compress(source.read_bytes()))
    predicted(model_folder, source, tmp_path / "out.csv")
    predicted(model_folder, packed, tmp_path / f"out.csv{ending}")
    assert unpacked((tmp_path / f"out.csv{ending}").read_bytes()) == (tmp_path / "out.csv").read_bytes()


def test_lines_come_and_go_through_pipes(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("lovely\n\n最悪\tでした\n\xff".encode())))
    predicted(model_folder, Path("-"), Path("-"))
    written = capsysbinary.readouterr()
    rows = [line.split("\t") for line in written.out.decode().splitlines()]
    assert [row[0] for row in rows] == ["lovely", "", "最悪", "ÿ"]
    assert rows[1] == ["", "", "", "", "empty text"]
    assert rows[0][1] in ("negative", "positive")
    assert b"4 rows in standard output" in written.err


def test_the_summary_counts_and_keeps_the_honesty_labels(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predicted(model_folder, write_csv(tmp_path / "in.csv", 100), tmp_path / "out.csv")
    said = capsys.readouterr().out
    assert "100 rows in" in said and "1 without a label (1 empty text)" in said
    assert "TRAINED FROM SCRATCH" in said
