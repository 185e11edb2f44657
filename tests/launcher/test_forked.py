"""Jobs that are forked from a slot's preloaded process differ in nothing from jobs that are started afresh."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from tests.launcher import sweeps
from tests.launcher.sweeps import APP, children, kill, noted, results

from hydra_plugins.slots_launcher._claims import latest

AFRESH = "hydra.launcher.preload=null"
ONE = "hydra.launcher.cpu_slots=1"
PRELOAD = "hydra.launcher.preload=warm:preload"


def Sweep(cwd: Path, *arguments: str, **environment: str) -> sweeps.Sweep:
    return sweeps.Sweep(cwd, PRELOAD, *arguments, **environment)


def swept(cwd: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    preload = [] if AFRESH in arguments else [PRELOAD]
    return sweeps.swept(cwd, *preload, *arguments, **environment)


def servers(cwd: Path) -> list[int]:
    """Process ids of the preloaded processes, in the order in which they began."""
    file = cwd / "preloaded.txt"
    return [int(line.split()[0]) for line in file.read_text().splitlines()] if file.exists() else []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_every_slot_is_preloaded_once_with_its_own_environment(tmp_path: Path) -> None:
    code, output = swept(tmp_path, "seed=range(6)", "hydra.launcher.cpu_slots=2", "hydra.launcher.threads=3")
    assert code == 0, output
    lines = (tmp_path / "preloaded.txt").read_text().splitlines()
    assert [line.split()[1:] for line in lines] == [["3", str(APP)]] * 2
    assert len(results(tmp_path)) == 6


def test_nothing_is_preloaded_where_no_slot_has_a_second_job_or_where_it_is_switched_off(tmp_path: Path) -> None:
    assert swept(tmp_path / "few", "seed=0,1", "hydra.launcher.cpu_slots=2")[0] == 0
    assert swept(tmp_path / "off", "seed=range(3)", ONE, AFRESH)[0] == 0
    assert not servers(tmp_path / "few") and not servers(tmp_path / "off")


@pytest.mark.parametrize("quick", ["1", ""])  # with arguments that it reads itself, and as a Hydra program in full
def test_results_logs_and_directories_are_those_of_jobs_started_afresh(quick: str, tmp_path: Path) -> None:
    for name, option in (("forked", "fail_fast=false"), ("afresh", "preload=null")):
        arguments = ("seed=0,1,2", "steps=2", "fail_at=-1,1", ONE, f"hydra.launcher.{option}")
        code, output = swept(tmp_path / name, *arguments, QUICK=quick)
        assert code == 1 and "6 jobs: 3 done, 3 failed" in output
    forked, afresh = ((tmp_path / name / "multirun") for name in ("forked", "afresh"))
    assert results(tmp_path / "forked") == results(tmp_path / "afresh")
    assert sorted(path.relative_to(forked) for path in forked.rglob("*.*")) == sorted(
        path.relative_to(afresh) for path in afresh.rglob("*.*")
    )
    for log in forked.glob("*/job.log"):
        expected = (afresh / log.parent.name / "job.log").read_text().replace("afresh", "forked")
        assert log.read_text().replace("fail_fast=false", "") == expected.replace("preload=null", "")


def test_a_job_that_a_signal_ends_is_reported_as_such(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, "seed=0,1,2", "steps=2000", "delay=0.02", ONE)
    sweep.until(lambda: list(tmp_path.glob("multirun/*/state.json")))
    [job] = children(servers(tmp_path)[0])
    os.kill(job, signal.SIGKILL)
    sweep.until(lambda: "was killed (SIGKILL)" in sweep.output)
    sweep.stop(signal.SIGINT)
    assert "failed" in sweep.output and "stopped" in sweep.output


def test_a_claim_names_the_process_of_the_job_and_not_the_one_that_it_was_forked_from(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, "seed=0,1,2", "steps=2000", "delay=0.02", ONE)
    sweep.until(lambda: list(tmp_path.glob("multirun/*/state.json")))
    [server] = servers(tmp_path)
    [folder] = {path.parent for path in tmp_path.glob("multirun/*/state.json")}
    sweep.until(lambda: (record := latest(folder).record) is not None and [record.child] == children(server))
    assert latest(folder).record.leftover() == children(server)[0]  # type: ignore[union-attr]
    sweep.stop(signal.SIGINT)


def test_a_job_whose_preloaded_process_is_killed_is_started_again(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, "seed=0,1,2", "steps=100", "delay=0.02", ONE)
    sweep.until(lambda: list(tmp_path.glob("multirun/*/state.json")))
    [server] = servers(tmp_path)
    os.kill(server, signal.SIGKILL)
    assert sweep.wait() == 0, sweep.output
    assert "the process that it was forked from was killed: it is started afresh" in sweep.output
    assert len(results(tmp_path)) == 3 and len(servers(tmp_path)) == 1
    assert sorted(noted(tmp_path, "ends")) == sorted(results(tmp_path))


def test_where_preloading_fails_jobs_are_started_afresh(tmp_path: Path) -> None:
    code, output = swept(tmp_path, "seed=0,1,2", ONE, MARK="preload_fails=1")
    assert code == 0, output
    assert len(results(tmp_path)) == 3


@pytest.mark.parametrize("moment", ["preloading", "running"])
def test_neither_job_nor_preloaded_process_outlives_a_killed_launcher(moment: str, tmp_path: Path) -> None:
    slow = "slow" if moment == "preloading" else ""
    sweep = Sweep(tmp_path, "seed=0,1,2", "steps=2000", "delay=0.02", ONE, MARK=slow)
    sweep.until(lambda: servers(tmp_path) and (slow or list(tmp_path.glob("multirun/*/state.json"))))
    [server] = servers(tmp_path)
    left = [server, *children(server)]
    assert len(left) == (1 if slow else 2)
    kill(sweep.process.pid)
    sweep.wait()
    deadline = time.monotonic() + 10
    while any(map(alive, left)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(alive, left))


def test_a_sweep_that_is_stopped_while_it_preloads_ends_at_once(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, "seed=0,1,2", "steps=2000", "delay=0.02", ONE, MARK="slow")
    sweep.until(lambda: servers(tmp_path))
    began = time.monotonic()
    assert sweep.stop(signal.SIGTERM) == -signal.SIGTERM, sweep.output
    assert time.monotonic() - began < 5
    assert "stopped" in sweep.output and not results(tmp_path)
