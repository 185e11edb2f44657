"""One run, top to bottom: read, tokenise, train, score, record."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning import Callback
from pytorch_lightning.loggers import Logger
from rich.console import Console

from sentiment_transfer.config.protocol import starts_from_source_run
from sentiment_transfer.config.run_name import group_name, model_name, run_name
from sentiment_transfer.data.sets import ReviewSet
from sentiment_transfer.data.transfer import TransferDataModule
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.memory import memory_errors_as_sentences
from sentiment_transfer.model.ulmfit.classifier import UlmfitClassifier
from sentiment_transfer.results.audit_table import audit_table
from sentiment_transfer.results.mistakes import write_mistakes
from sentiment_transfer.results.predictions import write_predictions
from sentiment_transfer.results.record import RunResult, is_finished, read_result, write_result
from sentiment_transfer.runs.build import caveats
from sentiment_transfer.runs.directory import disk_errors_as_sentences, exclusive_lock, remove_what_is_not_needed
from sentiment_transfer.runs.language_stage import learn_language
from sentiment_transfer.runs.prepare import prepare_training
from sentiment_transfer.runs.record import Outcome, make_result, plain_config, to_mistakes, to_predictions
from sentiment_transfer.runs.score import refuse_other_than_logged, score
from sentiment_transfer.runs.source_model import SourceModel, source_model
from sentiment_transfer.tracking.loggers import make_loggers
from sentiment_transfer.tracking.scores import log_scores
from sentiment_transfer.tracking.wandb_logger import WandbLogger
from sentiment_transfer.training.checkpoints import RunCheckpoints, last_checkpoint
from sentiment_transfer.training.interruption import Interrupted, StopRequest, stop_request
from sentiment_transfer.training.progress import progress_reports
from sentiment_transfer.training.ranks import ALONE, Ranks
from sentiment_transfer.training.selection import epochs_for
from sentiment_transfer.training.self_check import SelfCheck
from sentiment_transfer.training.trainer import make_trainer, quiet_lightning

log = logging.getLogger(__name__)


def run(config: DictConfig, folder: Path, ranks: Ranks = ALONE) -> RunResult | None:
    """Do what a validated ``config`` describes in ``folder``, or what is still to do of it.

    Of several processes that share the run, only the first holds the directory, writes and returns the result. Raises
    UserError with a sentence for what the user can mend, and Interrupted where a signal asked it to stop.
    """
    log.info("Run %s in %s", run_name(config), folder)
    held, listening = (
        exclusive_lock(folder) if ranks.is_main else nullcontext(),
        stop_request(told=ranks.world_size > 1),
    )
    with memory_errors_as_sentences(), disk_errors_as_sentences(folder), held, listening as stop:
        # By another process, after this one looked and before it held the directory.
        if ranks.all_reduce_max(ranks.is_main and is_finished(folder)):
            return read_result(folder)
        start = None
        if starts_from_source_run(config):
            alone = partial(compute, stop=stop, console=Console(), ranks=ranks)
            train = alone if ranks.world_size == 1 else refuse_source_alone
            start = source_model(config, folder, train, partial(exclusive_lock, wait=True))
        return compute(config, folder, stop, Console(quiet=not ranks.is_main), ranks, start)


def refuse_source_alone(config: DictConfig, folder: Path) -> None:
    raise UserError(
        "A few-shot run on several devices goes on from a finished run on its source, and none is there. Train that "
        "first: the same command with protocol=zero_shot."
    )


def compute(
    config: DictConfig,
    folder: Path,
    stop: StopRequest,
    console: Console,
    ranks: Ranks,
    start: SourceModel | None = None,
) -> RunResult | None:
    """Train (from the weights of ``start``, where it is given), score and record; ``result.json`` is written last."""
    started = time.monotonic()
    quiet_lightning()
    if config.trainer.threads:
        torch.set_num_threads(max(1, config.trainer.threads // ranks.world_size))

    data, tokenizer, module = prepare_training(config, ranks, start)
    console.print(audit_table(data.audit))
    gc.enable()  # cli.train had the collector wait

    tracking = tracked(config, folder) if ranks.is_main else nullcontext(list[Logger]())
    with tracking as loggers:
        prepared = time.monotonic() - started
        trainer, checkpoints = trainer_of(config, folder, data, stop, loggers, ranks)
        if isinstance(module, UlmfitClassifier) and not last_checkpoint(folder).exists():
            found = learn_language(config, data, tokenizer, module, folder, stop)
            for logger in loggers:
                logger.log_metrics(found, step=0)
        fit(trainer, module, data, folder)
        outcome = score_all(config, trainer, module, data, folder, checkpoints)
        if not ranks.is_main:
            return None
        checked = [callback.seconds for callback in callbacks_of(trainer) if isinstance(callback, SelfCheck)]
        outcome.seconds |= {"prepare": prepared, "self_check": sum(checked), "total": time.monotonic() - started}

        for name, predictions in outcome.predictions.items():
            write_predictions(folder, name, predictions)
        for name, predictions in outcome.dev_predictions.items():
            write_predictions(folder, name, predictions, split="dev")
        write_mistakes(folder, outcome.mistakes)
        if config.trainer.keep_weights:
            module.network.config.save_pretrained(folder / "model")
            tokenizer.save_pretrained(folder / "model")
        result = make_result(config, data, module, trainer, outcome, started_from=start.run_id if start else None)
        write_result(folder, result)
        remove_what_is_not_needed(folder, outcome.epochs if config.trainer.keep_weights else set())
        for logger in loggers:
            if isinstance(logger, WandbLogger):
                log_scores(logger, result, outcome.predictions, outcome.mistakes)
    return result


def fit(trainer: pl.Trainer, module: SentimentClassifier, data: TransferDataModule, folder: Path) -> None:
    """Train from the start, or from the last checkpoint of an earlier attempt."""
    resume = last_checkpoint(folder)
    if not resume.exists():
        trainer.fit(module, datamodule=data)
        return
    log.info("Going on from %s", resume)
    try:
        # weights_only: the file is read as tensors and plain values; nothing in it is executed.
        trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
    except Exception as error:
        # What torch and Lightning raise over a damaged file or a state that does not fit is of a dozen classes.
        if isinstance(error, UserError | OSError) or trainer.global_step:  # set: it was read, and this came after
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(
            f"The checkpoint {resume} cannot be read into this model ({reason}): it is damaged or of another "
            "architecture. Delete it to start this run again."
        ) from error


def score_all(
    config: DictConfig,
    trainer: pl.Trainer,
    module: SentimentClassifier,
    data: TransferDataModule,
    folder: Path,
    checkpoints: RunCheckpoints,
) -> Outcome:
    """Probabilities on every test set, and on every development set, under every selection.

    Raises UserError where a development set is not scored as it was when its epoch ended.
    """
    started = time.monotonic()
    history, source_dev = checkpoints.history, data.source_dev_names

    def selections(s: ReviewSet) -> dict[str, int]:
        oracle, average = s.name not in data.source, config.trainer.average
        return epochs_for(history, s.name, source_dev, oracle=oracle, average=average)

    wanted = [(s, selections(s)) for s in [*data.test_sets, *data.dev_sets]]
    probabilities = score(trainer, module, data, folder, wanted, checkpoints.ranks)
    scored = [(s, epochs, p) for (s, epochs), p in zip(wanted, probabilities, strict=True)]
    low_precision = str(trainer.precision) != "32-true"
    for s, epochs, p in scored:
        if s.split == "dev":
            refuse_other_than_logged(s, p, epochs, history, low_precision=low_precision)
    by_split = {
        split: {s.name: to_predictions(s.reviews, p) for s, _, p in scored if s.split == split}
        for split in ("test", "dev")
    }
    predictions = by_split["test"]
    seconds = {"train": checkpoints.train_seconds, "score": time.monotonic() - started}
    mistakes = {s.name: to_mistakes(s.reviews, predictions[s.name]) for s in data.test_sets}
    chosen = {s.name: epochs for s, epochs in wanted if s.split == "test"}
    return Outcome(history, chosen, predictions, mistakes, by_split["dev"], seconds)


def trainer_of(
    config: DictConfig,
    folder: Path,
    data: TransferDataModule,
    stop: StopRequest,
    loggers: list[Logger],
    ranks: Ranks,
) -> tuple[pl.Trainer, RunCheckpoints]:
    checkpoints = RunCheckpoints(
        folder,
        stop,
        dev_rows={s.name: len(s.reviews) for s in data.dev_sets},
        source_dev=data.source_dev_names,
        oracle_for=[s.name for s in data.dev_sets if s.name not in data.source],
        save_every_seconds=60 * config.trainer.save_every_minutes,
        average=config.trainer.average,
        ranks=ranks,
    )
    trainer = make_trainer(
        config.trainer,
        config.optimizer,
        folder,
        loggers=loggers,
        callbacks=[SelfCheck(ranks), checkpoints, *progress_reports()],
        log_every=config.logger.log_every,
        progress_bar=config.logger.progress_bar,
        ranks=ranks,
    )
    return trainer, checkpoints


def callbacks_of(trainer: pl.Trainer) -> list[Callback]:
    return trainer.callbacks  # type: ignore[attr-defined]  # Lightning sets it where mypy does not see it


@contextmanager
def tracked(config: DictConfig, folder: Path) -> Iterator[list[Logger]]:
    """The run's loggers; W&B's run is ended whatever happens, marked as crashed or pre-empted where it was."""
    loggers = make_loggers(
        config.logger,
        folder,
        name=run_name(config),
        group=group_name(config),
        tags=[model_name(config.model), *config.source, *config.targets, *caveats(config)],
        settings=plain_config(config),
    )
    exit_code, preempted = 1, False
    try:
        yield loggers
        exit_code = 0
    except Interrupted:
        preempted = True
        raise
    finally:
        for logger in loggers:
            if isinstance(logger, WandbLogger):
                logger.close(exit_code, preempted=preempted)
