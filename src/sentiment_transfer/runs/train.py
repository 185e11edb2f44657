"""One run, top to bottom: read, tokenise, train, score, record."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from rich.console import Console

from sentiment_transfer.config.protocol import starts_from_source_run
from sentiment_transfer.config.run_name import group_name, model_name, run_name
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.trainer_arguments import MAX_STEPS
from sentiment_transfer.config.typed import plain
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.ulmfit.classifier import UlmfitClassifier
from sentiment_transfer.results.inputs import Inputs
from sentiment_transfer.results.record import RunResult, is_finished, read_result
from sentiment_transfer.results.tables import audit_table
from sentiment_transfer.runs.build import caveats, prepare
from sentiment_transfer.runs.directory import remove_what_is_not_needed, run_directory
from sentiment_transfer.runs.fitting import fit_or_take_over, selections
from sentiment_transfer.runs.language_stage import learn_language
from sentiment_transfer.runs.own_errors import own_errors_as_sentences
from sentiment_transfer.runs.record import finish, run_info
from sentiment_transfer.runs.score import Scored, network_predict, refuse_other_than_logged, score
from sentiment_transfer.runs.source_model import SourceModel, source_model
from sentiment_transfer.tracking.guarded import Finished, Guarded
from sentiment_transfer.tracking.loggers import RunFacts, make_loggers
from sentiment_transfer.training.bar import lines_above_the_bar
from sentiment_transfer.training.callbacks import make_callbacks, refuse_unusable_monitors, with_loggers
from sentiment_transfer.training.checkpoints import RunCheckpoints, last_checkpoint
from sentiment_transfer.training.interruption import Interrupted, StopRequest, stop_request
from sentiment_transfer.training.plan import planned
from sentiment_transfer.training.progress import RunProgress, progress_reports
from sentiment_transfer.training.ranks import ALONE, Ranks
from sentiment_transfer.training.self_check import SelfCheck
from sentiment_transfer.training.trainer import make_trainer, quiet_lightning

log = logging.getLogger(__name__)


def run(config: Config, folder: Path, ranks: Ranks = ALONE) -> RunResult | None:
    """Run a validated and resolved ``config`` in ``folder``, or continue it from its last checkpoint.

    Of several processes that share the run, only the main one locks the directory, writes and returns the result.
    Raises UserError for errors that the user can correct, and Interrupted if a signal stopped the run.
    """
    log.info("Run %s in %s", run_name(config), folder)
    with (
        run_directory(folder, lock=ranks.is_main),
        own_errors_as_sentences(config),
        stop_request(told=ranks.world_size > 1) as stop,
    ):
        # Another process may have finished it before this one got the lock.
        if ranks.all_reduce_max(ranks.is_main and is_finished(folder)):
            return read_result(folder)
        start = None
        if starts_from_source_run(config):
            alone = partial(compute, stop=stop, console=Console(), ranks=ranks)
            train = alone if ranks.world_size == 1 else refuse_source_alone
            start = source_model(config, folder, train)
        return compute(config, folder, stop, Console(quiet=not ranks.is_main), ranks, start)


def refuse_source_alone(config: Config, folder: Path) -> None:
    raise UserError(
        "A few-shot run on several devices starts from a finished run on its source, and none was found. Train that "
        "first: the same command with protocol=zero_shot."
    )


def compute(
    config: Config,
    folder: Path,
    stop: StopRequest,
    console: Console,
    ranks: Ranks,
    start: SourceModel | None = None,
) -> RunResult | None:
    """Train, from the weights of ``start`` if given, score and record; ``result.json`` is written last."""
    started = time.monotonic()
    quiet_lightning()
    if config.trainer.threads:
        torch.set_num_threads(max(1, config.trainer.threads // ranks.world_size))

    callbacks = make_callbacks(config.callbacks)  # one that cannot be made is refused before anything is read
    parts = prepare(config, ranks, start=start)
    data, tokenizer, module, inputs = parts
    module.source_dev = {s.name: len(s.reviews) for s in data.dev_sets if s.name in data.source}
    module.max_steps = config.trainer.extra.get(MAX_STEPS)
    refuse_unusable_monitors(callbacks, module.dev_names, list(module.source_dev))
    console.print(audit_table(data.audit))
    gc.enable()  # cli.train disabled it

    between_points = config.logger.steps_between_points(-(-len(data.epoch_rows) // config.trainer.batch_size))
    tracking = tracked(config, folder, between_points) if ranks.is_main else nullcontext(list[Guarded[Any]]())
    with tracking as loggers:
        prepared = time.monotonic()
        trainer, checkpoints, self_check = trainer_of(
            *(config, folder, data, stop, loggers, between_points),
            *(ranks, inputs, with_loggers(callbacks, loggers, ranks)),
        )
        if isinstance(module, UlmfitClassifier) and not last_checkpoint(folder).exists():
            perplexities = learn_language(config, data, tokenizer, module, folder, stop)
            for logger in loggers:
                logger.log_metrics(perplexities, step=0)
        with lines_above_the_bar():
            donor = fit_or_take_over(config, trainer, module, data, folder, checkpoints)
            fitted = time.monotonic()
            scored = score_all(config, trainer, module, data, folder, checkpoints)
        if not ranks.is_main:
            return None
        ended = time.monotonic()
        seconds = {
            "train": checkpoints.train_seconds,
            "validate": checkpoints.validate_seconds,
            "score": ended - fitted,
            "prepare": prepared - started,
            "self_check": self_check.seconds,
            "total": ended - started,
        }
        started_from = start.run_id if start else None
        if donor:
            checkpoints.inputs["trained_in"] = donor
            seconds["total"] += seconds["train"]  # there, and not here
        parts = parts._replace(inputs=checkpoints.inputs)
        info = run_info(
            config,
            parts,
            trainer,
            checkpoints.history,
            seconds,
            started_from=started_from,
            zero_shot=read_result(start.folder)["scores"] if start else None,
            stopped=checkpoints.stopped,
        )
        keep = config.trainer.keep_weights
        result = finish(folder, info, data, scored, parts if keep else None)
        tests = [s for s in scored if s.is_test]
        remove_what_is_not_needed(folder, {w for s in tests for w in s.weights.values()} if keep else set())
        predictions, mistakes = ({s.name: s.predictions for s in tests}, {s.name: s.mistakes for s in tests})
        step = checkpoints.trained or trainer.global_step
        for logger in loggers:
            logger.log_result(Finished(result, predictions, mistakes, folder, step=step))
    return result


def score_all(
    config: Config,
    trainer: pl.Trainer,
    module: SentimentClassifier,
    data: TransferDataModule,
    folder: Path,
    checkpoints: RunCheckpoints,
) -> list[Scored]:
    """Score every test set and every development set under every selection.

    Raises UserError if a development set is not scored as it was at the end of its epoch.
    """
    history = checkpoints.history
    wanted = [(s, selections(config, data, history, s)) for s in [*data.test_sets, *data.dev_sets]]
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, RunProgress):
            callback.passes = len({weights for _, chosen in wanted for weights in chosen.values()})
    scored = score(wanted, network_predict(trainer, module, data, folder, checkpoints.ranks))
    for each in scored:
        if not each.is_test:
            refuse_other_than_logged(each, history, bf16=str(trainer.precision) != "32-true")
    return scored


class TrainerParts(NamedTuple):
    trainer: pl.Trainer
    checkpoints: RunCheckpoints
    self_check: SelfCheck


def trainer_of(
    config: Config,
    folder: Path,
    data: TransferDataModule,
    stop: StopRequest,
    loggers: list[Guarded[Any]],
    log_every: int,
    ranks: Ranks,
    inputs: Inputs,
    callbacks: list[Callback],
) -> TrainerParts:
    plan = planned(config.trainer, len(data.epoch_rows))
    checkpoints = RunCheckpoints(
        folder,
        stop,
        dev_rows={s.name: len(s.reviews) for s in data.dev_sets},
        source_dev=data.source_dev_names,
        oracle_for=[s.name for s in data.dev_sets if s.name not in data.source],
        save_every_seconds=60 * config.trainer.save_every_minutes,
        average=config.trainer.average,
        ranks=ranks,
        inputs=inputs,
        last_step=config.trainer.extra.get(MAX_STEPS) and plan.steps,
    )
    self_check = SelfCheck(ranks)
    trainer = make_trainer(
        config.trainer,
        config.optimizer,
        folder,
        loggers=list(loggers),
        callbacks=[self_check, *callbacks, checkpoints, *progress_reports(data, passes_at_most(config, data))],
        log_every=log_every,
        progress_bar=config.logger.progress_bar,
        ranks=ranks,
        plan=plan,
    )
    return TrainerParts(trainer, checkpoints, self_check)


def passes_at_most(config: Config, data: TransferDataModule) -> int:
    """The number of weights that are scored, if no two selections choose the same."""
    return 1 + bool(data.dev_sets) + (config.trainer.average and config.trainer.max_epochs > 1) + config.trainer.oracle


@contextmanager
def tracked(config: Config, folder: Path, steps_between_points: int) -> Iterator[list[Guarded[Any]]]:
    """The run's loggers, which are always closed; a W&B run is marked as crashed or pre-empted if it was."""
    facts = RunFacts(
        folder,
        name=run_name(config),
        group=group_name(config),
        tags=[model_name(plain(config.model)), *config.source, *config.targets, *caveats(config)],
        settings=plain(config),
        steps_between_points=steps_between_points,
    )
    loggers = make_loggers(config.logger, facts)
    exit_code, preempted = 1, False
    try:
        yield loggers
        exit_code = 0
    except Interrupted:
        preempted = True
        raise
    finally:
        for logger in loggers:
            logger.close(exit_code, preempted=preempted)
