"""Standard output and standard error that may go away, or lack a character, without ending the program."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress

# A reader that has seen enough (``| head -1``) and a terminal that was closed: nobody is there to be told.
NOBODY_READS = (errno.EPIPE, errno.EIO)


class LastingStream(io.TextIOWrapper):
    """A text stream that drops what the system refuses, and escapes the characters that its encoding lacks.

    Its ``buffer`` raises as any other: rows that are written there are a result, and not to be dropped.
    """

    refused: OSError | None = None  # the latest

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self.refused = error
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self.refused = error


def outlast_output() -> None:
    """From now on a closed pipe, a closed terminal, a full disk or an ASCII locale ends no print with an error.

    Streams that somebody else put in place (pytest, a notebook) are left as they are.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed before the program began
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  until the process ends
        elif stream is getattr(sys, f"__{name}__") and isinstance(stream, io.TextIOWrapper):
            with suppress(OSError):
                stream.flush()
            lasting = LastingStream(
                stream.buffer,
                encoding=stream.encoding,
                errors="backslashreplace",
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
            setattr(sys, name, lasting)


def output_was_lost() -> bool:
    """Whether something that was printed did not arrive although it was awaited, as on a full disk; says so."""
    if not isinstance(sys.stdout, LastingStream):
        return False
    sys.stdout.flush()
    refused = sys.stdout.refused
    if refused is None or refused.errno in NOBODY_READS:
        return False
    reason = refused.strerror or refused
    print(f"Standard output could not be written ({reason}): what was printed is incomplete.", file=sys.stderr)
    return True
