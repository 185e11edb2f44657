"""Overhead of the launcher: python -m benchmarks.sweeps

* a sweep of 1,000 tiny jobs: the time to compose them the first time, the launcher's memory and processor time while
  they are queued, and the same command when all are finished (placeholder results are written; no job is run);
* sleeping jobs: the seconds between the end of a job and the start of the next, relative to a job of one minute;
* tiny runs on one slot and on two, with the same number of threads each: the gain from the second slot;
* twelve runs of multilingual E5 small at three depths on the written reviews, on one slot: runs per hour with jobs that
  are forked from one process, and with jobs that are each started afresh.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
TRAIN = [sys.executable, str(ROOT / "train.py"), "-m", "experiment=tiny"]
THOUSAND = ["seed=range(125)", "trainer.max_epochs=1,2,3,4", "trainer.batch_size=16,32"]
LITTLE = [sys.executable, str(ROOT / "tests" / "launcher" / "app" / "work.py"), "-m"]


@contextmanager
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="sweeps-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def started(command: list[str], cwd: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": ""}
    with (cwd / "output.txt").open("ab") as file:
        return subprocess.Popen(command, cwd=cwd, env=environment, stdout=file, stderr=subprocess.STDOUT)


def timed(command: list[str], cwd: Path) -> float:
    began = time.monotonic()
    code = started(command, cwd).wait()
    if code:
        raise SystemExit((cwd / "output.txt").read_text())
    return time.monotonic() - began


def peak_memory(pid: int) -> float:
    """Peak resident memory of a process in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def thousand(cwd: Path) -> None:
    command = [*TRAIN, *THOUSAND]
    began = time.monotonic()
    sweep = started(command, cwd)
    while not list(cwd.glob("multirun/*/job.log")):
        time.sleep(0.1)
    composing = processor_seconds(sweep.pid)
    took = f"{time.monotonic() - began:6.1f} s ({composing:.1f} s of a core)"
    print(f"1,000 jobs: {took} until the first begins: composing all, once")
    time.sleep(5)
    before = processor_seconds(sweep.pid)
    time.sleep(20)
    used = processor_seconds(sweep.pid) - before
    print(f"            {peak_memory(sweep.pid):6.1f} MiB in the launcher at most, {used / 20:.2%} of a core")
    for _ in range(2):
        sweep.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    sweep.wait()
    entries = json.loads((cwd / "multirun" / ".slots" / "jobs.json").read_text())["jobs"].values()
    for name, _ in entries:
        (cwd / "multirun" / name).mkdir(exist_ok=True)
        (cwd / "multirun" / name / "result.json").write_text("{}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    again = timed(command, cwd)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used
    print(
        f"            {again:6.1f} s for the same command when all {len(entries)} are finished ({used:.1f} s of a core)"
    )


def overhead(cwd: Path, jobs: int = 20) -> None:
    """Overhead per sleeping job: seconds beyond those of the same command run alone (Python's and Hydra's start)."""
    sleep = 0.5
    alone = [*LITTLE[:-1], "steps=1", f"delay={sleep}"]
    plain = sorted(timed([*alone, f"seed={1000 + i}"], cwd) for i in range(5))[2]
    swept = timed([*LITTLE, f"seed=range({jobs})", "steps=1", f"delay={sleep}", "hydra.launcher.cpu_slots=1"], cwd)
    each = swept / jobs - plain
    print(f"overhead:   {each:6.3f} s a job, the launcher's own start included: {each / 60:.2%} of a job of one minute")


def throughput(cwd: Path, jobs: int = 8, rounds: int = 3) -> None:
    """Processor time and wall-clock time: if processor time grows with a second slot, the cores share a resource
    (memory bus, physical core, another guest of the host); if only the wall clock lags, a process is waiting."""
    run = [*TRAIN, "logger=none", "hydra.launcher.threads=1", f"seed=range({jobs})"]
    # Fill the token stores first, so that every measured run finds them.
    timed([*run, "trainer.max_epochs=2", "paths.sweep_dir=warm", "hydra.launcher.cpu_slots=2"], cwd)
    gains = []
    for turn in range(rounds):
        clock, processor = {}, {}
        for slots in (1, 2):
            before = children_seconds()
            command = [
                *run,
                "trainer.max_epochs=4",
                f"paths.sweep_dir=turn{turn}-slots{slots}",
                f"hydra.launcher.cpu_slots={slots}",
            ]
            clock[slots] = timed(command, cwd)
            processor[slots] = (children_seconds() - before) / jobs
        gains.append(clock[1] / clock[2])
        print(
            f"throughput: {jobs} tiny runs of one thread: {clock[1]:.0f} s on one slot, {clock[2]:.0f} s on two: "
            f"{gains[-1]:.2f} x; processor seconds a run: {processor[1]:.1f} and {processor[2]:.1f}"
        )
    print(f"            in the median {statistics.median(gains):.2f} x")


DEPTHS = ["experiment=demo", "model.layers=3,6,12", "seed=0,1,2,3", "trainer.max_epochs=1", "data.limit=240"]


def forked(cwd: Path, rounds: int = 3) -> None:
    run = [sys.executable, str(ROOT / "train.py"), "-m", *DEPTHS, "logger=none", "hydra.launcher.cpu_slots=1"]
    timed([*run[:4], *DEPTHS[3:], "seed=0", "paths.sweep_dir=warm"], cwd)  # fill the caches
    ratios = []
    for turn in range(rounds):
        seconds = {}
        for how in ("forked", "afresh")[:: 1 if turn % 2 else -1]:
            more = ["hydra.launcher.preload=null"] if how == "afresh" else []
            seconds[how] = timed([*run, f"paths.sweep_dir={how}{turn}", *more], cwd)
        ratios.append(seconds["afresh"] / seconds["forked"])
        hours = {how: 12 * 3600 / taken for how, taken in seconds.items()}
        print(
            f"forked:     12 runs in {seconds['forked']:.0f} s ({hours['forked']:.0f} an hour), afresh in "
            f"{seconds['afresh']:.0f} s ({hours['afresh']:.0f} an hour): {ratios[-1]:.2f} x",
            flush=True,
        )
    print(f"            in the median {statistics.median(ratios):.2f} x")


def children_seconds() -> float:
    """Processor seconds of all child processes that have been waited for, and of their children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    for measure in (thousand, overhead, throughput, forked):
        if len(sys.argv) == 1 or measure.__name__ in sys.argv[1:]:
            with folder() as cwd:
                measure(cwd)


if __name__ == "__main__":
    main()
