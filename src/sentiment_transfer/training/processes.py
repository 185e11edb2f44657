"""One run in several processes, one per device: started together, told to stop together, ended together.

The process that was asked for the run only watches. Its children, the ranks, get the configuration by pipe: no command
line is repeated, so no sweep is begun a second time, and it works from Ray's and submitit's workers as from a shell.
It alone listens to the signals that a terminal or a cluster sends to all of them, and hands them on. A rank that dies
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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import configure_log
from omegaconf import DictConfig

from sentiment_transfer.errors import UserError
from sentiment_transfer.training.interruption import REQUEUE, SIGNALS, TOLD, Interrupted, StopRequest, stop_request

GRACE = 10.0  # seconds that the others have after one failed: they mostly fail too, as it no longer answers
LOOK = 0.2  # seconds between looks at whether a signal came


@dataclass(frozen=True)
class Report:
    """How a rank ended."""

    rank: int
    at: float  # of the machine's monotonic clock
    error: UserError | None = None
    traceback: str = ""  # of any other error
    saved: str | None = None  # it was asked to stop: how far its state reaches
    deserted: bool = False  # the error is that another process no longer answered


@dataclass
class Rank:
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
        with suppress(EOFError, OSError):  # it ended without a word
            if self.report is None and self.pipe.poll():
                self.report = self.pipe.recv()

    def kill(self) -> None:
        if self.process.is_alive():
            self.killed = True
            self.process.kill()


def devices_of(config: DictConfig) -> int:
    """How many processes a run takes."""
    if config.trainer.devices != "auto":
        return int(config.trainer.devices)
    if config.trainer.accelerator in ("cpu", "mps"):
        return 1
    import torch

    return max(1, torch.cuda.device_count())


def run_on_devices(config: DictConfig, folder: Path, count: int) -> None:
    """Do what ``run`` does in ``count`` processes. Raises what it raises, and UserError where a process dies."""
    with TemporaryDirectory(prefix="ranks-") as rendezvous_file, stop_request() as stop:
        stop.patient = True
        with started(config, folder, count, Path(rendezvous_file) / "rendezvous_file") as ranks:
            watch(ranks, stop)
        raise_what_happened(ranks, stop)


@contextmanager
def started(config: DictConfig, folder: Path, count: int, rendezvous_file: Path) -> Iterator[list[Rank]]:
    spawn = multiprocessing.get_context("spawn")
    hydra = HydraConfig.instance().cfg if HydraConfig.initialized() else None
    ranks: list[Rank] = []
    resource_tracker.ensure_running()  # now, because it unblocks the signals
    try:
        # Blocked until the child has said what to do about them: before that, Ctrl-C would be a traceback.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (*SIGNALS, REQUEUE, TOLD))
        try:
            for number in range(count):
                ours, theirs = spawn.Pipe()
                arguments = (number, count, config, folder, rendezvous_file, hydra, theirs)
                process = spawn.Process(target=rank_main, args=arguments, name=f"rank-{number}")
                process.start()
                theirs.close()  # so that ours ends when the child does
                ranks.append(Rank(number, process, ours))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        yield ranks
    finally:
        for rank in ranks:
            rank.kill()
        for rank in ranks:
            rank.process.join()
            rank.pipe.close()


def watch(ranks: list[Rank], stop: StopRequest) -> None:
    """Come back when every rank has ended; what is left after one failed is killed."""
    told, deadline = False, float("inf")
    while alive := [rank for rank in ranks if rank.process.exitcode is None]:
        wait([rank.process.sentinel for rank in alive], LOOK)
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


def raise_what_happened(ranks: list[Rank], stop: StopRequest) -> None:
    """What one rank raised; of several, the cause: the others mostly complain that it does not answer."""
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
                "others were ended. The same command goes on from where the run was last saved."
            )
    for report in reports:
        if report.error is not None:
            raise report.error
        if report.traceback:
            raise RuntimeError(f"in process {report.rank + 1} of {len(ranks)}:\n{report.traceback}")


def _end(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "was killed (SIGKILL: by somebody, or by the system because memory was short)"
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


# In the child


def rank_main(
    rank: int,
    world: int,
    config: DictConfig,
    folder: Path,
    rendezvous_file: Path,
    hydra: DictConfig | None,
    pipe: Connection,
) -> None:
    """A rank from its start to its end; how it ended is sent up ``pipe``."""
    threading.Thread(target=_end_with, args=(pipe,), name="watcher", daemon=True).start()
    error, trace, saved, deserted = None, "", None, False
    try:
        with stop_request(told=True):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (*SIGNALS, REQUEUE, TOLD))
            _settle(rank, world, config, hydra)
            from sentiment_transfer.runs.train import run
            from sentiment_transfer.training.ranks import joined
            from sentiment_transfer.training.trainer import choose_accelerator

            with joined(rank, world, rendezvous_file, choose_accelerator(config.trainer.accelerator)) as ranks:
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
        os._exit(1)  # the others may not answer any more: an orderly end could wait for them for ever


def _deserted(error: BaseException | None) -> bool:
    """Whether an error came of another process's end: gloo, NCCL and torch's store say so in their own words."""
    while error is not None:
        if any(said in str(error) for said in ("by peer", "remote process exited", "NCCL communicator was aborted")):
            return True
        error = error.__cause__ or error.__context__
    return False


def _end_with(pipe: Connection) -> None:
    """End this process when its watcher is gone: nothing is ever sent down the pipe."""
    with suppress(EOFError, OSError):
        pipe.recv()
    os._exit(1)


def _settle(rank: int, world: int, config: DictConfig, hydra: DictConfig | None) -> None:
    """Threads, log and voice of this process, before it imports torch."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = config.trainer.threads or int(os.environ.get("OMP_NUM_THREADS") or cores)
    os.environ["OMP_NUM_THREADS"] = str(max(1, threads // world))
    os.environ |= {"LOCAL_RANK": str(rank), "NODE_RANK": "0"}  # by which Lightning knows that it need start nothing
    if rank == 0:
        if hydra is not None:
            configure_log(hydra.hydra.job_logging, hydra.hydra.verbose)
        return
    # One voice is enough. Errors are reported to the watcher; a crash of native code still reaches stderr.
    os.environ["TQDM_DISABLE"] = "1"
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  until the process ends
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
