"""Free memory is what the narrowest of all limits leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sentiment_transfer.model import memory_limits
from sentiment_transfer.model.memory_limits import host_room, slurm_memory

MIB = 2**20


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 20 GiB free and no limit."""
    folder = tmp_path / "proc"
    (folder / "self").mkdir(parents=True)
    (folder / "meminfo").write_text(f"MemTotal: 99 kB\nMemAvailable: {20 * MIB} kB\n")
    (folder / "self" / "statm").write_text("100 50 0 0 0 0 0\n")
    monkeypatch.setattr(memory_limits, "PROC", folder)
    for name in ("SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU", "SLURM_MEM_PER_GPU"):
        monkeypatch.delenv(name, raising=False)
    return folder


def group(folder: Path, limit: str, used: int, version: int = 2, inactive: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = {2: ("memory.max", "memory.current"), 1: ("memory.limit_in_bytes", "memory.usage_in_bytes")}[version]
    for name, text in zip(names, (limit, str(used)), strict=True):
        (folder / name).write_text(text + "\n")
    (folder / "memory.stat").write_text(f"cache 1\ninactive_file {inactive}\n")


def free_mib() -> float:
    room = host_room()
    assert room is not None
    return room.free / MIB


def test_without_a_limit_it_is_the_machines(proc: Path) -> None:
    assert free_mib() == 20 * 1024


@pytest.mark.parametrize(
    ("own", "above", "expected"),
    [
        ("max", "max", 20 * 1024),
        (str(1500 * MIB), "max", 1400),
        ("max", str(1000 * MIB), 700),
        ("1", str(1000 * MIB), -99),
    ],
)
def test_nested_groups_of_version_2(own: str, above: str, expected: float, proc: Path, tmp_path: Path) -> None:
    """A limit at any level counts, and what the kernel would give back is free."""
    top = tmp_path / "cgroup"
    (proc / "self" / "mountinfo").write_text(f"31 23 0:28 / {top} rw - cgroup2 cgroup2 rw,nsdelegate\n")
    (proc / "self" / "cgroup").write_text("0::/user.slice/job.scope\n")
    group(top / "user.slice" / "job.scope", own, 100 * MIB)
    group(top / "user.slice", above, 400 * MIB, inactive=100 * MIB)
    assert free_mib() == pytest.approx(expected, abs=1)


def test_version_1_also_where_the_container_sees_its_group_as_the_root(proc: Path, tmp_path: Path) -> None:
    top = tmp_path / "memory"
    (proc / "self" / "mountinfo").write_text(
        f"40 31 0:30 /docker/abc {top} rw - cgroup cgroup rw,memory\n"
        f"41 31 0:31 / {tmp_path}/cpu rw - cgroup cgroup rw,cpu\n"
    )
    (proc / "self" / "cgroup").write_text("5:cpu:/docker/abc\n4:memory:/docker/abc\n0::/\n")
    group(top, str(1500 * MIB), 300 * MIB, version=1)
    assert free_mib() == 1200
    group(top, str(2**63 - 4096), 300 * MIB, version=1)  # what it says where there is no limit
    assert free_mib() == 20 * 1024


def test_a_group_outside_of_what_is_mounted_here(proc: Path, tmp_path: Path) -> None:
    top = tmp_path / "cgroup"
    (proc / "self" / "mountinfo").write_text(f"31 23 0:28 / {top} rw - cgroup2 cgroup2 rw\n")
    (proc / "self" / "cgroup").write_text("0::/../../other\n")
    group(top, str(500 * MIB), 0)
    assert free_mib() == 500


def test_what_slurm_granted(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert slurm_memory({"SLURM_MEM_PER_NODE": "4096"}) == 4096 * MIB
    assert slurm_memory({"SLURM_MEM_PER_CPU": "1000", "SLURM_CPUS_ON_NODE": "8"}) == 8000 * MIB
    assert slurm_memory({"SLURM_MEM_PER_NODE": "0"}) == 0  # all of the node's
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "2048")
    room = host_room()
    assert room is not None and room.limit == "the SLURM job" and 2047 < room.free / MIB < 2048


def test_a_shells_limit_of_virtual_memory() -> None:
    code = "from sentiment_transfer.model.memory_limits import host_room; print(host_room())"
    done = subprocess.run(
        ["bash", "-c", f'ulimit -v 1000000; exec "{sys.executable}" -c "{code}"'], capture_output=True, text=True
    )
    assert "limit='ulimit -v'" in done.stdout, done.stdout + done.stderr
    free = float(done.stdout.split("free=")[1].split(",")[0])
    assert 0 < free < 1_000_000 * 1024
