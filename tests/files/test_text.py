from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.containers import kind_of
from sentiment_transfer.files.json_rows import json_lines
from sentiment_transfer.files.text import data_folder, delimited_rows, find_file, text_lines


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


COMPRESS = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress, ".zst": zstd}


@pytest.mark.parametrize("ending", COMPRESS)
def test_a_compressed_file_reads_like_the_plain_one(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"a.csv{ending}", COMPRESS[ending](b"text,label\nfine,1\n"))
    assert list(delimited_rows(path)) == [(1, ["text", "label"]), (2, ["fine", "1"])]


@pytest.mark.parametrize("ending", COMPRESS)
def test_a_compressed_file_that_ends_early_is_refused(tmp_path: Path, ending: str) -> None:
    content = "".join(f"{number * 7919 % 10_007},review {number}\n" for number in range(20_000)).encode()
    whole = COMPRESS[ending](content)
    path = write(tmp_path / f"a.csv{ending}", whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"damaged or was cut off"):
        list(delimited_rows(path))


def test_a_file_that_only_pretends_to_be_compressed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="damaged"):
        list(text_lines(write(tmp_path / "a.csv.gz", b"text,label\n")))


def test_byte_order_mark_and_windows_line_ends_do_not_reach_the_fields(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\ufefftext,label\r\nfine,1\r\n".encode())
    assert list(delimited_rows(path)) == [(1, ["text", "label"]), (2, ["fine", "1"])]
    assert list(delimited_rows(path, quoted=False)) == list(delimited_rows(path))


def test_another_encoding_is_refused_with_line_and_byte(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\nok,1\nun café,1\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"a\.csv, line 3, byte 7: 0xe9 is not UTF-8.*iconv -f"):
        list(delimited_rows(path))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_byte_order_mark_names_the_encoding(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.csv", '"本文","id"\r\nは\u0a00い,1\r\n'.encode(encoding))
    assert list(text_lines(path)) == ['"本文","id"\r\n', "は\u0a00い,1\r\n"]
    assert list(text_lines(path, "cp932")) == list(text_lines(path))


def test_utf16_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not utf-16 after line 0: truncated data"):
        list(text_lines(write(tmp_path / "a.csv", "text\n".encode("utf-16")[:-1])))


def test_a_nul_byte_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="line 2, byte 3: a NUL byte"):
        list(text_lines(write(tmp_path / "a.csv", b"text\nab\0c\n")))


def test_a_ragged_row_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"text,label\nfine,1\nnot, so fine,0\n")
    with pytest.raises(UserError, match="line 3: 3 fields, where the first row has 2"):
        list(delimited_rows(path))


def test_quoted_fields_hold_delimiters_line_ends_and_doubled_quotes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'text,label\n"a, ""b""\nc",1\n\nd,0\n')
    assert list(delimited_rows(path)) == [(1, ["text", "label"]), (2, ['a, "b"\nc', "1"]), (5, ["d", "0"])]


def test_a_quote_that_is_never_closed_is_refused_where_it_opens(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'text,label\nfine,1\n"oh,0\nfine,1\n')
    with pytest.raises(UserError, match="line 3: the row cannot be read"):
        list(delimited_rows(path))


def test_quotes_are_text_where_there_is_no_quoting(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", '"so so\t0\nsaid "yes"\t1\nnext\u0085line\t1\n'.encode())
    rows = [row for _, row in delimited_rows(path, delimiter="\t", quoted=False)]
    assert rows == [['"so so', "0"], ['said "yes"', "1"], ["next\u0085line", "1"]]


def test_a_two_megabyte_review_is_read(tmp_path: Path) -> None:
    long = "あ" * 700_000
    path = write(tmp_path / "a.csv", f'text,label\n"{long}",1\n'.encode())
    assert list(delimited_rows(path))[1][1][0] == long


@pytest.mark.parametrize("text", ["\U0001f600\U0001f3fd", "ｶﾞｷﾞｸﾞ", "ممتاز جدا \u200f", "e\u0301"])
def test_text_is_kept_to_the_character(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.csv", f"text,label\n{text},1\n".encode())
    assert list(delimited_rows(path))[1][1][0] == text


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    for reader in (delimited_rows, json_lines):
        with pytest.raises(UserError, match="is empty"):
            list(reader(write(tmp_path / "a.csv", b"")))  # type: ignore[operator]


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv does not exist"):
        list(text_lines(tmp_path / "none.csv"))
    with pytest.raises(UserError, match="is a folder"):
        list(text_lines(tmp_path))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b'{"text": "a"', "not a line of JSON"),
        (b"[1, 2]", "not an object"),
        (b'{"text": "\\ud83d", "label": 1}', "not a line of JSON"),
    ],
)
def test_a_broken_json_line_is_refused_with_its_number(tmp_path: Path, line: bytes, complaint: str) -> None:
    path = write(tmp_path / "a.jsonl", b'{"text": "\\ud83d\\ude00", "label": 1}\n\n' + line + b"\n")
    with pytest.raises(UserError, match=f"line 3: {complaint}"):
        list(json_lines(path))


def test_the_first_name_that_exists_is_found_compressed_or_not(tmp_path: Path) -> None:
    write(tmp_path / "b.csv.xz", b"")
    write(tmp_path / "c.csv", b"")
    assert find_file(tmp_path, ["a.csv", "b.csv", "c.csv"]) == tmp_path / "b.csv.xz"
    assert find_file(tmp_path, ["a.csv"]) is None
    assert kind_of(tmp_path / "b.CSV.xz") == ".csv"


def test_the_data_folder_comes_from_the_argument_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_DATA_DIR", "/somewhere")
    assert data_folder("/here") == Path("/here")
    assert data_folder(None) == Path("/somewhere")
    monkeypatch.delenv("SENTIMENT_DATA_DIR")
    assert data_folder(None) == Path("data")


@pytest.mark.parametrize("damage", [slice(None, 30), slice(0, 4), slice(60, None)])
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: slice) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "text,label\nfine,1\n" * 20)
    content = sink.getvalue()
    path = write(tmp_path / "a.csv.zip", b"PK\x03\x04" + content[damage])
    with pytest.raises(UserError, match=r"damaged|no whole zip"):
        list(text_lines(path))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_wrong_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(UserError, match=f"is not {encoding} after line 0"):
        list(text_lines(write(tmp_path / "a.csv", b"text,label\nfine,1\n"), encoding))
