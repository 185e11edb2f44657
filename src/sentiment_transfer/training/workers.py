"""Worker processes that load batches: only where the machine has the shared memory that they send them through."""

from __future__ import annotations

import logging
import multiprocessing

import torch

log = logging.getLogger(__name__)

NEEDED = 2**24  # bytes: a few batches of each worker


def usable_workers(count: int) -> int:
    """``count``, or 0 where batches cannot be sent between processes, as in a container without a usable /dev/shm.

    The batches are the same either way.
    """
    if count:
        try:
            multiprocessing.Lock()
            torch.empty(NEEDED, dtype=torch.uint8).share_memory_()
        except (OSError, RuntimeError) as error:
            log.warning(
                "data.num_workers=%d is not used: worker processes need %d MiB of shared memory in /dev/shm (%s). This "
                "process loads the batches instead, with the same result.",
                *(count, NEEDED // 2**20, str(error).splitlines()[0]),
            )
            return 0
    return count
