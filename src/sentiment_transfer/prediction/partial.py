"""Partial prediction output, kept beside the final one until it is complete, so that a killed command can resume.

``.<output>.partial/`` holds ``rows``, to which every window is appended, and ``journal.json``, replaced after each
window: the number of rows and bytes that are valid, and their checksum. Bytes after those are truncated when the same
command resumes; where the checksum differs, all rows are predicted again. The folder is the user's alone.
Compressed outputs are concatenated members (gzip, xz, bz2) or frames (zstd), which every reader of these formats takes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import xxhash
from filelock import FileLock, Timeout

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import sync, write_atomically
from sentiment_transfer.files.checksums import digest
from sentiment_transfer.files.containers import CODECS
from sentiment_transfer.files.trust import trusted_folder

Join = Callable[[Path, int, Path], None]
PIPED = "standard input"  # the value of the setting "input"
JOURNAL = "journal.json"
KEYS = {"settings", "rows", "bytes", "counts", "checksum", "complete"}
READ_AT_ONCE = 1 << 22  # bytes


class PartialOutput:
    """An unfinished output file, from ``partial_output``.

    Attributes:
        complete: the finished output before it is moved into place.
        rows: number of rows written, by this attempt and earlier ones.
        counts: rows by label and, as ``reason: ...``, rows without one.
        discarded: why the rows of an earlier attempt are predicted again; empty if they are not.
    """

    def __init__(self, output: Path, folder: Path) -> None:
        self.output, self.folder = output, folder
        self.path = folder / "rows"
        self.complete = folder / "complete"
        self.rows = 0
        self.counts: Counter[str] = Counter()
        self.discarded = ""
        self._settings: dict[str, Any] = {}
        self._bytes = 0
        self._checksum = xxhash.xxh3_128()  # of the rows
        self._codec = CODECS.get(output.suffix.lower())

    @property
    def in_place(self) -> bool:
        """True if the output is complete and only this folder was left behind by a kill."""
        journal = self._journal()
        if journal is None or not journal["rows"] or self.started or not self.output.exists():
            return False
        return self._is_complete(self.output, journal)

    @property
    def started(self) -> bool:
        return self.path.exists() or self.complete.exists()

    def resume(self, settings: Mapping[str, Any], *, overwrite: bool) -> None:
        """Take over the rows of an earlier attempt with the same ``settings``; discard damaged ones, and those of one
        with others if ``overwrite`` is set or its input was a pipe. Raises UserError otherwise."""
        self._settings = dict(settings)
        journal = self._journal()
        earlier = journal["settings"] if journal else {}
        piped = PIPED in (settings["input"], earlier.get("input"))  # a pipe cannot be read again
        changed = [name for name in settings if earlier.get(name) != settings[name]]
        if journal and changed and not piped and not overwrite:
            raise UserError(
                f"An unfinished {self.output} was started with other settings ({changed[0]}: "
                f"{earlier.get(changed[0])}; now {settings[changed[0]]}) and is not resumed. Type overwrite=true to "
                "start again, or name another output."
            )
        same = not piped and not changed
        if journal and same and self._is_intact(journal):
            self.rows, self._bytes = journal["rows"], journal["bytes"]
            self.counts = Counter(journal["counts"])
            return
        if self.started and (journal is None or same):
            self.discarded = f"The rows of an earlier attempt in {self.folder} are damaged and predicted again."
        self._checksum.reset()
        self.complete.unlink(missing_ok=True)

    def _is_intact(self, journal: Mapping[str, Any]) -> bool:
        if self._is_complete(self.complete, journal) or self.in_place:
            return True
        if not self.path.is_file():
            return False
        self._checksum.reset()
        left = journal["bytes"]
        with self.path.open("rb") as file:
            while left and (part := file.read(min(left, READ_AT_ONCE))):
                self._checksum.update(part)
                left -= len(part)
        if left or self._checksum.hexdigest() != journal["checksum"]:
            return False
        self.complete.unlink(missing_ok=True)  # damaged, but made of these rows
        return True

    def _is_complete(self, path: Path, journal: Mapping[str, Any]) -> bool:
        return path.is_file() and checksum_of(path) == journal["complete"]

    def begin(self) -> None:
        """Truncate the rows to the valid ones, so that ``append`` can follow."""
        with self._rows() as file:
            file.truncate(self._bytes)
        self._write_journal()

    def _rows(self) -> BinaryIO:
        return open(self.path, "ab", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW, 0o666))

    def append(self, content: bytes, rows: int, counts: Mapping[str, int]) -> None:
        """Append the ``content`` of a window of ``rows`` rows, synced to disk."""
        stored = self._codec.compress(content) if self._codec else content
        with self._rows() as file:
            file.write(stored)
            file.flush()
            os.fsync(file.fileno())
        self._checksum.update(stored)
        self._bytes += len(stored)
        self.rows += rows
        self.counts.update(counts)
        self._write_journal()

    def finish(self, join: Join | None = None) -> None:
        """Put the output in place; ``join(rows, size, path)``, if given, first writes it from the appended rows."""
        if not self.complete.exists():
            whole = self.path
            if join is not None:
                whole = self.folder / "joined"
                join(self.path, self._bytes, whole)
                sync(whole)
            self._write_journal(checksum_of(whole))
            os.replace(whole, self.complete)
        self.path.unlink(missing_ok=True)  # first: if neither file exists, the output is in place
        os.replace(self.complete, self.output)
        sync(self.output.parent)

    def _journal(self) -> dict[str, Any] | None:
        """The journal; None if there is none, or it is damaged or of an earlier version."""
        try:
            journal = json.loads((self.folder / JOURNAL).read_text(encoding="utf-8"))
            own = journal.pop("journal")
            return journal if own == sum_of(journal) and journal.keys() >= KEYS else None
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return None

    def _write_journal(self, complete: str = "") -> None:
        """``complete`` is the checksum of the finished output, once there is one."""
        journal = {
            "settings": self._settings,
            "rows": self.rows,
            "bytes": self._bytes,
            "counts": dict(self.counts),
            "checksum": self._checksum.hexdigest(),
            "complete": complete,
        }
        text = json.dumps(journal | {"journal": sum_of(journal)}, indent=1)
        write_atomically(self.folder / JOURNAL, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def checksum_of(path: Path) -> str:
    with path.open("rb") as file:
        return digest(file)


def sum_of(journal: Mapping[str, Any]) -> str:
    return xxhash.xxh3_128_hexdigest(json.dumps(journal, sort_keys=True).encode())


@contextmanager
def partial_output(output: Path) -> Iterator[PartialOutput]:
    """The partial output beside ``output``, locked by this process; removed once the output is in place.

    Raises UserError if the folder cannot be written, is locked by another process, or could be another user's work.
    """
    folder = output.with_name(f".{output.name}.partial")
    instead = "Remove it, or name another output."
    with ExitStack() as stack:
        try:
            with suppress(FileExistsError):
                folder.mkdir(0o700)
            stack.enter_context(trusted_folder(folder, instead, follow=False))
            refuse_links(folder, instead)
            stack.enter_context(FileLock(folder / "lock", timeout=0))
        except Timeout:
            raise UserError(f"Another process is writing {output}: wait for it to end.") from None
        except OSError as error:
            raise UserError(
                f"{output} cannot be written ({error.strerror or error}). Make {output.parent} a writable folder, "
                "or name another output."
            ) from error
        partial = PartialOutput(output, folder)
        try:
            yield partial
        except OSError as error:
            raise UserError(
                f"{output} cannot be written ({error.strerror or error}). Finished rows are kept: run the same command "
                "again to resume."
            ) from error
        finally:
            stack.close()
            if not partial.started:  # nothing to resume, or the output is in place
                shutil.rmtree(folder, ignore_errors=True)


def refuse_links(folder: Path, instead: str) -> None:
    """Raises UserError for anything in ``folder`` but plain files: writing to a link would overwrite its target."""
    for path in folder.iterdir():
        if path.is_symlink() or not path.is_file():
            raise UserError(f"{path} is a link or no file, and is not written to. {instead}")
