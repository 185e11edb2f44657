"""The memory that this process can still get on the host: the least that any of its limits leaves.

A container, a batch system and a shell each set one of their own, and a process that passes it is killed without a
word, or its next allocation fails. What is looked at: the free memory of the machine, every control group that the
process is in (version 2 or 1, at its own level and all above it), ``ulimit -v``, and what SLURM granted the job.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
MACHINE = "the machine"
NO_LIMIT = 2**60  # version 1 writes the largest multiple of a page where there is none


class Room(NamedTuple):
    """Free bytes, and which limit leaves so few."""

    free: float
    limit: str


def host_room() -> Room | None:
    """The least of the limits; None where the system tells none."""
    return min(_rooms(), default=None)


def _rooms() -> Iterator[Room]:
    lines = _lines(PROC / "meminfo")
    for line in lines:
        if line.startswith("MemAvailable"):
            yield Room(int(line.split()[1]) * 1024.0, MACHINE)
    for groups, limit, usage in control_groups():
        for group in groups:
            if (most := _number(group / limit)) is not None and most < NO_LIMIT:
                yield Room(most - _used(group, usage), f"the control group {group}")
    virtual, _ = resource.getrlimit(resource.RLIMIT_AS)
    if virtual != resource.RLIM_INFINITY:
        yield Room(virtual - _own_pages(0), "ulimit -v")
    granted = slurm_memory(os.environ)
    if granted:
        yield Room(granted - _own_pages(1), "the SLURM job")


FILES = {  # version -> the limit and the use of a group, in bytes
    "cgroup2": ("memory.max", "memory.current"),
    "cgroup": ("memory.limit_in_bytes", "memory.usage_in_bytes"),
}


def control_groups() -> Iterator[tuple[list[Path], str, str]]:
    """For each version in use: the folders of this process's group and of those above it, and the names of FILES."""
    mounts: dict[str, tuple[str, Path]] = {}
    for line in _lines(PROC / "self" / "mountinfo"):
        before, _, after = line.partition(" - ")
        kind, _, options = after.partition(" ")
        if kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split(" ", 1)[-1].split(",")):
            root, point = before.split(" ")[3:5]
            mounts[kind] = (root, Path(point))
    for line in _lines(PROC / "self" / "cgroup"):
        _, controllers, own = line.split(":", 2)
        kind = "cgroup" if "memory" in controllers.split(",") else "" if controllers else "cgroup2"
        if kind in mounts:
            above, folder = mounts[kind]
            yield list(_levels(folder, own.removeprefix(above.rstrip("/")))), *FILES[kind]


def _levels(point: Path, own: str) -> Iterator[Path]:
    """The group's folder and those above it. In a container its path may lead out of what is mounted there."""
    group = point / own.strip("/")
    if ".." in group.parts or not group.is_dir():
        group = point
    yield from (level for level in (group, *group.parents) if level == point or point in level.parents)


def slurm_memory(environment: os._Environ[str] | dict[str, str]) -> int:
    """Bytes that SLURM granted on this node; 0 outside of a job, and where all of the node's were."""

    def number(name: str) -> int:
        return int(text) if (text := environment.get(name, "").partition("(")[0]).isdigit() else 0

    megabytes = number("SLURM_MEM_PER_NODE")
    megabytes = megabytes or number("SLURM_MEM_PER_CPU") * number("SLURM_CPUS_ON_NODE")
    return (megabytes or number("SLURM_MEM_PER_GPU") * number("SLURM_GPUS_ON_NODE")) * 2**20


def _used(group: Path, usage: str) -> float:
    """Bytes in use, without file contents that the kernel would give back."""
    used = _number(group / usage) or 0.0
    counted = dict(line.split(" ", 1) for line in _lines(group / "memory.stat") if " " in line)
    return used - float(counted.get("inactive_file", 0))


def _own_pages(column: int) -> int:
    """Bytes of this process: 0 its address space, 1 what is resident."""
    lines = _lines(PROC / "self" / "statm")
    return int(lines[0].split()[column]) * resource.getpagesize() if lines else 0


def _number(path: Path) -> float | None:
    lines = _lines(path)
    return float(lines[0]) if lines and lines[0].strip().isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
