"""One run in several processes, one per device: started together, told to stop together, ended together.

The process that was asked for the run only watches. Its children, the ranks, get the configuration through a pipe: no
command line is repeated, so no sweep starts twice, and Ray's and submitit's workers do the same as a shell. Only the
watcher listens to the signals that a terminal or a cluster sends to all of them, and passes them on. A rank that dies
ends the others; ranks whose watcher is gone end themselves. Imports no torch.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import configure_log
from omegaconf import DictConfig

from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.training_options import TrainerConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.output import outlast_output
from sentiment_transfer.training.interruption import REQUEUE, SIGNALS, TOLD, Interrupted, StopRequest, stop_request

if TYPE_CHECKING:
    from sentiment_transfer.training.ranks import Ranks

RunFunction = Callable[[Config, Path, "Ranks"], object]

GRACE = 10.0  # seconds until the others are killed after one failed: most fail themselves within this time
POLL = 0.2  # seconds between checks for a signal


@dataclass(frozen=True)
class Report:
    """The end of a rank: its error, if there was one."""

    rank: int
    at: float  # seconds of the monotonic clock, which all processes of a machine share
    error: UserError | None = None
    traceback: str = ""  # of any other error
    saved: str | None = None  # where a rank that was asked to stop saved its state
    deserted: bool = False  # the error is that another process ended


@dataclass
class RankProcess:
    number: int
    process: BaseProcess
    pipe: Connection
    report: Report | None = None
    killed: bool = False  # by us

    @property
    def failed(self) -> bool:
        if self.report is not None:
            return bool(self.report.error or self.report.traceback) or self.report.saved == ""
        return self.process.exitcode not in (None, 0)

    def listen(self) -> None:
        with suppress(EOFError, OSError):  # it ended without a report
            if self.report is None and self.pipe.poll():
                self.report = self.pipe.recv()

    def kill(self) -> None:
        if self.process.is_alive():
            self.killed = True
            self.process.kill()


def devices_of(trainer: TrainerConfig) -> int:
    """The number of processes of a run: one for each device."""
    if trainer.devices != "auto":
        return int(trainer.devices)
    if trainer.accelerator in ("cpu", "mps"):
        return 1
    import torch

    return max(1, torch.cuda.device_count())


def run_on_devices(run: RunFunction, config: Config, folder: Path, count: int) -> None:
    """Call ``run(config, folder, ranks)`` in ``count`` processes. Raises what it raises, and UserError if one dies.

    ``run`` is pickled by its name: its module must not import torch, which the new processes set up first.
    """
    with TemporaryDirectory(prefix="ranks-") as temporary, stop_request() as stop:
        stop.patient = True
        with _started(run, config, folder, count, Path(temporary) / "rendezvous_file") as processes:
            _watch(processes, stop)
        raise_cause(processes, stop)


@contextmanager
def _started(
    run: RunFunction, config: Config, folder: Path, count: int, rendezvous_file: Path
) -> Iterator[list[RankProcess]]:
    spawn = multiprocessing.get_context("spawn")
    hydra = HydraConfig.instance().cfg if HydraConfig.initialized() else None
    ranks: list[RankProcess] = []
    resource_tracker.ensure_running()  # now, because it unblocks the signals
    try:
        # Blocked until the child has set its handlers: before that, Ctrl-C would print a traceback.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (*SIGNALS, REQUEUE, TOLD))
        try:
            for number in range(count):
                ours, theirs = spawn.Pipe()
                arguments = (run, number, count, config, folder, rendezvous_file, hydra, theirs)
                process = spawn.Process(target=_rank_main, args=arguments, name=f"rank-{number}")
                process.start()
                theirs.close()  # so that ours ends when the child does
                ranks.append(RankProcess(number, process, ours))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        yield ranks
    finally:
        for rank in ranks:
            rank.kill()
        for rank in ranks:
            rank.process.join()
            rank.pipe.close()


def _watch(ranks: list[RankProcess], stop: StopRequest) -> None:
    """Return when every rank has ended; those that run on after one failed are killed."""
    told, deadline = False, float("inf")
    while alive := [rank for rank in ranks if rank.process.exitcode is None]:
        wait([rank.process.sentinel for rank in alive], POLL)
        if stop.signum is not None and not told:
            told = True
            for rank in alive:
                os.kill(rank.process.pid, TOLD)  # type: ignore[arg-type]
        for rank in ranks:
            rank.listen()
        if deadline == float("inf") and any(rank.failed for rank in ranks):
            deadline = time.monotonic() + GRACE
        if time.monotonic() > deadline:
            for rank in alive:
                rank.kill()
    for rank in ranks:
        rank.listen()


def raise_cause(ranks: list[RankProcess], stop: StopRequest) -> None:
    """Raise the error of a failed rank; of several, the first: the others mostly report that it stopped answering."""
    reports = sorted((rank.report for rank in ranks if rank.report is not None), key=lambda r: (r.deserted, r.at))
    if reports and reports[0].error is not None and not reports[0].deserted:
        raise reports[0].error
    if stop.signum is not None:
        saved = {report.saved for report in reports}
        raise Interrupted(stop.signum, saved.pop() or "" if len(saved) == 1 and len(reports) == len(ranks) else "")
    for rank in ranks:
        if rank.report is None and not rank.killed:
            raise UserError(
                f"Process {rank.number + 1} of the {len(ranks)} of this run {_end(rank.process.exitcode)}, so the "
                "others were ended. The same command continues from the last checkpoint."
            )
    for report in reports:
        if report.error is not None:
            raise report.error
        if report.traceback:
            raise RuntimeError(f"in process {report.rank + 1} of {len(ranks)}:\n{report.traceback}")


def _end(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "was killed (SIGKILL: by a user, or by the system because memory was short)"
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


# In the child


def _rank_main(
    run: RunFunction,
    rank: int,
    world_size: int,
    config: Config,
    folder: Path,
    rendezvous_file: Path,
    hydra: DictConfig | None,
    pipe: Connection,
) -> None:
    """Run one rank; its report is sent through ``pipe``."""
    threading.Thread(target=_end_with, args=(pipe,), name="watcher", daemon=True).start()
    error, trace, saved, deserted = None, "", None, False
    try:
        with stop_request(told=True):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (*SIGNALS, REQUEUE, TOLD))
            _set_up(rank, world_size, config, hydra)
            from sentiment_transfer.training.ranks import joined
            from sentiment_transfer.training.trainer import choose_accelerator

            with joined(rank, world_size, rendezvous_file, choose_accelerator(config.trainer.accelerator)) as ranks:
                run(config, folder, ranks)
    except Interrupted as interrupted:
        saved = interrupted.saved
    except UserError as user:
        error, deserted = user, _deserted(user)
    except BaseException as bug:
        trace, deserted = traceback.format_exc(), _deserted(bug)
    with suppress(BrokenPipeError):
        pipe.send(Report(rank, time.monotonic(), error, trace, saved, deserted))
    sys.stdout.flush()
    if error or trace or saved is not None:
        os._exit(1)  # the others may have ended: an orderly shutdown could wait for them for ever


def _deserted(error: BaseException | None) -> bool:
    """True if the error is that another process ended, as gloo, NCCL and torch's store report it."""
    messages = ("by peer", "remote process exited", "NCCL communicator was aborted")
    while error is not None:
        if any(message in str(error) for message in messages):
            return True
        error = error.__cause__ or error.__context__
    return False


def _end_with(pipe: Connection) -> None:
    """End this process when its watcher is gone: nothing is ever sent down the pipe."""
    with suppress(EOFError, OSError):
        pipe.recv()
    os._exit(1)


def _set_up(rank: int, world_size: int, config: Config, hydra: DictConfig | None) -> None:
    """Threads, log and output of this process, before it imports torch."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = config.trainer.threads or int(os.environ.get("OMP_NUM_THREADS") or cores)
    os.environ["OMP_NUM_THREADS"] = str(max(1, threads // world_size))
    os.environ |= {"LOCAL_RANK": str(rank), "NODE_RANK": "0"}  # tells Lightning not to start processes
    outlast_output()
    if rank == 0:
        if hydra is not None:
            configure_log(hydra.hydra.job_logging, hydra.hydra.verbose)
        return
    # Only the first process prints and logs. The watcher gets the errors; a crash of native code reaches stderr.
    os.environ["TQDM_DISABLE"] = "1"
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  until the process ends
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
