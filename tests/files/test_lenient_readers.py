"""The lenient readers keep every row and report what the strict ones raise."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.containers import CODECS, decompressed, open_file
from sentiment_transfer.files.json_rows import json_lines, parse_json
from sentiment_transfer.files.text import TextLines, cache_folder, delimited_rows, parse_delimited


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_broken_quoting_is_one_row_with_its_reason_and_an_error_of_the_strict_reader(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'a,b\n"open"x,1\n2,3\n')
    rows = list(parse_delimited(TextLines(path), path))
    assert [(row.line, row.value is None) for row in rows] == [(1, False), (2, True), (3, False)]
    assert rows[1].content == '"open"x,1\n' and rows[1].error
    with pytest.raises(UserError, match=r"a\.csv, line 2: the row cannot be read .*quoted=false"):
        list(delimited_rows(path))


def test_contents_of_lenient_rows_are_the_bytes_of_the_file(tmp_path: Path) -> None:
    content = '\ufeffa,b\r\n"x\ny",1\n'.encode() + b"caf\xe9,2"
    path = write(tmp_path / "a.csv", content)
    rows = list(parse_delimited(TextLines(path), path))
    assert "".join(row.content for row in rows).encode("utf-8", "surrogateescape") == content
    assert [row.value for row in rows] == [["a", "b"], ["x\ny", "1"], ["caf\udce9", "2"]]


def test_a_quote_that_is_never_closed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiment_transfer.files.text.LONGEST_ROW", 5_000)
    path = write(tmp_path / "a.csv", b'a,b\n"open,1\n' + b"line\n" * 3_000)
    with pytest.raises(UserError, match="a quote in line 2 is not closed within 5,000 characters"):
        list(parse_delimited(TextLines(path), path))


@pytest.mark.parametrize(
    ("line", "reason"),
    [(b'{"text": ', "not a line of JSON"), (b"[1]", "not an object"), (b"[" * 200_000, "not a line of JSON")],
)
def test_a_line_that_is_no_object_has_a_reason_and_is_an_error_of_the_strict_reader(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    path = write(tmp_path / "a.jsonl", b'{"text": "a"}\n\n' + line + b"\n")
    good, bad = parse_json(TextLines(path))
    assert good.value == {"text": "a"}
    assert (bad.line, bad.value) == (3, None) and reason in bad.error
    with pytest.raises(UserError, match=f"line 3: {reason}"):
        list(json_lines(path))


@pytest.mark.parametrize("ending", CODECS)
def test_concatenated_members_are_one_stream(tmp_path: Path, ending: str) -> None:
    compress = CODECS[ending].compress
    path = write(tmp_path / f"a{ending}", compress(b"one\n") + compress(b"two\n"))
    assert list(TextLines(path)) == ["one\n", "two\n"]
    with open_file(path) as raw, decompressed(raw, ending) as stream:
        assert stream.read() == b"one\ntwo\n"


def test_the_position_goes_from_0_to_the_size_of_the_file(tmp_path: Path) -> None:
    lines = TextLines(write(tmp_path / "a.txt", b"line\n" * 10_000))
    assert (lines.position(), lines.total) == (0, 50_000)
    first = iter(lines)
    next(first)
    assert 0 < lines.position() < 50_000
    assert len(list(first)) == 9_999
    assert lines.position() == 50_000


def test_the_cache_folder_is_the_argument_then_the_variable_then_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_CACHE_DIR", "/somewhere")
    assert cache_folder("~/mine") == Path.home() / "mine"
    assert cache_folder() == Path("/somewhere")
    monkeypatch.delenv("SENTIMENT_CACHE_DIR")
    assert cache_folder() == Path.home() / ".cache/sentiment-transfer"
