"""Text files as rows: found, opened (compressed or not), decoded and split.

The lenient readers (``TextLines``, ``parse_delimited``, ``parse_json``) keep every row as it stands and report what
is wrong with it; the strict ones (``text_lines``, ``delimited_rows``, ``json_lines``) are the same readers, and raise
UserError with the file and the line.
"""

from __future__ import annotations

import bz2
import csv
import functools
import gzip
import io
import json
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Generic, NamedTuple, TypeVar

import pyarrow as pa

from sentiment_transfer.errors import UserError

STDIN = "-"
LONGEST_FIELD = 2**31 - 1  # characters; Python's own limit of 131,072 refuses a 2 MB review
LONGEST_ROW = 64_000_000  # characters: a quote that is never closed would take in the rest of the file
BROKEN_STREAM = (EOFError, OSError, lzma.LZMAError, zlib.error, pa.ArrowInvalid)
UTF16 = (b"\xff\xfe", b"\xfe\xff")
BOM = "\ufeff"

T = TypeVar("T")


class Codec(NamedTuple):
    """A compression: ``open`` decompresses a stream of one or more members (zstd: frames), ``compress`` makes one."""

    open: Callable[[BinaryIO], Any]
    compress: Callable[[bytes], bytes]


# Not fsspec's registry: it only reads, and its reader of .zst (zstandard 0.25) takes a truncated file for a whole one.
CODECS = {
    ".gz": Codec(gzip.open, functools.partial(gzip.compress, mtime=0)),
    ".xz": Codec(lzma.open, lzma.compress),
    ".bz2": Codec(bz2.open, bz2.compress),
    ".zst": Codec(
        lambda stream: io.BufferedReader(pa.input_stream(stream, compression="zstd")),
        lambda content: pa.compress(content, codec="zstd", asbytes=True),
    ),
}


def data_folder(data_dir: str | Path | None) -> Path:
    """The folder of the dataset files: ``data_dir``, else SENTIMENT_DATA_DIR, else ``./data``."""
    return Path(data_dir or os.environ.get("SENTIMENT_DATA_DIR") or "data").expanduser()


def cache_folder(cache_dir: str | Path | None = None) -> Path:
    """The folder of downloads, token stores and compiled kernels: ``cache_dir``, else SENTIMENT_CACHE_DIR, else
    ``~/.cache/sentiment-transfer``."""
    return Path(cache_dir or os.environ.get("SENTIMENT_CACHE_DIR") or "~/.cache/sentiment-transfer").expanduser()


def find_file(folder: Path, names: Sequence[str]) -> Path | None:
    """The first of ``names`` that exists in ``folder``, as it is or compressed; None if none does."""
    candidates = (folder / (name + ending) for name in names for ending in ("", *CODECS))
    return next((path for path in candidates if path.is_file()), None)


def kind_of(path: Path) -> str:
    """The file name's ending without the compression: ``.csv`` for ``reviews.CSV.xz``."""
    return (path.with_suffix("") if path.suffix.lower() in CODECS else path).suffix.lower()


def require_file(path: Path) -> None:
    """Raises UserError if ``path`` does not exist or is a folder."""
    if path.is_dir():
        raise UserError(f"{path} is a folder. Name the file in it, or a pattern such as {path}/*.csv.")
    if not path.exists():
        raise UserError(f"{path} does not exist. Check the path; relative ones start at {Path.cwd()}.")


def open_file(path: Path) -> BinaryIO:
    """The file, open for reading bytes. Raises UserError if it does not exist or must not be read."""
    require_file(path)
    try:
        return path.open("rb")
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {error.strerror or error}.") from error


def decompressed(stream: BinaryIO, ending: str) -> Any:
    """``stream`` as a binary stream of its decompressed content, by the file name's ``ending``; closing ``stream`` is
    left to the caller."""
    codec = CODECS.get(ending.lower())
    return codec.open(stream) if codec else stream


class TextLines:
    """The lines of a text file, or of standard input (``-``), line ends kept.

    Bytes that are not UTF-8 become lone surrogates, which ``encode("utf-8", "surrogateescape")`` turns back. Every
    iteration starts at the beginning, except on standard input. Raises UserError if the file does not exist, is empty,
    is UTF-16, or is compressed and damaged.

    Attributes:
        total: the file's size in bytes; None for standard input.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.total: int | None = None
        self._raw: BinaryIO | None = None
        if path != STDIN:
            require_file(Path(path))
            self.total = Path(path).stat().st_size
            if not self.total:
                raise UserError(f"{path} is empty.")

    def position(self) -> int:
        """Bytes read so far, before decompression: from 0 to ``total``."""
        if self._raw is None:
            return 0
        return (self.total or 0) if self._raw.closed else self._raw.tell()

    def __iter__(self) -> Iterator[str]:
        if self.path == STDIN:
            yield from self._decoded(sys.stdin.buffer)
            return
        path = Path(self.path)
        with open_file(path) as self._raw, decompressed(self._raw, path.suffix) as stream:
            yield from self._decoded(stream)

    def _decoded(self, stream: BinaryIO) -> Iterator[str]:
        number = 0
        try:
            for number, line in enumerate(stream, 1):
                if number == 1 and line.startswith(UTF16):
                    raise UserError(f"{self.path} is UTF-16, not UTF-8. Convert it: {iconv('UTF-16', self.path)}")
                yield line.decode("utf-8", "surrogateescape")
        except BROKEN_STREAM as error:
            raise UserError(
                f"{self.path} is damaged or was cut off after line {number} ({error}). Copy or download it again."
            ) from error


class RawRow(NamedTuple, Generic[T]):
    """One row of a file."""

    line: int  # where it starts, from 1
    content: str  # as it stands in the file, line end included
    value: T | None  # parsed; None if it cannot be
    error: str = ""  # the parser's reason


def parse_delimited(
    lines: Iterable[str], path: str | Path, *, delimiter: str = ",", quoted: bool = True
) -> Iterator[RawRow[list[str]]]:
    """The fields of every row that is not blank.

    With ``quoted`` the usual CSV rules hold (a field may be quoted and then hold line ends, a quote is doubled);
    without, a line is a row and quotes are text. ``path`` is named in the one error: UserError for a quote that is
    still open after LONGEST_ROW characters.
    """
    if not quoted:
        for number, line in enumerate(lines, 1):
            if kept := line.rstrip("\r\n"):
                yield RawRow(number, line, (kept.removeprefix(BOM) if number == 1 else kept).split(delimiter))
        return
    csv.field_size_limit(LONGEST_FIELD)
    held: list[str] = []  # the lines of the row at hand
    reader = csv.reader(_held(lines, held, path), delimiter=delimiter, strict=True)
    start = 1
    while True:
        fields: list[str] | None = None
        message = ""
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message = str(error)
        content, count = "".join(held), len(held)
        held.clear()
        if fields or (fields is None and content.strip()):
            yield RawRow(start, content, fields, message)
        start += count


def _held(lines: Iterable[str], held: list[str], path: str | Path) -> Iterator[str]:
    """``lines``, each also appended to ``held``: a quoted row may have many."""
    for number, line in enumerate(lines, 1):
        held.append(line)
        if len(held) % 1_000 == 0 and sum(map(len, held)) > LONGEST_ROW:
            raise UserError(
                f"{path}: a quote in line {number - len(held) + 1} is not closed within {LONGEST_ROW:,} characters. "
                "Close it, or type quoted=false if quotes are text."
            )
        yield line.removeprefix(BOM) if number == 1 else line


def parse_json(lines: Iterable[str]) -> Iterator[RawRow[dict[str, Any]]]:
    """The JSON object of every line that is not blank."""
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            record = json.loads(line.removeprefix(BOM))
        except (ValueError, RecursionError) as error:
            yield RawRow(number, line, None, f"not a line of JSON ({error})")
            continue
        if isinstance(record, dict):
            yield RawRow(number, line, record)
        else:
            yield RawRow(number, line, None, 'not an object such as {"text": ..., "label": ...}')


def text_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, line ends kept, without a byte order mark.

    Raises UserError with line and byte for another encoding or a NUL byte, and as ``TextLines`` does.
    """
    for number, line in enumerate(TextLines(path), 1):
        if number == 1:
            line = line.removeprefix(BOM)
        if "\0" in line:
            byte = len(line[: line.index("\0")].encode("utf-8", "surrogateescape")) + 1
            raise UserError(
                f"{path}, line {number}, byte {byte}: a NUL byte. The file is damaged or UTF-16; "
                f"for the latter: {iconv('UTF-16', path)}"
            )
        try:
            line.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"{path}, line {number}, byte {len(line[: error.start].encode()) + 1}: "
                f"0x{ord(line[error.start]) - 0xDC00:02x} is not UTF-8. Convert the file (from WINDOWS-1252, SHIFT_JIS "
                f"or what it is in): {iconv('WINDOWS-1252', path)}"
            ) from error
        yield line


def iconv(encoding: str, path: str | Path) -> str:
    name = Path(path).name
    return f"iconv -f {encoding} -t UTF-8 {name} > utf8-{name}"


def delimited_rows(path: Path, *, delimiter: str = ",", quoted: bool = True) -> Iterator[tuple[int, list[str]]]:
    """``(line, fields)`` of every row that is not blank, as ``parse_delimited`` splits them.

    Raises UserError for an empty file, broken quoting, and a row with another number of fields than the first.
    """
    width = 0
    for row in parse_delimited(text_lines(path), path, delimiter=delimiter, quoted=quoted):
        if row.value is None:
            raise UserError(
                f"{path}, line {row.line}: the row cannot be read ({row.error}). A quote inside a quoted field is "
                "doubled; for a file whose quotes are plain text pass quoted=false."
            )
        width = width or len(row.value)
        if len(row.value) != width:
            raise UserError(
                f"{path}, line {row.line}: {len(row.value)} fields, where the first row has {width}. "
                + ("Quote fields that hold the delimiter." if quoted else "The delimiter must not occur in the text.")
            )
        yield row.line, row.value
    if not width:
        raise UserError(f"{path} is empty.")


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """``(line, object)`` of every line that is not blank. Raises UserError for an empty file and for a line
    that is not a JSON object or holds half a surrogate pair (valid JSON, but not text)."""
    row = None
    for row in parse_json(text_lines(path)):
        error = row.error
        if row.value is not None and ("\\ud" in row.content or "\\uD" in row.content):
            try:
                json.dumps(row.value, ensure_ascii=False).encode()
            except UnicodeEncodeError as surrogate:
                error = f"not a line of JSON ({surrogate})"
        if row.value is None or error:
            raise UserError(f"{path}, line {row.line}: {error}.")
        yield row.line, row.value
    if row is None:
        raise UserError(f"{path} is empty.")
