"""Arrow tables larger than memory ought to hold: written to a nameless file and mapped back.

The file has no name from the start, so nothing is left behind however the process ends.
"""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from sentiment_transfer.data.reviews import SCHEMA
from sentiment_transfer.errors import UserError


@contextmanager
def spilled(batches: Iterable[pa.RecordBatch], folder: Path) -> Iterator[IO[bytes]]:
    """A nameless file in ``folder`` that holds ``batches`` as an Arrow stream, open for reading."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            with pa.ipc.new_stream(file, SCHEMA) as writer:
                for batch in batches:
                    writer.write_batch(batch)
            file.flush()
            yield file
    except OSError as error:
        raise UserError(f"{folder} cannot take the unpacked reviews: {error.strerror or error}.") from error


def map_batches(batches: Iterable[pa.RecordBatch], folder: Path) -> pa.Table:
    """One table (n,) of SCHEMA over ``batches``, whose columns lie in a mapped file and not in memory."""
    with spilled(batches, folder) as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.ipc.open_stream(pa.py_buffer(mapped)).read_all()


def stored_batches(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    """The batches of a spilled file from its beginning, one in memory at a time."""
    file.seek(0)
    yield from pa.ipc.open_stream(file)


def filtered(file: IO[bytes], keep: np.ndarray) -> Iterator[pa.RecordBatch]:
    """The rows of a spilled file where ``keep``, (n,) bool, is true."""
    start = 0
    for batch in stored_batches(file):
        yield batch.filter(pa.array(keep[start : start + batch.num_rows]))
        start += batch.num_rows
