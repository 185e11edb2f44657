"""Runs in tests: composed as on the command line, in this process or in one of their own."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from sentiment_transfer import cli
from sentiment_transfer.config.registration import register
from sentiment_transfer.results.record import RunResult, read_result

ROOT = Path(__file__).parents[2]
register()

# A run of about two seconds: what most tests of a run start from.
SMALL = (
    "experiment=tiny",
    "source.written_en.limit=256",
    "targets.written_ja.limit=100",
    "targets.written_id.limit=100",
    "trainer.max_epochs=2",
    "logger.progress_bar=false",
)
LOGGED = (  # quick, and a point of the curves at every step
    *SMALL,
    "source.written_en.limit=64",
    "targets.written_ja.limit=20",
    "targets.written_id.limit=20",
    "logger.log_every=1",
    "trainer.keep_weights=false",
)
TIMES = ("created", "performance", "command", "git")  # what may differ between two runs of one configuration


def composed(*overrides: str) -> DictConfig:
    """The configuration of ``python train.py overrides...``."""
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        return compose("config", overrides=list(overrides))


@functools.cache
def _composed_once(*overrides: str) -> DictConfig:
    return composed(*overrides)  # 0.3 s, and many tests run one configuration again and again


def trained(folder: Path, *overrides: str) -> RunResult:
    """The result of ``python train.py overrides...`` with ``folder`` as its run directory."""
    folder.mkdir(parents=True, exist_ok=True)
    cli.train(deepcopy(_composed_once(*overrides)), str(folder))
    return read_result(folder)


def same_numbers(one: RunResult, other: RunResult) -> bool:
    return {k: v for k, v in one.items() if k not in TIMES} == {k: v for k, v in other.items() if k not in TIMES}


def started(cwd: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """``python train.py arguments...`` in ``cwd``, output and errors together on its ``stdout``."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *arguments],
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(cwd: Path, *arguments: str, timeout: float = 120, **environment: str) -> tuple[int, str]:
    """Exit code and output of ``python train.py arguments...`` in ``cwd``."""
    process = started(cwd, *arguments, **environment)
    output, _ = process.communicate(timeout=timeout)
    return process.returncode, output
