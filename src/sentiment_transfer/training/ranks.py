"""The processes that share a run, as each of them sees it. A run in one process is the first of one.

They meet through a file, on this machine alone, and agree on numbers and objects over gloo, whatever the gradients
travel by.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from sentiment_transfer.errors import UserError

# A process that dies ends the others (processes.py), so nothing is left for a timeout to find; and the first may
# download and tokenise for hours while the others wait.
PATIENCE = timedelta(days=7)


@dataclass(frozen=True)
class Ranks:
    """Which process this is, and of how many."""

    rank: int = 0
    world_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes, logs and speaks."""
        return self.rank == 0

    def barrier(self) -> None:
        """Come back when all processes are here."""
        self.all_reduce_max(0)

    def all_reduce_max(self, number: int) -> int:
        """The largest ``number`` of the processes. A collective call: every process has to make it."""
        if self.world_size == 1:
            return number
        numbers = torch.tensor(int(number))
        dist.all_reduce(numbers, dist.ReduceOp.MAX)
        return int(numbers)

    def all_gather(self, thing: Any) -> list[Any]:
        """The ``thing`` of each process, by rank. A collective call: every process has to make it."""
        if self.world_size == 1:
            return [thing]
        things: list[Any] = [None] * self.world_size
        dist.all_gather_object(things, thing)
        return things

    @contextmanager
    def main_process_first(self) -> Iterator[None]:
        """The first process does the block alone, then the others do: they find what it left in a cache."""
        if not self.is_main:
            self.barrier()
        yield
        if self.is_main:
            self.barrier()


ALONE = Ranks()


@contextmanager
def joined(rank: int, world: int, rendezvous_file: Path, accelerator: str) -> Iterator[Ranks]:
    """Meet the other processes at ``rendezvous_file``. Raises UserError if there are fewer GPUs than processes."""
    os.environ.setdefault("GLOO_SOCKET_IFNAME", _loopback())  # a host's own name may lead nowhere, or to a network
    if accelerator == "cuda":
        if (there := torch.cuda.device_count()) < world:
            raise UserError(
                f"trainer.devices={world}, but this run sees {there} GPU{'s' * (there > 1)}. Use trainer.devices="
                f"{there}; in a sweep, hydra.launcher.gpus_per_job={world} gives each run that number."
            )
        torch.cuda.set_device(rank)
    # Numbers and objects of the CPU go by gloo, gradients by NCCL. Lightning finds the group and makes none.
    backend = "cpu:gloo,cuda:nccl" if accelerator == "cuda" else "gloo"
    store = dist.FileStore(str(rendezvous_file), world)
    dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=PATIENCE)
    yield Ranks(rank, world)
    dist.destroy_process_group()  # after an error the others may not answer any more: the process just ends


def _loopback() -> str:
    return next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
