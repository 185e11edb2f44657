"""A run within a program that goes on: what a command's own process would have, and nothing of it afterwards."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from hydra.conf import HydraConf, JobConf, OverridesConf, RuntimeConf
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from sentiment_transfer.cli import no_trace_of_refusals
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import sentence_of
from sentiment_transfer.startup import import_lightning, let_threads_wait_briefly
from sentiment_transfer.training.interruption import Interrupted, StopRequest, stop_request

PACKAGE = "sentiment_transfer"
DATED = "[%(asctime)s][%(name)s][%(levelname)s] %(message)s"  # as conf/hydra/default.yaml has it
CUBLAS = "CUBLAS_WORKSPACE_CONFIG"  # which Lightning sets where a run is deterministic


class RunInterrupted(KeyboardInterrupt):
    """Ctrl-C, or a notebook's interrupt: the run was saved, and the same call goes on from there."""

    def _render_traceback_(self) -> list[str]:
        """Asked by IPython."""
        return [str(self)]


@contextmanager
def as_command(program: str, overrides: Sequence[str], folder: Path, config: DictConfig | None) -> Iterator[None]:
    """Compute in ``folder`` as ``program`` (train.py) does with these ``overrides``: its log, its files, its signals.

    ``config``: the composed configuration, kept for a run that can be continued; None for one that is repeated. Raises
    RunInterrupted for Ctrl-C, and UserError where the folder cannot be written.
    """
    job = program.removesuffix(".py")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if config is not None:
            (folder / ".hydra").mkdir(exist_ok=True)
            OmegaConf.save(config, folder / ".hydra" / "config.yaml")
            OmegaConf.save(OmegaConf.create(list(overrides)), folder / ".hydra" / "overrides.yaml")
        log = logging.FileHandler(folder / f"{job}.log", encoding="utf-8")
    except OSError as error:
        raise UserError(sentence_of(error, Path(error.filename or folder))) from error
    try:
        with (
            warnings.catch_warnings(),
            _arguments(program, overrides),
            _hydra_of_the_run(job, overrides, folder),
            no_trace_of_refusals(folder),
            _logged(log),
            stop_request() as stop,
        ):
            _import_torch(stop)
            with _torch_as_it_starts():
                yield
    except Interrupted as stopped:
        if stopped.signum != signal.SIGINT:
            signal.raise_signal(stopped.signum)  # the program's own to answer: the run is saved
        saved = f"Saved at {stopped.saved}. " if stopped.saved else ""
        raise RunInterrupted(f"interrupted: {saved}The same call goes on from where this run was last saved.") from None


def _import_torch(stop: StopRequest) -> None:
    """An import that is interrupted half-way fails the next time: Ctrl-C waits for it."""
    let_threads_wait_briefly()
    stop.patient = True
    import_lightning()
    import sentiment_transfer.runs.evaluate
    import sentiment_transfer.runs.train  # noqa: F401

    stop.patient = False
    if stop.signum is not None:
        raise Interrupted(stop.signum)


@contextmanager
def _arguments(program: str, overrides: Sequence[str]) -> Iterator[None]:
    """The command line that a record shows, in place of the program's, which a notebook's is a path of the machine."""
    before = sys.argv
    sys.argv = [program, *overrides]
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _hydra_of_the_run(job: str, overrides: Sequence[str], folder: Path) -> Iterator[None]:
    """The answers to what the run asks Hydra about itself; a program's own Hydra is back at the end."""
    hydra = HydraConf(
        overrides=OverridesConf(task=list(overrides)),
        job=JobConf(name=job),
        runtime=RuntimeConf(output_dir=str(folder)),
        job_logging=_log_of_processes(folder / f"{job}.log"),
    )
    instance = HydraConfig.instance()
    before = instance.cfg
    instance.cfg = cast(HydraConf, OmegaConf.create({"hydra": hydra}))
    try:
        yield
    finally:
        instance.cfg = before


@contextmanager
def _logged(file: logging.FileHandler) -> Iterator[None]:
    """Into the run's log, and onto standard error where the program has no handlers of its own."""
    file.setFormatter(logging.Formatter(DATED))
    root, ours = logging.getLogger(), logging.getLogger(PACKAGE)
    level = ours.level
    shown = None if root.handlers else logging.StreamHandler()
    root.addHandler(file)
    if shown is not None:
        shown.setLevel(logging.WARNING)
        root.addHandler(shown)
    if level == logging.NOTSET:
        ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.setLevel(level)
        for handler in (file, shown):
            if handler is not None:
                root.removeHandler(handler)
                handler.close()


def _log_of_processes(path: Path) -> dict[str, Any]:
    """For the processes of a run on several devices, which set up a log of their own."""
    return {
        "version": 1,
        "formatters": {"dated": {"format": DATED}},
        "handlers": {
            "file": {"class": "logging.FileHandler", "filename": str(path), "encoding": "utf-8", "formatter": "dated"}
        },
        "root": {"level": "INFO", "handlers": ["file"]},
        "disable_existing_loggers": False,
    }


@contextmanager
def _torch_as_it_starts() -> Iterator[None]:
    """torch's settings as a new process has them, and the program's again at the end. Threads are the program's, as
    they are OMP_NUM_THREADS' on the command line, unless an option sets them."""
    import torch

    threads, kind, products = torch.get_num_threads(), torch.get_default_dtype(), torch.get_float32_matmul_precision()
    strict, only_warns = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    benchmark, random = torch.backends.cudnn.benchmark, torch.get_rng_state()
    workspace: Any = os.environ.get(CUBLAS)
    torch.set_default_dtype(torch.float32)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(False)
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(kind)
        torch.set_float32_matmul_precision(products)
        torch.use_deterministic_algorithms(strict, warn_only=only_warns)
        torch.backends.cudnn.benchmark = benchmark
        torch.set_rng_state(random)
        if workspace is None:
            with suppress(KeyError):
                del os.environ[CUBLAS]
        else:
            os.environ[CUBLAS] = workspace
