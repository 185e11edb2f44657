"""The loggers of a run: metrics.csv, and Weights & Biases on request.

W&B never stops a run: no prompt, offline without a login or a network, one warning on failure. Lightning's own
WandbLogger lets W&B's exceptions end the training and prompts for a login.
"""

from __future__ import annotations

import logging
import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from sentiment_transfer.config.logger_options import LoggerConfig
from sentiment_transfer.files.hub_errors import first_line
from sentiment_transfer.results.predictions import Mistake, Predictions
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.tracking.keys import PARAMETERS, SECONDS, STEP, logged_in, score_key

if TYPE_CHECKING:
    import wandb

log = logging.getLogger(__name__)

METRICS = ("error", "accuracy", "f1_positive", "f1_positive_mean_folds", "macro_f1", "ece")


def make_loggers(
    config: LoggerConfig, folder: Path, *, name: str, group: str, tags: list[str], settings: dict[str, Any]
) -> list[Logger]:
    """The loggers that ``config`` asks for, which write into ``folder``.

    ``name`` and ``group`` are the run's names with and without its seed, ``settings`` its resolved configuration. Each
    attempt at a run writes a separate metrics.csv (and W&B run), so that a resumed run overwrites nothing.
    """
    loggers: list[Logger] = []
    if config.csv:
        loggers.append(CSVLogger(folder, name="metrics", prefix="", flush_logs_every_n_steps=config.log_every))
    if config.wandb:
        loggers.append(
            WandbLogger(
                folder,
                name=name,
                group=group,
                tags=[*config.tags, *tags],
                settings=settings,
                project=config.project,
                entity=config.entity,
                init_timeout=config.init_timeout,
                finish_timeout=config.finish_timeout,
            )
        )
    return loggers


class WandbLogger(Logger):
    """A Lightning logger over one W&B run, which is started by the first call that logs something.

    Any exception of W&B is logged once as a warning, after which this logger does nothing more.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        group: str,
        tags: list[str],
        settings: dict[str, Any],
        project: str,
        entity: str | None,
        init_timeout: float,
        finish_timeout: float,
    ) -> None:
        super().__init__()
        self._folder, self._name, self._group = folder, name, group
        self._tags, self._settings = sorted(set(tags)), settings
        self._project, self._entity = project, entity
        self._init_timeout, self._finish_timeout = init_timeout, finish_timeout
        self._run: wandb.Run | None = None
        self._broken = False

    @property
    def name(self) -> str:
        return self._project

    @property
    def version(self) -> str:
        return self._name

    @rank_zero_only
    def attempt(self, description: str, action: Callable[[wandb.Run], object]) -> None:
        """Call ``action`` with the W&B run. On failure warn once, with ``description``, and disable this logger."""
        if self._broken:
            return
        try:
            if self._run is None:
                self._run = self._start()
            action(self._run)
        except Exception as error:
            # Deliberately broad: no failure of W&B may end a run.
            self._broken = True
            log.warning(
                "W&B failed while %s (%s). The run continues without it; result.json is not affected.",
                description,
                first_line(error),
            )

    def _start(self) -> wandb.Run:
        import wandb

        mode = os.environ.get("WANDB_MODE") or ("online" if logged_in() else "offline")
        if mode == "offline" and not os.environ.get("WANDB_MODE"):
            log.info(
                "W&B: not logged in, so this run is logged offline (wandb login; then wandb sync %s).", self._folder
            )
        try:
            return self._init(mode)
        except Exception as error:
            if mode != "online":
                raise
            log.warning("W&B cannot be reached (%s); this run is logged offline.", first_line(error))
            wandb.teardown()
            return self._init("offline")

    def _init(self, mode: str) -> wandb.Run:
        import wandb

        self._folder.mkdir(parents=True, exist_ok=True)
        return wandb.init(
            mode=mode,  # type: ignore[arg-type]
            dir=str(self._folder),
            project=self._project,
            entity=self._entity,
            # W&B chooses the id: an offline run that is resumed under its old one overwrites itself on sync.
            name=self._name,
            group=self._group[:128],
            job_type="train",
            tags=[tag[:64] for tag in self._tags],
            config=self._settings,  # nested: W&B flattens the names with dots
            reinit="finish_previous",
            settings=wandb.Settings(
                silent=True,
                console="off",
                init_timeout=self._init_timeout,
                finish_timeout=self._finish_timeout,
                disable_code=True,
            ),
        )

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.attempt("logging metrics", lambda run: run.log({**metrics, STEP: step}))

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Does nothing: the W&B run was started with the whole configuration."""

    def close(self, exit_code: int = 0, *, preempted: bool = False) -> None:
        """End the W&B run; a non-zero code marks it as failed, ``preempted`` as stopped by a signal and to be resumed
        (in a new W&B run). Lightning's ``finalize`` is too early for this: the scores are computed after the fit. A run
        that is killed never gets here, and W&B counts it as crashed."""
        if self._run is not None:
            if preempted:
                self.attempt("marking it as pre-empted", lambda run: run.mark_preempting())
            self.attempt("finishing", lambda run: run.finish(exit_code=exit_code))
        self._run, self._broken = None, True


def log_scores(
    logger: WandbLogger, result: RunResult, predictions: dict[str, Predictions], mistakes: dict[str, list[Mistake]]
) -> None:
    """Log a finished run: its scores, and a confusion matrix and the most confident mistakes on each dataset.

    ``predictions`` and ``mistakes`` are by dataset.
    """
    logger.attempt("logging scores", lambda run: run.summary.update(summary(result)))
    for name, prediction in predictions.items():

        def tables(run: wandb.Run, name: str = name, prediction: Predictions = prediction) -> None:
            import wandb

            last = prediction.probabilities["last"]
            matrix = wandb.plot.confusion_matrix(
                y_true=prediction.gold.tolist(), preds=last.argmax(1).tolist(), class_names=list(prediction.classes)
            )
            entry = result["scores"][name]
            dataset = [name, entry["language"], entry["domain"]]
            table = wandb.Table(
                columns=["dataset", "language", "domain", *Mistake.__annotations__],
                data=[[*dataset, *mistake.values()] for mistake in mistakes[name]],
            )
            run.log({f"confusion/{name}": matrix, f"mistakes/{name}": table})

        logger.attempt(f"logging the tables of {name}", tables)


def summary(result: RunResult) -> dict[str, Any]:
    """A run's summary on W&B: every test score by ``score_key``, parameters, seconds, status and caveats."""
    numbers: dict[str, Any] = {
        score_key(name, selection, metric): scores[metric]  # type: ignore[literal-required]
        for name, entry in result["scores"].items()
        for selection, scores in entry["selections"].items()
        for metric in METRICS
        if metric in scores
    }
    size_and_time = {
        PARAMETERS: result["model"]["parameters"],
        SECONDS: result["performance"]["seconds"]["total"],
    }
    return numbers | size_and_time | {"status": result["status"], "caveats": result["caveats"]}
