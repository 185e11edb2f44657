"""What has been answered so far, kept beside the output until it is whole, so that a kill at any moment costs little.

``.<output>.partial/`` holds ``rows``, to which every window is appended, and ``journal.json``, replaced after each: how
many rows and bytes are good. What a kill leaves behind those bytes is cut off when the same command goes on. Compressed
outputs are members (gzip, xz, bz2) or frames (zstd) one after the other, which every reader of these formats takes.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock, Timeout

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import sync, write_atomically

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": lambda content: pa.compress(content, codec="zstd", asbytes=True),
}

Join = Callable[[Path, int, Path], None]
PIPED = "standard input"  # as the fact that names the input


class Partial:
    """An output in the making; made by ``begun``.

    Attributes:
        rows: that are done, of this attempt and earlier ones.
        counts: of labels and, as ``reason: ...``, of rows without one.
    """

    def __init__(self, output: Path, folder: Path) -> None:
        self.output, self.folder = output, folder
        self.path = folder / "rows"
        self.whole = folder / "whole"  # all that will be the output: only to be moved
        self.rows = 0
        self.counts: Counter[str] = Counter()
        self._facts: dict[str, Any] = {}
        self._bytes = 0
        self._compress = COMPRESS.get(output.suffix.lower(), lambda content: content)

    @property
    def in_place(self) -> bool:
        """Whether the output is there and whole, and a kill only kept this folder from being removed."""
        journal = self._journal()
        return journal is not None and journal["rows"] > 0 and not self.begun and self.output.exists()

    @property
    def begun(self) -> bool:
        return self.path.exists() or self.whole.exists()

    def go_on(self, facts: Mapping[str, Any], *, overwrite: bool) -> None:
        """Take up what an earlier attempt with the same ``facts`` left; with others, begin anew where ``overwrite``
        says so. Raises UserError where it does not."""
        self._facts = dict(facts)
        journal = self._journal()
        earlier = journal["facts"] if journal else {}
        piped = PIPED in (facts["input"], earlier.get("input"))  # what has gone through a pipe does not come again
        other = [name for name in facts if earlier.get(name) != facts[name]]
        if journal and other and not piped and not overwrite:
            raise UserError(
                f"An unfinished {self.output} was begun with another {other[0]} ({earlier.get(other[0])}; now "
                f"{facts[other[0]]}), so it is not continued. Type overwrite=true to begin again, or name another "
                "output."
            )
        good = journal and self.path.is_file() and self.path.stat().st_size >= journal["bytes"]
        if journal and not piped and not other and (good or self.whole.exists() or self.in_place):
            self.rows, self._bytes = journal["rows"], journal["bytes"]
            self.counts = Counter(journal["counts"])
        else:
            self.whole.unlink(missing_ok=True)

    def begin(self) -> None:
        """Cut off what is not good, and be ready for ``append``."""
        with self.path.open("ab") as file:
            file.truncate(self._bytes)
        self._write_journal()

    def append(self, content: bytes, rows: int, counts: Mapping[str, int]) -> None:
        """Add a window's rows. They are on the disk when this returns."""
        packed = self._compress(content)
        with self.path.open("ab") as file:
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        self._bytes += len(packed)
        self.rows += rows
        self.counts.update(counts)
        self._write_journal()

    def finish(self, join: Join | None = None) -> None:
        """Put the output in place; ``join(rows, size, path)`` makes it where appending is not enough."""
        if not self.whole.exists():
            if join is None:
                os.replace(self.path, self.whole)
            else:
                joined = self.folder / "joined"
                join(self.path, self._bytes, joined)
                sync(joined)
                os.replace(joined, self.whole)
        self.path.unlink(missing_ok=True)  # first, so that whoever finds neither knows that the output is in place
        os.replace(self.whole, self.output)
        sync(self.output.parent)

    def _journal(self) -> dict[str, Any] | None:
        try:
            journal = json.loads((self.folder / "journal.json").read_text(encoding="utf-8"))
            return journal if journal.keys() >= {"facts", "rows", "bytes", "counts"} else None
        except (OSError, ValueError, AttributeError):
            return None

    def _write_journal(self) -> None:
        journal = {"facts": self._facts, "rows": self.rows, "bytes": self._bytes, "counts": dict(self.counts)}
        text = json.dumps(journal, indent=1)
        write_atomically(self.folder / "journal.json", lambda temporary: temporary.write_text(text, encoding="utf-8"))


@contextmanager
def begun(output: Path) -> Iterator[Partial]:
    """The folder beside ``output``, held by this process alone; removed when the output is in place.

    Raises UserError where the folder cannot be written or another process holds it.
    """
    folder = output.with_name(f".{output.name}.partial")
    try:
        folder.mkdir(exist_ok=True)
        lock = FileLock(folder / "lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise UserError(f"Another process is writing {output}: wait for it to end.") from None
    except OSError as error:
        raise UserError(
            f"{output} cannot be written ({error.strerror or error}). Make {output.parent} a folder that you may write "
            "in, or name another output."
        ) from error
    partial = Partial(output, folder)
    try:
        yield partial
    except OSError as error:
        raise UserError(
            f"{output} cannot be written ({error.strerror or error}). What is done is kept: mend that and run the same "
            "command again, which goes on from there."
        ) from error
    finally:
        lock.release()
        if not partial.begun:  # nothing to go on from, or all of it in place
            shutil.rmtree(folder, ignore_errors=True)
