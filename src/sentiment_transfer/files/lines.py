"""The lines of a text file or of standard input, compressed or not, byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.text import BROKEN_STREAM, decompressed, iconv, refuse_no_file

STDIN = "-"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
BOM = "\ufeff"


class Lines:
    """Iterates over decoded lines, line ends kept; bytes that are not UTF-8 become lone surrogates, which
    ``encode("utf-8", "surrogateescape")`` turns back. Each iteration starts anew (standard input has only one).

    Raises UserError for a file that is not there, is empty, UTF-16, or breaks off.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.total: int | None = None
        self._raw: BinaryIO | None = None
        if path != STDIN:
            refuse_no_file(Path(path))
            self.total = Path(path).stat().st_size
            if not self.total:
                raise UserError(f"{path} is empty: there is nothing to answer.")

    def position(self) -> int:
        """Bytes of the file, as it lies on the disk, that have been read."""
        if self._raw is None:
            return 0
        return (self.total or 0) if self._raw.closed else self._raw.tell()

    def __iter__(self) -> Iterator[str]:
        if self.path == STDIN:
            yield from self._decoded(sys.stdin.buffer)
            return
        path = Path(self.path)
        try:
            with path.open("rb") as self._raw, decompressed(self._raw, path.suffix) as stream:
                yield from self._decoded(stream)
        except PermissionError as error:
            raise UserError(f"{path} cannot be opened: {error.strerror}.") from error

    def _decoded(self, stream: BinaryIO) -> Iterator[str]:
        number = 0
        try:
            for number, line in enumerate(stream, 1):
                if number == 1 and line.startswith(UTF16):
                    raise UserError(f"{self.path} is UTF-16, not UTF-8. Convert it: {iconv('UTF-16', Path(self.path))}")
                yield line.decode("utf-8", "surrogateescape")
        except BROKEN_STREAM as error:
            if isinstance(error, PermissionError):
                raise
            raise UserError(
                f"{self.path} is damaged or was cut off after line {number} ({error}). Copy or download it again."
            ) from error
