"""Weights & Biases: no prompt, offline without a login or a network, one warning on failure.

Lightning's own WandbLogger lets W&B's exceptions end the training and prompts for a login.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentiment_transfer.files.hub_errors import first_line
from sentiment_transfer.results.predictions import Mistake, Predictions
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.tracking.guarded import EPOCH, Finished, Guarded, counted_from_one
from sentiment_transfer.tracking.keys import STEP, STEP_METRICS, logged_in, wandb_command
from sentiment_transfer.tracking.scores import COLUMNS, headline_scores, score_rows, summary

if TYPE_CHECKING:
    import wandb

log = logging.getLogger(__name__)

VIEWS = "views"  # tables: after dev/ and train/ in the alphabet, so that the first page of `wandb leet` shows curves


class WandbLogger(Guarded["wandb.Run"]):
    """A Lightning logger over one W&B run, which is started by the first call that logs something.

    Any exception of W&B is logged once as a warning, after which this logger does nothing more.
    """

    title = "W&B"

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
        log_model: bool = False,
    ) -> None:
        super().__init__()
        self._folder, self._name, self._group = folder, name, group
        self._tags, self._settings = sorted(set(tags)), settings
        self._project, self._entity = project, entity
        self._init_timeout, self._finish_timeout = init_timeout, finish_timeout
        self._log_model = log_model

    @property
    def name(self) -> str:
        return self._project

    @property
    def version(self) -> str:
        return self._name

    def _start(self) -> wandb.Run:
        import wandb

        mode = os.environ.get("WANDB_MODE") or ("online" if logged_in() else "offline")
        try:
            run = self._init(mode)
        except Exception as error:
            if mode != "online":
                raise
            log.warning("W&B cannot be reached (%s); this run is logged offline.", first_line(error))
            wandb.teardown()
            mode = "offline"
            run = self._init(mode)
        define_axes(run)
        if mode == "offline":
            login = "" if logged_in() else f"{wandb_command()} login && "
            folder = shlex.quote(str(Path(run.dir).parent))  # <run>/wandb/offline-run-<time>-<id>
            log.info("W&B: logged offline. To upload this run: %s%s sync %s", login, wandb_command(), folder)
        return run

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
        self.attempt("logging metrics", lambda run: run.log({**counted_from_one(metrics), STEP: step}))

    def log_result(self, finished: Finished) -> None:
        """Log the summary, a table of all scores, and for each dataset a confusion matrix and the most confident
        mistakes; the weights on request."""
        result = finished.result

        def scores(run: wandb.Run) -> None:
            import wandb

            run.summary.update(summary(result))
            run.log({f"{VIEWS}/scores": wandb.Table(columns=list(COLUMNS), data=score_rows(result))})

        self.attempt("logging scores", scores)
        for name, prediction in finished.predictions.items():
            self.attempt(
                f"logging the tables of {name}",
                partial(log_tables, name=name, result=result, prediction=prediction, mistakes=finished.mistakes[name]),
            )
        if self._log_model:
            self.attempt(
                "uploading the weights",
                lambda run: run.log_artifact(model_artifact(self._name, result, finished.folder)),
            )

    def close(self, exit_code: int = 0, *, preempted: bool = False) -> None:
        """End the W&B run; a non-zero code marks it as failed, ``preempted`` as stopped by a signal and to be resumed
        (in a new W&B run). A run that is killed never gets here, and W&B counts it as crashed."""
        if self._service is not None:
            if preempted:
                self.attempt("marking it as pre-empted", lambda run: run.mark_preempting())
            self.attempt("finishing", lambda run: run.finish(exit_code=exit_code))
        super().close(exit_code, preempted=preempted)


def define_axes(run: wandb.Run) -> None:
    """Curves of single steps over the steps, those of whole epochs over the epochs."""
    for axis in (STEP, EPOCH):
        run.define_metric(axis)
    for name in STEP_METRICS:
        run.define_metric(name, step_metric=STEP)
    for name in ("train/*", "dev/*"):
        run.define_metric(name, step_metric=EPOCH)


def log_tables(
    run: wandb.Run, *, name: str, result: RunResult, prediction: Predictions, mistakes: list[Mistake]
) -> None:
    """Log a dataset's confusion matrix and its most confident mistakes."""
    import wandb

    last = prediction.probabilities["last"]
    matrix = wandb.plot.confusion_matrix(
        y_true=prediction.gold.tolist(), preds=last.argmax(1).tolist(), class_names=list(prediction.classes)
    )
    entry = result["scores"][name]
    dataset = [name, entry["language"], entry["domain"]]
    table = wandb.Table(
        columns=["dataset", "language", "domain", *Mistake.__annotations__],
        data=[[*dataset, *mistake.values()] for mistake in mistakes],
    )
    run.log({f"{VIEWS}/confusion/{name}": matrix, f"{VIEWS}/mistakes/{name}": table})


def model_artifact(name: str, result: RunResult, folder: Path) -> wandb.Artifact:
    """The run's selected weights with architecture, tokenizer and record: a folder that predict.py opens."""
    import wandb

    artifact = wandb.Artifact(
        re.sub(r"[^\w.-]", "_", name)[:128],
        type="model",
        metadata={
            "run": result["run_id"],
            "caveats": result["caveats"],
            "model": dict(result["model"]),
            "selections": result["selections"],
            "scores": headline_scores(result),
        },
    )
    for part in ("model", "weights"):
        artifact.add_dir(str(folder / part), name=part)
    artifact.add_file(str(folder / "result.json"))
    return artifact
