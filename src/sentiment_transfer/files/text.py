"""Text files as rows: found, opened (compressed or not), decoded and split.

The lenient readers (``TextLines``, ``parse_delimited``) keep every row as it stands and report what is wrong with it;
the strict ones (``text_lines``, ``delimited_rows``) are the same readers, and raise UserError with the file and the
line.
"""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Generic, NamedTuple, TypeVar

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.containers import (
    BROKEN_STREAM,
    CODECS,
    opened,
    refuse_other_content,
    require_file,
)
from sentiment_transfer.files.encodings import BOM, advice, bytes_of, iconv, marked_encoding

STDIN = "-"
LONGEST_FIELD = 2**31 - 1  # characters; Python's own limit of 131,072 refuses a 2 MB review
ENCODING_SAMPLE = 256_000  # bytes that an encoding is guessed from
LONGEST_ROW = 64_000_000  # characters: a quote that is never closed would take in the rest of the file

T = TypeVar("T")


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


class TextLines:
    """The lines of a text file, or of standard input (``-``), line ends kept.

    A byte order mark names the encoding (and stays, if it is UTF-8's), else ``encoding`` does, else it is UTF-8. Bytes
    that are not in it become lone surrogates, which ``encode("utf-8", "surrogateescape")`` turns back. Every iteration
    starts at the beginning, except on standard input. Raises UserError if the file does not exist, is empty, is no
    text, or is compressed and damaged.

    Attributes:
        total: the file's size in bytes; None for standard input.
        encoding: that of the file, by Python's name, once its first line has been read.
    """

    def __init__(self, path: str | Path, encoding: str | None = None) -> None:
        self.path = path
        self.total: int | None = None
        self.encoding = "utf-8"
        self._given = encoding
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
        number = 0  # of the last line that could be read
        try:
            for line in self._of_stdin() if self.path == STDIN else self._of_file():
                number += 1
                yield line
        except UnicodeError as error:  # UTF-16 without a mark raises no UnicodeDecodeError
            reason = error.reason if isinstance(error, UnicodeDecodeError) else error
            raise UserError(
                f"{self.path} is not {self.encoding} after line {number}: {reason}. It is damaged, or encoding= names "
                "another encoding than its own."
            ) from error
        except BROKEN_STREAM as error:
            raise UserError(
                f"{self.path} is damaged or was cut off after line {number} ({error}). Copy or download it again."
            ) from error

    def _of_stdin(self) -> Iterator[str]:
        for number, line in enumerate(sys.stdin.buffer):
            if number == 0 and marked_encoding(line) == "utf-16":
                raise UserError(f"{self.path} is UTF-16, not UTF-8. Convert it: iconv -f UTF-16 -t UTF-8")
            yield line.decode("utf-8", "surrogateescape")

    def _of_file(self) -> Iterator[str]:
        with opened(Path(self.path)) as (self._raw, stream, start):
            refuse_other_content(self.path, start)
            self.encoding = marked_encoding(start) or self._given or "utf-8"
            if self.encoding == "utf-8":
                for line in stream:
                    yield line.decode("utf-8", "surrogateescape")
            else:
                with io.TextIOWrapper(stream, self.encoding, errors="surrogateescape", newline="\n") as lines:
                    yield from lines


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
                yield RawRow(number, line, (kept.lstrip(BOM) if number == 1 else kept).split(delimiter))
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
        yield line.lstrip(BOM) if number == 1 else line


def text_lines(path: Path, encoding: str | None = None) -> Iterator[str]:
    """The lines of a text file, line ends kept, without a byte order mark.

    Raises UserError with line and byte for bytes that are not in the encoding (UTF-8, if neither a byte order mark nor
    ``encoding`` names one), naming one that fits, or for a NUL character; and as ``TextLines`` does.
    """
    lines = TextLines(path, encoding)
    for number, line in enumerate(lines, 1):
        if number == 1:
            line = line.lstrip(BOM)
        if "\0" in line:
            byte = len(line[: line.index("\0")].encode("utf-8", "surrogateescape")) + 1
            raise UserError(
                f"{path}, line {number}, byte {byte}: a NUL byte. The file is damaged or UTF-16; for the latter type "
                f"encoding=utf-16-le (or utf-16-be) for a file of your own, or convert it: {iconv('UTF-16', path)}"
            )
        try:
            line.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"{path}, line {number}, byte {len(line[: error.start].encode()) + 1}: "
                f"0x{ord(line[error.start]) - 0xDC00:02x} is not {lines.encoding.upper()}. "
                + advice(path, _sample(path, line, lines.encoding), lines.encoding)
            ) from error
        yield line


def _sample(path: Path, line: str, encoding: str) -> bytes:
    """Whole lines from the start of a file; a later ``line`` alone, where it is the first that is not ASCII."""
    with opened(path) as file:
        start: bytes = file.stream.read(ENCODING_SAMPLE)
    start = start[: start.rfind(b"\n") + 1] or start
    return bytes_of(line, encoding) if start.isascii() else start


def delimited_rows(
    path: Path, *, delimiter: str = ",", quoted: bool = True, encoding: str | None = None, preamble: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """``(line, fields)`` of every row that is not blank, as ``parse_delimited`` splits them, after ``preamble`` rows.

    Raises UserError for an empty file, broken quoting, and a row with another number of fields than the first.
    """
    width = 0
    rows = parse_delimited(text_lines(path, encoding), path, delimiter=delimiter, quoted=quoted)
    for row in islice(rows, preamble, None):
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
