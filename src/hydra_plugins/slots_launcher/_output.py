"""Where a launcher prints: a stream that may be closed, or full, or lack a character, and never ends the sweep."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Any, TextIO


class Output:
    """Standard output. Once the system refuses it, it is replaced by nothing: Python would fail again at its exit."""

    full = False  # whether something is missing because there was no room for it

    def __init__(self) -> None:
        self._stream: TextIO = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  None: closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        encoding = self._stream.encoding or "utf-8"
        try:
            return self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except OSError as error:
            self._let_go(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._let_go(error)

    def _let_go(self, error: OSError) -> None:
        self.full = self.full or error.errno in (errno.ENOSPC, errno.EDQUOT)
        with suppress(OSError):  # UnsupportedOperation, of a stream without a descriptor, is one
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
