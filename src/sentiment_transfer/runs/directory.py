"""A run's directory: held by one process, errors of its disk as sentences, and what a finished run leaves in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import remove_leftovers, sentence_of, system_error
from sentiment_transfer.training.weights import remove_other_weights


@contextmanager
def exclusive_lock(folder: Path, wait: bool = False) -> Iterator[None]:
    """Hold the run's directory: the system lets go of it when the process ends, however it ends."""
    lock = FileLock(folder / ".lock", timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout:  # an OSError as well
        raise UserError(f"The same run is going on in another process, in {folder}: wait for it to end.") from None
    try:
        remove_leftovers(folder)
        yield
    finally:
        lock.release()


@contextmanager
def disk_errors_as_sentences(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(sentence_of(error, Path(error.filename or folder))) from error
    except Exception as error:
        # Only its own text, not what it came from: a bug met while an OSError was handled is still a bug.
        if "(os error " not in str(error) or (refused := system_error(error)) is None:
            raise
        raise UserError(sentence_of(refused, folder)) from error


def remove_what_is_not_needed(folder: Path, epochs: set[int]) -> None:
    """The optimiser's state, of no use to a finished run, and the weights of all but these epochs."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    remove_other_weights(folder, epochs)
    if not epochs:
        shutil.rmtree(folder / "weights", ignore_errors=True)
