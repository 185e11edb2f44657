"""What a program says about its finished jobs: beside each, and below all of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.helpers.runs import ROOT
from tests.launcher.sweeps import noted, swept

from hydra_plugins.slots_launcher._claims import latest, make_claim
from hydra_plugins.slots_launcher._progress import read_progress
from hydra_plugins.slots_launcher._status import statuses, time_left

HOOKS = """
import json

def scores(job):
    value = json.loads((job / "result.json").read_text())["score"]["value"]
    return [f"{name} {value}.5 [F1]" for name in ("first", "second")]

def closing(sweep, jobs):
    return [f"Compare {len(jobs)} of {sweep.name}"]

def broken(*arguments):
    raise KeyError("of the program's")
"""
SHOWN = ("hydra.launcher.scores=hooks:scores", "hydra.launcher.closing=hooks:closing")


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "hooks.py").write_text(HOOKS)
    return os.pathsep.join((str(ROOT / "src"), str(tmp_path)))


def status(cwd: Path, path: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "hydra_plugins.slots_launcher", *arguments]
    environment = {"PYTHONPATH": path, "COLUMNS": "200"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True).stdout


def test_finished_jobs_have_their_scores_also_those_that_were_done_before(tmp_path: Path, path: str) -> None:
    code, output = swept(tmp_path, "seed=0,1", *SHOWN, PYTHONPATH=path)
    assert code == 0, output
    assert len(re.findall(r"^done +work-1-\S+  in \S+ s  first 1\.5 \[F1\], second 1\.5 \[F1\]$", output, re.M)) == 1
    assert output.rstrip().endswith("2 jobs: 2 done\nCompare 2 of multirun")
    code, output = swept(tmp_path, "seed=0,1,2", *SHOWN, PYTHONPATH=path)
    assert len(re.findall(r"^before +work-[01]-\S+  first [01]\.5 \[F1\]", output, re.M)) == 2
    assert output.rstrip().endswith("3 jobs: 1 done, 2 done before\nCompare 3 of multirun")
    table = status(tmp_path, path, "--scores", "hooks:scores", "--closing", "hooks:closing", "multirun")
    assert len(re.findall(r"work-\d-\S+ +done +\S.* first \d\.5 \[F1\], second \d\.5 \[F1\]", table)) == 3
    assert table.rstrip().endswith("multirun: 3 done\nCompare 3 of multirun")


def test_an_error_of_the_programs_ends_no_sweep_and_shows_nothing(tmp_path: Path, path: str) -> None:
    broken = ("hydra.launcher.scores=hooks:broken", "hydra.launcher.closing=hooks:broken")
    code, output = swept(tmp_path, "seed=0", *broken, PYTHONPATH=path)
    assert code == 0
    assert output.rstrip().endswith("1 jobs: 1 done") and "Traceback" not in output


@pytest.mark.parametrize("name", ["hooks:nothing", "nowhere:scores", "scores"])
def test_a_function_that_there_is_not_is_refused_before_any_job(tmp_path: Path, path: str, name: str) -> None:
    code, output = swept(tmp_path, "seed=0", f"hydra.launcher.scores={name}", PYTHONPATH=path)
    assert code == 1
    assert f"{name} names no function" in output and "write module:function" in output
    assert noted(tmp_path, "starts") == []


def test_status_tells_from_files_alone_how_long_the_sweep_still_takes(tmp_path: Path) -> None:
    costs = {"done": 2.0, "running": 2.0, "loading": 1.0, "queued": 4.0}
    jobs = {name: [name, cost, None] for name, cost in costs.items()}
    (tmp_path / ".slots").mkdir()
    (tmp_path / ".slots" / "jobs.json").write_text(json.dumps({"fingerprint": "", "jobs": jobs}))
    for name, ago in (("done", 500), ("running", 60), ("loading", 10)):
        (tmp_path / name / ".hydra").mkdir(parents=True)
        (started := tmp_path / name / ".hydra" / "config.yaml").touch()
        os.utime(started, (time.time() - ago,) * 2)
    (result := tmp_path / "done" / "result.json").write_text("{}")
    os.utime(result, (time.time() - 300,) * 2)  # after 200 s
    for name in ("running", "loading"):
        assert make_claim(tmp_path / name, latest(tmp_path / name), [], lambda _: None)
    report = {"done": 0.25, "text": "epoch 1/4", "first": 0.0, "seconds": 50}  # 10 s, then 200: left 150
    (tmp_path / "running" / ".slots" / "progress.json").write_text(json.dumps(report))
    rows = {row.name: row for row in statuses(tmp_path)}
    assert [rows[name].state for name in costs] == ["done", "running", "running", "queued"]
    now = time.time()
    # Jobs of cost 2 take 205 s, so that of cost 1 is done in 102.5 - 10 s, and that of cost 4 takes 410 s from then.
    assert time_left(list(rows.values()), now) == pytest.approx(92.5 + 410, abs=5)
    assert re.match(r"25% epoch 1/4, 2 min \d+ s left; process \d+ on ", rows["running"].shown(now, 80))
    assert time_left([rows["done"], rows["queued"]], now) is None  # nobody is at it


@pytest.mark.parametrize("content", ["{}", "[]", '{"done": NaN}', '{"done": 0.5, "first": Infinity}', '{"done": "x"}'])
def test_a_progress_file_that_makes_no_sense_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "progress.json").write_text(content)
    assert read_progress(tmp_path / "progress.json") is None
