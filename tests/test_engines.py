"""Sweeps on other engines, and search: each where its optional package is installed, for real."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.helpers import slurm
from tests.helpers.runs import composed, finished, started

from sentiment_transfer.results.record import read_result

TINY = (
    "experiment=tiny",
    "source.written_en.limit=38",
    "targets=written_ja",
    "targets.written_ja.limit=20",
    "trainer.batch_size=8",
    "trainer.max_epochs=1",
    "trainer.keep_weights=false",
    "logger=none",
)


def needs(package: str, extra: str) -> pytest.MarkDecorator:
    reason = f"{package} is not installed: pip install -e '.[{extra}]'"
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=reason)


ray = needs("hydra_plugins.hydra_ray_launcher", "ray")
optuna = needs("hydra_plugins.hydra_optuna_sweeper", "optuna")
submitit = needs("hydra_plugins.hydra_submitit_launcher", "slurm")


@pytest.mark.parametrize(
    ("choice", "extra", "package"),
    [
        ("hydra/launcher=slurm", "slurm", "hydra_submitit_launcher"),
        ("hydra/launcher=ray", "ray", "hydra_ray_launcher"),
        ("hydra/sweeper=search", "optuna", "hydra_optuna_sweeper"),
    ],
)
def test_an_engine_that_is_not_installed_is_named_with_what_to_type(
    tmp_path: Path, choice: str, extra: str, package: str
) -> None:
    if importlib.util.find_spec(f"hydra_plugins.{package}"):
        pytest.skip(f"{package} is installed")
    code, output = finished(tmp_path, "-m", choice, *TINY)
    assert code == 1
    assert f"pip install -c constraints.txt -e '.[{extra}]'" in output
    assert "Traceback" not in output


@ray
@pytest.mark.slow
def test_a_sweep_that_ray_began_is_finished_by_the_launcher_of_one_machine(tmp_path: Path) -> None:
    declared = ("hydra.launcher.ray.init.num_cpus=2", "hydra.launcher.ray.init.num_gpus=2")
    declared = (*(f"+{option}" for option in declared), "hydra.launcher.ray.remote.num_gpus=0.5")
    code, output = finished(tmp_path, "-m", "hydra/launcher=ray", *declared, *TINY, "seed=0,1", timeout=300)
    assert code == 0, output
    results = sorted((tmp_path / "multirun").glob("*/result.json"))
    before = [path.read_bytes() for path in results]
    assert len(before) == 2
    code, output = finished(tmp_path, "-m", *TINY, "seed=0,1,2", timeout=300)
    assert code == 0, output
    assert "3 jobs: 1 done, 2 done before" in output
    assert [path.read_bytes() for path in results] == before


@optuna
@pytest.mark.slow
def test_a_search_maximises_the_accuracy_on_the_sources_development_set(tmp_path: Path) -> None:
    trials = ("hydra.sweeper.n_trials=2", "hydra.sweeper.n_jobs=2")
    code, output = finished(tmp_path, "-m", "hydra/sweeper=search", *trials, *TINY, timeout=300)
    assert code == 0, output
    results = [read_result(path.parent) for path in (tmp_path / "multirun").glob("*/result.json")]
    accuracies = [result["selections"]["source_dev"]["source_dev_accuracy"] for result in results]
    assert len(accuracies) == 2
    rates = {result["config"]["optimizer"]["learning_rate"] for result in results}
    assert len(rates) == 2 and all(5e-6 <= rate <= 1e-4 for rate in rates)
    best = (tmp_path / "multirun" / "optimization_results.yaml").read_text()
    assert float(re.search(r"best_value: (\S+)", best)[1]) == max(accuracies)  # type: ignore[index]
    code, output = finished(tmp_path, "-m", "hydra/sweeper=search", *trials, *TINY, timeout=300)
    assert code == 0, output
    assert "2 jobs: 0 done, 2 done before" in output


@submitit
def test_slurm_is_asked_for_a_gpu_and_for_requeueing() -> None:
    from hydra import compose, initialize_config_dir
    from tests.helpers.runs import ROOT

    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        options = ["hydra/launcher=slurm", "experiment=tiny"]
        launcher = compose("config", overrides=options, return_hydra_config=True).hydra.launcher
    assert launcher._target_.endswith("SlurmLauncher")
    assert launcher.gpus_per_node == 1
    assert launcher.additional_parameters.requeue is True
    assert launcher.signal_delay_s >= 60


@submitit
@pytest.mark.slow
def test_a_sweep_on_slurm_is_requeued_and_leaves_the_same_directories(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two jobs; one is taken off in the middle, saves, is requeued by submitit, and goes on where it was."""
    if reason := slurm.why_not():
        pytest.skip(reason)
    cwd = tmp_path_factory.mktemp("on-slurm")
    with TemporaryDirectory(prefix="slurm-") as folder, slurm.cluster(Path(folder)) as environment:
        here = ("hydra.launcher.gpus_per_node=null", "hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=null")
        job = (*TINY, "trainer.max_epochs=40", "seed=0,1")
        # submitit starts its workers with this interpreter; partition and account are the cluster's own defaults.
        environment |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        sweep = started(cwd, "-m", "hydra/launcher=slurm", *here, *job, **environment)
        try:
            saved = cwd / "multirun"
            wait_for(lambda: next(saved.glob("*-s0-*/checkpoints/last.ckpt"), None), sweep)
            running = slurm.slurm(environment, "squeue", "-h", "-o", "%A_%a %i %T").splitlines()
            first = next(line.split()[1] for line in running if line.endswith("RUNNING"))
            slurm.slurm(environment, "scancel", "--signal=USR2", first)
            output, _ = sweep.communicate(timeout=400)
        finally:
            sweep.kill()
            sweep.wait()
        assert sweep.returncode == 0, output
        logs = "".join(path.read_text() for path in saved.glob(".submitit/*/*.out"))
        logs += "".join(path.read_text() for path in saved.glob(".submitit/*/*.err"))
        assert "Resuming from" in logs + "".join(path.read_text() for path in saved.glob("*/train.log"))
        assert "equeue" in logs
    code, output = finished(cwd, "-m", *job, timeout=60)
    assert code == 0
    assert "2 jobs: 0 done, 2 done before" in output


def wait_for(there: Callable[[], object], process: subprocess.Popen[str], seconds: float = 200) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the moment did not come"
        time.sleep(0.2)


def test_the_engines_leave_the_run_as_it_is() -> None:
    assert "hydra" not in composed("experiment=tiny")
