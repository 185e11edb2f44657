"""A run's directory: its lock, errors of memory and disk as sentences, and the clean-up of a finished run."""

from __future__ import annotations

import errno
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from sentiment_transfer.errors import OutOfMemory, UserError
from sentiment_transfer.files.atomic import remove_leftovers, sentence_of, system_error
from sentiment_transfer.training.selection import SavedWeights
from sentiment_transfer.training.weights import remove_other_weights

log = logging.getLogger(__name__)

# torch raises OutOfMemoryError for accelerators, but a plain RuntimeError if the allocation failed in the machine's
# memory (c10/core/impl/alloc_cpu.cpp) or in a CUDA library.
OUT_OF_MEMORY = (
    "can't allocate memory",
    "CUDA out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "MPS backend out of memory",
    "Cannot allocate memory",  # strerror(ENOMEM), of torch's mapped files
    "std::bad_alloc",
)
# What oneDNN says of its buffers; a descriptor that it cannot create is an operation that it does not have.
ONEDNN = re.compile(r"could not create a (primitive|memory object)(?! descriptor)")
# Of the worker processes that load batches, and send them through the machine's shared memory.
OUT_OF_SHARED_MEMORY = ("out of shared memory", "unable to allocate shared memory", "unable to open shared memory")


@contextmanager
def run_directory(folder: Path, *, lock: bool = True) -> Iterator[None]:
    """Compute in ``folder``, with errors of memory and disk as sentences; raises UserError if another process does.

    Without ``lock``, the main process of a run on several devices holds the directory.
    """
    held = exclusive_lock(folder) if lock else nullcontext()
    with disk_errors_as_sentences(folder), memory_errors_as_sentences(), held:  # ENOMEM is memory's, not the disk's
        yield


@contextmanager
def exclusive_lock(folder: Path, wait: bool = False) -> Iterator[None]:
    """Lock the run's directory; the system releases the lock if the process dies.

    The lock is the kernel's, and no process id is looked at: it holds between containers as well. Raises UserError if
    another process holds it, unless ``wait``.
    """
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:  # an OSError as well
        if not wait:
            raise UserError(f"Another process is computing the same run in {folder}: wait for it to end.") from None
        log.info("Waiting for another process that is computing the run in %s", folder)
        lock.acquire()
    try:
        remove_leftovers(folder)
        yield
    finally:
        lock.release()


@contextmanager
def disk_errors_as_sentences(folder: Path) -> Iterator[None]:
    """Raise UserError for errors of the operating system in ``folder``."""
    try:
        yield
    except OSError as error:
        raise UserError(sentence_of(error, Path(error.filename or folder))) from error
    except UserError:
        raise
    except Exception as error:
        # Only the error's text, not its cause: a bug that occurs while an OSError is handled is still a bug.
        if "(os error " not in str(error) or (refused := system_error(error)) is None:
            raise
        raise UserError(sentence_of(refused, folder)) from error


@contextmanager
def memory_errors_as_sentences() -> Iterator[None]:
    """Raise OutOfMemory for the errors of the allocators, and UserError where shared memory is short."""
    try:
        yield
    except Exception as error:
        if isinstance(error, RuntimeError) and any(message in str(error) for message in OUT_OF_SHARED_MEMORY):
            raise UserError(
                "The machine's shared memory (/dev/shm) is full or too small for the processes that load batches. Type "
                "data.num_workers=0, or give the container more (docker run --shm-size=1g)."
            ) from error
        if not is_out_of_memory(error):
            raise
        first = (str(error).strip() or "no more was given").splitlines()[0]
        raise OutOfMemory(
            f"Out of memory ({first}). Use trainer.micro_batch_size=16 (or 8, 4, ...: fewer reviews at once, the same "
            "run), a smaller data.max_length, or model.gradient_checkpointing=true. A sweep (-m) halves the first "
            "automatically."
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    text = str(error)
    if type(error).__name__ == "SafetensorError":  # of its Rust core, which maps files into memory
        return f"os error {errno.ENOMEM}" in text
    return isinstance(error, RuntimeError) and (
        any(message in text for message in OUT_OF_MEMORY) or ONEDNN.search(text) is not None
    )


def remove_what_is_not_needed(folder: Path, kept: set[SavedWeights]) -> None:
    """Remove the optimiser's state and all weights but those that are ``kept``."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    remove_other_weights(folder, kept)
    if not kept:
        shutil.rmtree(folder / "weights", ignore_errors=True)
