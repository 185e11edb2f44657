"""Memory that was short, told from other errors and said in a sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sentiment_transfer.errors import OutOfMemory

# torch raises a class of its own for accelerators, but a plain RuntimeError where the machine's memory is short
# (c10/core/impl/alloc_cpu.cpp) or a CUDA library's is.
SAID = ("can't allocate memory", "CUDA out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "MPS backend out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(said in str(error) for said in SAID)


@contextmanager
def memory_errors_as_sentences() -> Iterator[None]:
    """Raise OutOfMemory for what the allocators raise."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        first = (str(error).strip() or "no more was given").splitlines()[0]
        raise OutOfMemory(
            f"Out of memory ({first}). Use trainer.micro_batch_size=16 (or 8, 4, ...: fewer reviews at once, the same "
            "run), a smaller data.max_length, or model.gradient_checkpointing=true. A sweep (-m) halves the first "
            "automatically."
        ) from error
