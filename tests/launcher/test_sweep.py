"""The launcher from outside: a program of somebody else's, swept as a user sweeps it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.helpers.runs import ROOT
from tests.launcher.sweeps import (
    APP,
    Sweep,
    environment_of,
    gone,
    job_processes,
    kill,
    noted,
    own_processes,
    results,
    swept,
)

LONG = ("seed=0,1", "steps=2000", "delay=0.02")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A sweep of six jobs, each a Hydra program in full, with two costs; and what it printed."""
    folder = tmp_path_factory.mktemp("sweep")
    code, output = swept(folder, "seed=0,1,2", "steps=2,7", "hydra.launcher.cpu_slots=2", MARK="mine", QUICK="")
    assert code == 0, output
    return folder, output


def test_every_job_is_run_once_and_the_dearest_first(sweep: tuple[Path, str]) -> None:
    folder, output = sweep
    assert len(results(folder)) == 6
    assert sorted(noted(folder, "starts")) == sorted(noted(folder, "ends")) == sorted(results(folder))
    started = re.findall(r"^started +(\S+)", output, re.MULTILINE)
    steps = [int(re.search(r"steps=(\d)", job_log(folder, name))[1]) for name in started]  # type: ignore[index]
    assert steps == [7, 7, 7, 2, 2, 2]
    assert "6 jobs in multirun, 2 at a time (cpu 0, cpu 1;" in output
    assert output.rstrip().endswith("6 jobs: 6 done")


def job_log(folder: Path, name: str) -> str:
    return (folder / "multirun" / name / "job.log").read_text()


def test_a_job_is_a_plain_run_in_an_environment_of_its_slot(sweep: tuple[Path, str]) -> None:
    folder, _ = sweep
    logs = [job_log(folder, name) for name in results(folder)]
    assert not any(" -m " in log for log in logs)
    environments = environment_of(folder)
    assert {e["MARK"] for e in environments} == {"mine"}
    assert {e["CUDA_VISIBLE_DEVICES"] for e in environments} == {""}
    assert all(e["OMP_NUM_THREADS"] for e in environments)


def test_what_is_done_is_skipped_and_leaves_no_claims(sweep: tuple[Path, str]) -> None:
    folder, _ = sweep
    before = len(noted(folder, "starts"))
    code, output = swept(folder, "seed=0,1,2,3", "steps=2,7")
    assert code == 0
    assert output.rstrip().endswith("8 jobs: 2 done, 6 done before")
    assert len(noted(folder, "starts")) == before + 2
    assert not list((folder / "multirun").glob("*/.slots"))


def test_a_done_job_whose_result_no_longer_holds_is_not_skipped_in_silence(
    sweep: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = sweep
    one = next(iter(results(folder)))
    (tmp_path / "files.py").write_text(f"def changed(job): return 'x.csv has changed' if job.name == '{one}' else None")
    paths = os.pathsep.join((str(ROOT / "src"), str(tmp_path)))
    hook = "hydra.launcher.outdated=files:changed"
    code, output = swept(folder, "seed=0,1,2,3", "steps=2,7", hook, PYTHONPATH=paths)
    assert code == 1, output
    assert "8 jobs: 0 done, 7 done before, 1 failed" in output
    assert "x.csv has changed" in output


def test_jobs_share_the_visible_gpus(tmp_path: Path) -> None:
    more = ("hydra.launcher.gpus_per_job=2", "hydra.launcher.jobs_per_gpu=2")
    code, output = swept(tmp_path, "seed=0,1,2,3", "delay=0.3", *more, CUDA_VISIBLE_DEVICES="3,MIG-7,5,6,9")
    assert code == 0
    assert "4 at a time (gpus 3,MIG-7/0, gpus 5,6/0, gpus 3,MIG-7/1, gpus 5,6/1;" in output
    assert sorted(str(e["CUDA_VISIBLE_DEVICES"]) for e in environment_of(tmp_path)) == ["3,MIG-7"] * 2 + ["5,6"] * 2


def test_others_go_on_when_some_fail_and_the_command_for_the_failed_is_printed(tmp_path: Path) -> None:
    arguments = ("seed=0,1", "steps=3", "fail_at=-1,1")
    code, output = swept(tmp_path, *arguments)
    assert code == 1
    assert len(results(tmp_path)) == 2
    assert output.count("exit code 3") == 4  # as it happens and in the list
    assert output.count("| step 1 cannot be done") == 2
    assert "4 jobs: 2 done, 2 failed" in output
    assert "Traceback" not in output
    [again] = re.findall(r"^  python .*work\.py (.*)$", output, re.MULTILINE)
    code, output = swept(tmp_path, *[word for word in shlex.split(again) if word != "-m"], "fail_at=-1,1")
    assert code == 1
    assert "2 jobs in multirun" in output
    assert "2 jobs: 0 done, 2 failed" in output


def test_names_that_the_sweep_has_not_are_refused(tmp_path: Path) -> None:
    code, output = swept(tmp_path, "seed=0", "hydra.launcher.only=[nothing]")
    assert code == 1
    assert "hydra.launcher.only names nothing, which this sweep has not" in output


def test_fail_fast_ends_the_sweep_at_the_first_failure(tmp_path: Path) -> None:
    more = ("delay=0.05", "hydra.launcher.fail_fast=true", "hydra.launcher.cpu_slots=2")
    code, output = swept(tmp_path, "seed=0,1", "steps=400", "fail_at=1,-1", *more)
    assert code == 1
    assert results(tmp_path) == {}
    assert re.search(r"4 jobs: 0 done, [12] failed, 1 stopped, [12] not begun|4 jobs: 0 done, 2 failed, 2 not", output)


def test_out_of_memory_is_tried_again_in_smaller_parts_and_then_reported(tmp_path: Path) -> None:
    code, output = swept(tmp_path, "seed=0", "memory=4,30,900")
    assert code == 1
    assert output.count("out of memory: tried again with at_once=") == 2 + 5
    assert "ran out of memory, also with at_once=1" in output
    assert "3 jobs: 2 done, 1 failed" in output
    assert any("at_once=8" in job_log(tmp_path, name) for name in results(tmp_path))
    code, output = swept(tmp_path, "seed=0", "memory=900")  # what was learnt is kept: no second round from 32 to 2
    assert len(noted(tmp_path, "starts")) == 1 + 3 + 6 + 1


def test_claims_of_a_launcher_killed_as_its_job_ended_are_removed(tmp_path: Path) -> None:
    """Between the job's result and the removal of its claims a launcher may die; the next one cleans up."""
    waiting = Sweep(tmp_path, "seed=0", "steps=2000", "delay=0.02").until(lambda: job_processes(tmp_path))
    waiting.process.kill()
    waiting.wait()
    assert gone(tmp_path)
    [claims] = tmp_path.glob("multirun/*/.slots")
    (claims.parent / "result.json").write_text(json.dumps({"value": 1}))
    code, output = swept(tmp_path, "seed=0", "steps=2000", "delay=0.02")
    assert code == 0, output
    assert "1 done before" in output and not claims.exists()


@pytest.mark.parametrize("redirection", ["| head -1", "> /dev/full", ">&-", "| cat"])
def test_a_sweep_goes_on_when_nobody_can_read_its_output(tmp_path: Path, redirection: str) -> None:
    command = shlex.join([sys.executable, str(APP), "-m", "seed=0,1", "fail_at=-1,1"])
    folder = tmp_path / "星"  # named in the list of failures
    folder.mkdir()
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} {redirection}"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "QUICK": "1", "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1  # of the jobs that failed
    assert len(results(folder)) == 2 and len(noted(folder, "starts")) == 4
    assert "Error" not in done.stderr and "Exception" not in done.stderr
    if redirection == "| cat":
        assert "\\u661f" in done.stdout


def test_a_sweep_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, "seed=0", "steps=15", "delay=0.1", inside=("nohup",)).until(
        lambda: noted(tmp_path, "starts")
    )
    assert sweep.stop(signal.SIGHUP) == 0
    assert len(results(tmp_path)) == 1


def test_a_terminal_that_is_closed_says_so_twice_and_the_jobs_save(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, "seed=0", "steps=90", "delay=0.3").until(
        lambda: list(tmp_path.glob("multirun/*/state.json"))
    )
    sweep.process.send_signal(signal.SIGHUP)
    sweep.until(lambda: "Once more, and they are killed" in sweep.output)
    assert sweep.stop(signal.SIGHUP) == -signal.SIGHUP
    assert "saved at step" in next(tmp_path.glob("multirun/*/job.log")).read_text()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_jobs_save_and_the_same_command_goes_on(tmp_path: Path, signum: int) -> None:
    sweep = Sweep(tmp_path, *LONG, "hydra.launcher.cpu_slots=2")
    sweep.until(lambda: len(list(tmp_path.glob("multirun/*/state.json"))) == 2)
    code = sweep.stop(signum)
    assert code in (-signum, 128 + signum, 1 if signum == signal.SIGINT else -signum)
    assert gone(tmp_path, 0)
    logs = [path.read_text() for path in tmp_path.glob("multirun/*/job.log")]
    assert [log.count("saved at step") for log in logs] == [1, 1]
    assert "2 jobs: 0 done, 2 stopped" in sweep.output
    again = Sweep(tmp_path, *LONG, "hydra.launcher.cpu_slots=2").until(lambda: len(noted(tmp_path, "starts")) == 4)
    again.process.kill()
    again.wait()
    assert gone(tmp_path)


def test_a_second_signal_is_immediate(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, "seed=0,1", "steps=9", "delay=30").until(lambda: len(noted(tmp_path, "starts")) >= 1)
    sweep.process.send_signal(signal.SIGTERM)
    sweep.until(lambda: "Once more, and they are killed" in sweep.output)
    assert sweep.stop(signal.SIGTERM) == -signal.SIGTERM
    assert gone(tmp_path, 0)


def test_no_job_outlives_a_launcher_that_was_killed(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, *LONG, "hydra.launcher.cpu_slots=2").until(lambda: len(job_processes(tmp_path)) == 2)
    sweep.process.kill()
    sweep.wait()
    assert gone(tmp_path, 5)


@pytest.mark.parametrize("how", ["the launcher is killed", "the job ends", "the job is killed"])
def test_what_a_job_has_started_ends_with_it(tmp_path: Path, how: str) -> None:
    steps = "steps=5" if how == "the job ends" else "steps=2000"
    sweep = Sweep(tmp_path, "seed=0", steps, "delay=0.1", "children=1").until(lambda: left_behind(tmp_path))
    if how == "the launcher is killed":
        sweep.process.kill()
    elif how == "the job is killed":
        kill(job_processes(tmp_path)[0])
    assert sweep.wait() == {"the launcher is killed": -9, "the job ends": 0, "the job is killed": 1}[how]
    deadline = time.monotonic() + 5
    while left_behind(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left_behind(tmp_path)


def left_behind(cwd: Path) -> list[Path]:
    """Processes that a job of ``cwd`` started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if path.read_bytes().startswith(f"OF={cwd}/".encode()):
                found.append(path)
    return found


def test_two_launchers_share_a_sweep(tmp_path: Path) -> None:
    command = ("seed=range(10)", "delay=0.1", "hydra.launcher.cpu_slots=1")
    one, other = Sweep(tmp_path, *command), Sweep(tmp_path, *command)
    assert (one.wait(), other.wait()) == (0, 0)
    assert len(results(tmp_path)) == 10
    assert sorted(noted(tmp_path, "ends")) == sorted(results(tmp_path))
    done = [int(re.search(r"10 jobs: (\d+) done", sweep.output)[1]) for sweep in (one, other)]  # type: ignore[index]
    assert sum(done) == 10 and min(done) > 0


def test_two_launchers_that_do_not_see_each_others_processes_share_a_sweep(tmp_path: Path) -> None:
    """As in two containers with one host name and one directory: each has process ids of its own."""
    command = ("seed=range(4)", "steps=15", "delay=0.1", "hydra.launcher.cpu_slots=1")
    inner = Sweep(tmp_path, *command, inside=own_processes()).until(lambda: noted(tmp_path, "starts"))
    outer = Sweep(tmp_path, *command)
    assert (inner.wait(), outer.wait()) == (0, 0)
    assert sorted(noted(tmp_path, "starts")) == sorted(results(tmp_path))
    assert len(results(tmp_path)) == 4
    # Which of the four is running when the second one looks depends on the machine's load.
    assert re.search(r"^waiting +work-\d-\S+  process \d+ on \S+ is at it$", outer.output, re.MULTILINE)


def test_a_launcher_killed_out_of_sight_is_waited_for_and_then_taken_over(tmp_path: Path) -> None:
    command = ("seed=0", "steps=20", "delay=0.1", "hydra.launcher.stale_after=3")
    inner = Sweep(tmp_path, *command, inside=own_processes()).until(lambda: noted(tmp_path, "starts"))
    inner.process.kill()
    inner.wait()
    assert gone(tmp_path)
    code, output = swept(tmp_path, *command)
    assert code == 0, output
    assert "is at it" in output and len(noted(tmp_path, "starts")) == 2
    assert sorted(path.name for path in (tmp_path / "multirun" / ".slots").iterdir()) == ["clock", "jobs.json"]


def test_a_failure_in_another_launcher_is_reported_and_not_repeated(tmp_path: Path) -> None:
    command = ("seed=0", "steps=9", "delay=0.3", "fail_at=8")
    one = Sweep(tmp_path, *command).until(lambda: noted(tmp_path, "starts"))
    other = Sweep(tmp_path, *command)
    assert (one.wait(), other.wait()) == (1, 1)
    assert len(noted(tmp_path, "starts")) == 1
    assert re.search(r"exit code 3 \(in process \d+ on", other.output)


def test_a_mistake_in_the_command_fails_before_any_job(tmp_path: Path) -> None:
    code, output = swept(tmp_path, "seed=0,1", "stepps=3")
    assert code == 1
    assert "stepps" in output
    assert noted(tmp_path, "starts") == []


def test_a_sweep_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "multirun").write_text("a file")
    code, output = swept(tmp_path, "seed=0")
    assert code == 1
    assert "The sweep cannot begin: " in output and "multirun: File exists" in output
    assert "Traceback" not in output


NESTED = ("hydra.sweep.subdir='steps${steps}/${seed}'", "seed=0,1", "steps=3,4")


def test_names_with_a_slash_are_told_apart(tmp_path: Path) -> None:
    code, output = swept(tmp_path, *NESTED, "hydra.launcher.only=[steps3/1]")
    assert code == 0, output
    assert "1 jobs: 1 done" in output
    assert [str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("result.json")] == ["multirun/steps3/1"]
    table = status(tmp_path)
    assert re.search(r"steps3/1 +done", table) and len(re.findall(r"steps\d/\d +queued", table)) == 3
    code, output = swept(tmp_path, *NESTED, "fail_at=3")
    assert code == 1 and "4 jobs: 1 done, 1 done before, 2 failed" in output
    [again] = re.findall(r"^  python .*work\.py (.*)$", output, re.MULTILINE)
    assert re.fullmatch(r"hydra\.launcher\.only=\['steps4/[01]','steps4/[01]'\]", shlex.split(again)[-1])
    (tmp_path / "multirun" / ".slots" / "jobs.json").unlink()
    assert status(tmp_path).rstrip().endswith("multirun: 2 failed, 2 done")


@pytest.mark.parametrize(
    "option", ["hydra.launcher.env.MARK=mine", "+hydra.launcher.env.MARK=mine", "hydra.launcher.env={MARK: mine}"]
)
def test_a_variable_for_the_jobs_needs_no_plus(tmp_path: Path, option: str) -> None:
    assert swept(tmp_path, "seed=0", option)[0] == 0
    assert environment_of(tmp_path)[0]["MARK"] == "mine"


def test_status_tells_from_directories_alone(tmp_path: Path) -> None:
    swept(tmp_path, "seed=0,1", "fail_at=-1,1")
    sweep = Sweep(tmp_path, "seed=7,8", "steps=50", "delay=0.1", "hydra.launcher.cpu_slots=1")
    sweep.until(lambda: list(tmp_path.glob("multirun/work-7-*/.slots/progress.json")))
    table = status(tmp_path)
    assert re.search(r"work-7-\S+ +running +\d+ s +\d+% step \d+/50; process \d+ on", table)
    assert re.search(r"work-8-\S+ +queued", table)
    assert len(re.findall(r"failed .*exit code 3", table)) == 2
    assert table.rstrip().endswith("multirun: 1 running, 2 failed, 1 queued, 2 done")
    sweep.process.kill()
    sweep.wait()
    assert re.search(r"work-7-\S+ +stopped .*is gone", status(tmp_path))
    assert gone(tmp_path)


def status(cwd: Path) -> str:
    command = [sys.executable, "-m", "hydra_plugins.slots_launcher", "multirun"]
    environment = {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True).stdout


def test_the_launcher_imports_nothing_of_this_project() -> None:
    """It is for other Hydra projects as well: a process that uses it has loaded no module of this package."""
    code = (
        "import sys, json, pkgutil, importlib, hydra_plugins.slots_launcher as package\n"
        "for found in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "    importlib.import_module(found.name)\n"
        "print(json.dumps(sorted(name.partition('.')[0] for name in sys.modules)))"
    )
    environment = {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    loaded = json.loads(done.stdout)
    assert "sentiment_transfer" not in loaded and "torch" not in loaded
    assert "hydra" in loaded


def test_the_little_program_knows_nothing_of_the_launcher() -> None:
    assert "hydra_plugins" not in APP.read_text()
