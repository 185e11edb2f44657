"""Files as rows: opened (compressed or not), decoded and split, with the file and the line in every complaint."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from sentiment_transfer.errors import UserError

COMPRESSIONS = (".gz", ".xz", ".bz2", ".zst")
LONGEST_FIELD = 2**31 - 1  # characters; Python's own limit of 131,072 refuses a 2 MB review
BROKEN_STREAM = (EOFError, OSError, lzma.LZMAError, zlib.error, pa.ArrowInvalid)


def data_folder(data_dir: str | Path | None) -> Path:
    """Where dataset files are looked for: ``data_dir``, else SENTIMENT_DATA_DIR, else ``./data``."""
    return Path(data_dir or os.environ.get("SENTIMENT_DATA_DIR") or "data").expanduser()


def find_file(folder: Path, names: Sequence[str]) -> Path | None:
    """The first of ``names`` that lies in ``folder``, as it is or compressed; None where none does."""
    candidates = (folder / (name + ending) for name in names for ending in ("", *COMPRESSIONS))
    return next((path for path in candidates if path.is_file()), None)


def kind_of(path: Path) -> str:
    """The ending without the compression: ``.csv`` for ``reviews.CSV.xz``."""
    plain = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    return plain.suffix.lower()


def refuse_no_file(path: Path) -> None:
    """Raises UserError for a folder, or for nothing at all."""
    if path.is_dir():
        raise UserError(f"{path} is a folder. Name the file in it, or a pattern such as {path}/*.csv.")
    if not path.exists():
        raise UserError(f"{path} does not exist. Check the path; relative ones start at {Path.cwd()}.")


def open_binary(path: Path) -> BinaryIO:
    """A file for reading, decompressed on the way. Raises UserError where there is none."""
    refuse_no_file(path)
    try:
        return decompressed(path, path.suffix)
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {error.strerror or error}.") from error


def decompressed(source: Path | BinaryIO, ending: str) -> BinaryIO:
    """A file's content, decompressed as the ``ending`` says; an open ``source`` is the caller's to close."""
    match ending.lower():
        case ".gz":
            return cast(BinaryIO, gzip.open(source))
        case ".xz":
            return cast(BinaryIO, lzma.open(source))
        case ".bz2":
            return cast(BinaryIO, bz2.open(source))
        case ".zst":
            return cast(BinaryIO, io.BufferedReader(pa.input_stream(source, compression="zstd")))
        case _:
            return source.open("rb") if isinstance(source, Path) else source


def text_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, line ends kept, a byte order mark removed.

    Raises UserError with line and byte for another encoding, NUL bytes or a compressed file that ends early.
    """
    number = 0
    try:
        with open_binary(path) as stream:
            for number, line in enumerate(stream, 1):
                yield decode(line, path, number)
    except BROKEN_STREAM as error:
        raise UserError(
            f"{path} is damaged or was cut off (after line {number}): {error}. Copy or download it again."
        ) from error


def decode(line: bytes, path: Path, number: int) -> str:
    if number == 1:
        if line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UserError(f"{path} is UTF-16, not UTF-8. Convert it: {iconv('UTF-16', path)}")
        line = line.removeprefix(b"\xef\xbb\xbf")
    if (byte := line.find(b"\0")) >= 0:
        raise UserError(
            f"{path}, line {number}, byte {byte + 1}: a NUL byte. The file is damaged or UTF-16; "
            f"for the latter: {iconv('UTF-16', path)}"
        )
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}, line {number}, byte {error.start + 1}: 0x{line[error.start]:02x} is not UTF-8. "
            f"Convert the file (from WINDOWS-1252, SHIFT_JIS or what it is in): {iconv('WINDOWS-1252', path)}"
        ) from error


def iconv(encoding: str, path: Path) -> str:
    return f"iconv -f {encoding} -t UTF-8 {path.name} > utf8-{path.name}"


def delimited_rows(path: Path, *, delimiter: str = ",", quoted: bool = True) -> Iterator[tuple[int, list[str]]]:
    """``(line, fields)`` of every row that is not blank; ``line`` is where the row starts, from 1.

    With ``quoted`` the usual CSV rules hold (a field may be quoted and then hold line ends, a quote is doubled);
    without, a line is a row and quotes are text. Raises UserError for an empty file, a row with another number
    of fields than the first, and broken quoting.
    """
    width = 0
    for line, row in quoted_rows(path, delimiter) if quoted else plain_rows(path, delimiter):
        width = width or len(row)
        if len(row) != width:
            raise UserError(
                f"{path}, line {line}: {len(row)} fields, where the first row has {width}. "
                + ("Quote fields that hold the delimiter." if quoted else "The delimiter must not occur in the text.")
            )
        yield line, row
    if not width:
        raise UserError(f"{path} is empty.")


def quoted_rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(text_lines(path), delimiter=delimiter, strict=True)
    start = 1
    try:
        for row in reader:
            if row:
                yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}, line {start}: the row cannot be read ({error}). A quote inside a quoted field is doubled; "
            "for a file whose quotes are plain text pass quoted=false."
        ) from error


def plain_rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for line, text in enumerate(text_lines(path), 1):
        if text := text.rstrip("\r\n"):
            yield line, text.split(delimiter)


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """``(line, record)`` of every line that is not blank. Raises UserError for an empty file or a broken line."""
    line = 0
    for line, text in enumerate(text_lines(path), 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
            if "\\ud" in text or "\\uD" in text:  # half a surrogate pair is JSON, but no text
                json.dumps(record, ensure_ascii=False).encode()
        except (json.JSONDecodeError, UnicodeEncodeError) as error:
            raise UserError(f"{path}, line {line}: not a line of JSON ({error}).") from error
        if not isinstance(record, dict):
            raise UserError(f'{path}, line {line}: not an object such as {{"text": ..., "label": ...}}.')
        yield line, record
    if not line:
        raise UserError(f"{path} is empty.")
