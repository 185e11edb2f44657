"""Partial prediction output, kept beside the final one until it is complete, so that a killed command can resume.

``.<output>.partial/`` holds ``rows``, to which every window is appended, and ``journal.json``, replaced after each
window: the number of rows and bytes that are valid. Bytes after those are truncated when the same command resumes.
Compressed outputs are concatenated members (gzip, xz, bz2) or frames (zstd), which every reader of these formats takes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import sync, write_atomically
from sentiment_transfer.files.containers import CODECS

Join = Callable[[Path, int, Path], None]
PIPED = "standard input"  # the value of the setting "input"


class PartialOutput:
    """An unfinished output file, from ``partial_output``.

    Attributes:
        complete: the finished output before it is moved into place.
        rows: number of rows written, by this attempt and earlier ones.
        counts: rows by label and, as ``reason: ...``, rows without one.
    """

    def __init__(self, output: Path, folder: Path) -> None:
        self.output, self.folder = output, folder
        self.path = folder / "rows"
        self.complete = folder / "complete"
        self.rows = 0
        self.counts: Counter[str] = Counter()
        self._settings: dict[str, Any] = {}
        self._bytes = 0
        self._codec = CODECS.get(output.suffix.lower())

    @property
    def in_place(self) -> bool:
        """True if the output is complete and only this folder was left behind by a kill."""
        journal = self._journal()
        return journal is not None and journal["rows"] > 0 and not self.started and self.output.exists()

    @property
    def started(self) -> bool:
        return self.path.exists() or self.complete.exists()

    def resume(self, settings: Mapping[str, Any], *, overwrite: bool) -> None:
        """Take over the rows of an earlier attempt with the same ``settings``; discard those of one with others if
        ``overwrite`` is set or its input was a pipe. Raises UserError otherwise."""
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
        valid = journal and self.path.is_file() and self.path.stat().st_size >= journal["bytes"]
        if journal and not piped and not changed and (valid or self.complete.exists() or self.in_place):
            self.rows, self._bytes = journal["rows"], journal["bytes"]
            self.counts = Counter(journal["counts"])
        else:
            self.complete.unlink(missing_ok=True)

    def begin(self) -> None:
        """Truncate the rows to the valid ones, so that ``append`` can follow."""
        with self.path.open("ab") as file:
            file.truncate(self._bytes)
        self._write_journal()

    def append(self, content: bytes, rows: int, counts: Mapping[str, int]) -> None:
        """Append the ``content`` of a window of ``rows`` rows, synced to disk."""
        stored = self._codec.compress(content) if self._codec else content
        with self.path.open("ab") as file:
            file.write(stored)
            file.flush()
            os.fsync(file.fileno())
        self._bytes += len(stored)
        self.rows += rows
        self.counts.update(counts)
        self._write_journal()

    def finish(self, join: Join | None = None) -> None:
        """Put the output in place; ``join(rows, size, path)``, if given, first writes it from the appended rows."""
        if not self.complete.exists():
            if join is None:
                os.replace(self.path, self.complete)
            else:
                joined = self.folder / "joined"
                join(self.path, self._bytes, joined)
                sync(joined)
                os.replace(joined, self.complete)
        self.path.unlink(missing_ok=True)  # first: if neither file exists, the output is in place
        os.replace(self.complete, self.output)
        sync(self.output.parent)

    def _journal(self) -> dict[str, Any] | None:
        try:
            journal = json.loads((self.folder / "journal.json").read_text(encoding="utf-8"))
            return journal if journal.keys() >= {"settings", "rows", "bytes", "counts"} else None
        except (OSError, ValueError, AttributeError):
            return None

    def _write_journal(self) -> None:
        journal = {"settings": self._settings, "rows": self.rows, "bytes": self._bytes, "counts": dict(self.counts)}
        text = json.dumps(journal, indent=1)
        write_atomically(self.folder / "journal.json", lambda temporary: temporary.write_text(text, encoding="utf-8"))


@contextmanager
def partial_output(output: Path) -> Iterator[PartialOutput]:
    """The partial output beside ``output``, locked by this process; removed once the output is in place.

    Raises UserError if the folder cannot be written or is locked by another process.
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
        lock.release()
        if not partial.started:  # nothing to resume, or the output is in place
            shutil.rmtree(folder, ignore_errors=True)
