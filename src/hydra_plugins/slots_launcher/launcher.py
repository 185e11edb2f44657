"""``hydra/launcher=slots``: the plugin that Hydra finds, and the sweeper that goes with it."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.utils import JobReturn, JobStatus, configure_log, setup_globals
from hydra.errors import CompactHydraException, HydraException
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.slots_launcher._claims import FOLDER
from hydra_plugins.slots_launcher._command import job_command
from hydra_plugins.slots_launcher._endings import (
    Ending,
    refusal,
    show_closing,
    show_failures,
    show_finished_before,
    value_of,
)
from hydra_plugins.slots_launcher._hooks import Hooks
from hydra_plugins.slots_launcher._jobs import Job, find_jobs
from hydra_plugins.slots_launcher._options import Options, register
from hydra_plugins.slots_launcher._others import Clock, Others

register()


class JobsFailed(CompactHydraException):
    """Some jobs failed; they have been listed with their logs."""


class SweepRefused(CompactHydraException):
    """The system refused what a sweep needs before any job: its directory, mostly."""


class FailedJob(JobReturn):
    """Raises when its value is asked for, as Hydra's own does, but without a line to stderr: the list was printed."""

    @property
    def return_value(self) -> Any:
        raise self._return_value

    @return_value.setter
    def return_value(self, value: Any) -> None:
        self._return_value = value


class SlotsLauncher(Launcher):
    """Runs each job as a process of its own. Options: see ``_options.Options``, or docs/launcher.md."""

    def __init__(self, **options: Any) -> None:
        options = {
            k: OmegaConf.to_container(v, resolve=True) if OmegaConf.is_config(v) else v for k, v in options.items()
        }
        self.options = Options(**options)
        self.config: DictConfig
        self.hydra_context: HydraContext

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.hydra_context = config, hydra_context

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run what is not done; one JobReturn per list of overrides, whose value raises where the job failed."""
        # Here, so that a plain run, which finds this plugin as well, does not pay for rich and the rest.
        from hydra_plugins.slots_launcher._display import Display
        from hydra_plugins.slots_launcher._signals import listening
        from hydra_plugins.slots_launcher._slots import make_slots
        from hydra_plugins.slots_launcher._sweep import Sweep

        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        display = Display()
        slots, hooks = make_slots(self.options), self._hooks()
        loader = self.hydra_context.config_loader
        jobs = self._chosen(find_jobs(loader, self.config, job_overrides, initial_job_idx, display.say))
        sweep_dir = Path(str(self.config.hydra.sweep.dir)).absolute()
        display.say(f"{len(jobs)} jobs in {os.path.relpath(sweep_dir)}, {len(slots)} at a time ({described(slots)})")
        with listening() as signals, display:
            others = Others(Clock(sweep_dir / FOLDER / "clock"), self.options.stale_after)
            endings = Sweep(jobs, slots, self.options, self._command, display, signals, others, hooks).run()
        show_finished_before(display, endings, hooks)
        failed = [ending for ending in endings if ending.what == "failed"]
        if failed:
            show_failures(display.console, failed)
        display.say(summary(endings, len(jobs)), "bold")
        if not signals.stops:
            show_closing(display, sweep_dir, endings, hooks)
        if signals.stops:
            signal.raise_signal(signals.stops[0])  # now that its handler is the program's own again
        return self._returns(job_overrides, initial_job_idx, endings)

    def _hooks(self) -> Hooks:
        try:
            return Hooks(self.options.outdated, self.options.scores, self.options.closing)
        except ValueError as error:
            raise HydraException(f"hydra.launcher: {error}") from error

    def _chosen(self, jobs: list[Job]) -> list[Job]:
        only = {os.path.normpath(name) for name in map(str, self.options.only)}
        if unknown := only - {job.name for job in jobs}:
            raise HydraException(
                f"hydra.launcher.only names {', '.join(sorted(unknown))}, which this sweep has not: give directory "
                "names of jobs of the same command."
            )
        return [job for job in jobs if job.name in only] if only else jobs

    def _command(self, job: Job) -> list[str]:
        overrides = [*job.overrides, *filter(None, [job.smaller(self.options.out_of_memory_halves)])]
        return job_command(self.config, overrides, job.number, job.folder)

    def _returns(self, job_overrides: Sequence[Sequence[str]], first: int, endings: list[Ending]) -> list[JobReturn]:
        failures = sum(ending.what == "failed" for ending in endings)
        error = JobsFailed(f"{failures} of {len(endings)} jobs failed; they are listed above.")
        by_number = {number: e for e in endings for number in (e.job.number, *e.job.twins)}
        returns = []
        for number, overrides in enumerate(job_overrides, first):
            ending = by_number.get(number)
            done = ending.what in ("done", "skipped") if ending else not failures  # none: not chosen, or not begun
            kind, status, value = (
                (JobReturn, JobStatus.COMPLETED, None) if done else (FailedJob, JobStatus.FAILED, error)
            )
            ended = kind(overrides=list(overrides), status=status, _return_value=value)
            if ending is not None:
                ended.working_dir, ended.task_name = str(ending.job.folder), ending.job.name
                if done:
                    ended._return_value = value_of(ending.job.folder / self.options.done_file, self.options.value_key)
            returns.append(ended)
        return returns


class SlotsSweeper(BasicSweeper):
    """Hydra's own sweeper, which does not compose every job beforehand where the launcher does."""

    def sweep(self, arguments: list[str]) -> Any:
        try:
            return super().sweep(arguments)
        except OSError as error:
            if isinstance(error, HydraException):  # a missing configuration is both
                raise
            folder = Path(error.filename or str(self.config.hydra.sweep.dir))  # type: ignore[union-attr]
            raise SweepRefused(f"The sweep cannot begin: {refusal(error, folder)}.") from error

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        if not isinstance(self.launcher, SlotsLauncher):
            super().validate_batch_is_legal(batch)


def described(slots: Sequence[Any]) -> str:
    names = [slot.name for slot in slots]
    threads = slots[0].environment["OMP_NUM_THREADS"]
    where = ", ".join(names) if len(names) <= 4 else f"{names[0]} to {names[-1]}"
    return f"{where}; {threads} CPU thread{'s' if threads != '1' else ''} each"


def summary(endings: Sequence[Ending], total: int) -> str:
    count = Counter(ending.what for ending in endings)
    parts = [f"{count['done']} done"]
    parts += [f"{count['skipped']} done before"] if count["skipped"] else []
    parts += [f"{count['failed']} failed"] if count["failed"] else []
    parts += [f"{count['stopped']} stopped"] if count["stopped"] else []
    parts += [f"{total - len(endings)} not begun"] if total > len(endings) else []
    return f"{total} jobs: " + ", ".join(parts)
