"""Every answer that was paid for, in one SQLite file: found again by server, model, prompt and review.

An answer is committed as soon as it has come, so that a process that is killed has lost at most those under way. No
text of a review is stored, only hashes of requests.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sentiment_transfer.errors import UserError
from sentiment_transfer.llm.reply import Reply

FILE = Path("llm") / "answers.sqlite3"  # in the cache
AT_ONCE = 500  # keys in one query
WAIT = 60.0  # seconds for another process that writes


def answer_key(base_url: str, body: dict[str, Any], sample: int = 0) -> str:
    """The hash of a request; ``sample`` numbers those that are the same."""
    asked = json.dumps([base_url.rstrip("/"), body, sample], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()


class AnswerStore:
    """Answers by key. Several processes may share it. Raises UserError where the file is damaged or the disk full."""

    def __init__(self, cache_dir: Path) -> None:
        self.path = cache_dir.expanduser() / FILE
        with self._as_sentences():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, reply TEXT NOT NULL) WITHOUT ROWID"
            )

    def find(self, keys: Iterable[str]) -> dict[str, Reply]:
        """Those of ``keys`` that are answered."""
        found: dict[str, Reply] = {}
        left = list(keys)
        with self._as_sentences():
            for begin in range(0, len(left), AT_ONCE):
                some = left[begin : begin + AT_ONCE]
                places = ",".join("?" * len(some))
                rows = self._connection.execute(f"SELECT key, reply FROM answers WHERE key IN ({places})", some)
                found |= {key: Reply(**json.loads(reply)) for key, reply in rows}
        return found

    def add(self, key: str, reply: Reply) -> None:
        """Keep an answer; it is on its way to the disk when this returns, whatever becomes of the process."""
        with self._as_sentences():
            values = (key, json.dumps(asdict(reply), ensure_ascii=True, separators=(",", ":")))
            self._connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", values)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _as_sentences(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            raise UserError(
                f"The answers kept in {self.path} cannot be used ({error}). Free the disk, or, where the file is "
                "damaged, move it away: its answers are then asked again."
            ) from error
