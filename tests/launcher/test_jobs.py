"""Composing: each job's directory and cost, remembered for as long as nothing that they come from has changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf

from hydra_plugins.slots_launcher._endings import meaning
from hydra_plugins.slots_launcher._jobs import Job, find_jobs
from hydra_plugins.slots_launcher._progress import duration

CONFIG = """
defaults: [{override hydra/launcher: slots}, _self_]
seed: 0
size: 2
unit: ${oc.env:UNIT,1}
hydra:
  sweep: {dir: SWEEP, subdir: "job${seed}-${unit}"}
  launcher: {cost: "${size}"}
"""


class Loader(ConfigLoaderImpl):
    composed = 0

    def load_sweep_config(self, *arguments: Any) -> Any:
        self.composed += 1
        return super().load_sweep_config(*arguments)


@pytest.fixture
def conf(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "app.yaml").write_text(CONFIG.replace("SWEEP", str(tmp_path / "sweep")))
    yield folder
    OmegaConf.clear_resolver("job_key")


def found(conf: Path, *overrides: list[str], hydra: tuple[str, ...] = ()) -> tuple[list[Job], int]:
    """The jobs, and how many configurations were composed to find them."""
    loader = Loader(create_config_search_path(str(conf)))
    master = loader.load_configuration("app", ["hydra.mode=MULTIRUN", *hydra], RunMode.MULTIRUN)
    return find_jobs(loader, master, overrides), loader.composed


def test_directory_and_cost_come_from_each_jobs_own_configuration(conf: Path) -> None:
    jobs, _ = found(conf, ["seed=1"], ["seed=2", "size=7"])
    assert [(job.name, job.cost, job.number) for job in jobs] == [("job1-1", 2.0, 0), ("job2-1", 7.0, 1)]


def test_jobs_with_one_directory_are_one(conf: Path) -> None:
    jobs, _ = found(conf, ["seed=1"], ["seed=2"], ["seed=1", "size=2"])
    assert [(job.name, job.twins) for job in jobs] == [("job1-1", [2]), ("job2-1", [])]


def test_a_name_is_the_whole_way_from_the_sweeps_directory(conf: Path) -> None:
    (conf / "app.yaml").write_text((conf / "app.yaml").read_text().replace("job${seed}", "./size${size}//job${seed}"))
    jobs, _ = found(conf, ["seed=1"], ["seed=1", "size=7"])
    assert [job.name for job in jobs] == ["size2/job1-1", "size7/job1-1"]
    assert all(job.folder == conf.parent / "sweep" / job.name for job in jobs)


@pytest.mark.parametrize("name", ["''", "./", "a/.."])
def test_a_job_without_a_directory_of_its_own_is_refused(conf: Path, name: str) -> None:
    (conf / "app.yaml").write_text((conf / "app.yaml").read_text().replace('"job${seed}-${unit}"', name))
    with pytest.raises(HydraException, match="every job needs a directory of its own"):
        found(conf, ["seed=1"])


def test_the_same_command_composes_nothing_again(conf: Path) -> None:
    first, composed = found(conf, ["seed=1"], ["seed=2"])
    assert composed == 2
    again, composed = found(conf, ["seed=1"], ["seed=2"], ["seed=3"])
    assert composed == 1
    assert again[:2] == first


def test_options_of_the_launcher_compose_nothing_again(conf: Path) -> None:
    found(conf, ["seed=1"])
    assert found(conf, ["seed=1"], hydra=("hydra.launcher.fail_fast=true", "hydra.launcher.only=[job1-1]"))[1] == 0
    assert found(conf, ["seed=1"], hydra=("hydra.verbose=true",))[1] == 1


def test_a_changed_file_or_variable_composes_again(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found(conf, ["seed=1"])
    monkeypatch.setenv("UNIT", "5")
    jobs, composed = found(conf, ["seed=1"])
    assert (composed, jobs[0].name) == (1, "job1-5")
    (conf / "app.yaml").write_text((conf / "app.yaml").read_text().replace("size: 2", "size: 3"))
    jobs, composed = found(conf, ["seed=1"])
    assert (composed, jobs[0].cost) == (1, 3.0)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"fingerprint": 1}'])
def test_a_damaged_index_is_made_anew(conf: Path, tmp_path: Path, content: str) -> None:
    found(conf, ["seed=1"])
    (tmp_path / "sweep" / ".slots" / "jobs.json").write_text(content)
    jobs, composed = found(conf, ["seed=1"])
    assert (composed, jobs[0].name) == (1, "job1-1")
    assert found(conf, ["seed=1"])[1] == 0


def test_durations_are_no_finer_than_needed() -> None:
    assert [duration(s) for s in (9.4, 61, 3599, 7300)] == ["9 s", "1 min 1 s", "59 min 59 s", "2 h 1 min"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "left no result.json"),
        (1, "exit code 1"),
        (-9, "was killed (SIGKILL)"),
        (-11, "was stopped by SIGSEGV"),
        (143, "was stopped by SIGTERM"),
        (250, "exit code 250"),
    ],
)
def test_an_exit_code_is_said_in_words(code: int, said: str) -> None:
    assert said in meaning(code, "result.json")
