"""Loggers that never end a run: one warning, and the run goes on without that logger."""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from hydra.errors import InstantiationException
from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from sentiment_transfer.errors import without_credentials
from sentiment_transfer.files.hub_errors import first_line
from sentiment_transfer.results.predictions import Mistake, Predictions
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.tracking.scores import headline_scores

log = logging.getLogger(__name__)

Service = TypeVar("Service")
EPOCH = "epoch"


class Finished(NamedTuple):
    """A run that was scored after ``step`` optimiser steps; predictions and mistakes by dataset, ``folder`` is its
    directory."""

    result: RunResult
    predictions: dict[str, Predictions]
    mistakes: dict[str, list[Mistake]]
    folder: Path
    step: int


class Guarded(Logger, Generic[Service]):
    """A logger over a service (a W&B run, one of Lightning's loggers) that is started by the first call that logs.

    Any exception of the service is logged once as a warning, after which this logger does nothing more. Lightning's
    ``finalize`` is left out, since it comes before the scores: ``close`` ends the service.
    """

    title = ""  # of the service, in warnings

    def __init__(self) -> None:
        super().__init__()
        self._service: Service | None = None
        self._broken = False

    def _start(self) -> Service:
        raise NotImplementedError

    @property
    def name(self) -> str:
        return self.title

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def attempt(self, description: str, action: Callable[[Service], object]) -> None:
        """Call ``action`` with the service. On failure warn once, with ``description``, and disable this logger."""
        if self._broken:
            return
        try:
            if self._service is None:
                self._service = self._start()
            action(self._service)
        except Exception as error:
            # Deliberately broad: no failure of a logger may end a run.
            self._broken = True
            wrapped = isinstance(error, InstantiationException) and error.__cause__  # Hydra's, around the reason
            log.warning(
                "%s failed while %s (%s). The run continues without it; result.json is not affected.",
                self.title,
                description,
                without_credentials(first_line(wrapped or error)),
            )

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Does nothing: what starts the service gives it the whole configuration."""

    def log_result(self, finished: Finished) -> None:
        """Log what a finished run scored."""
        self.log_metrics(headline_scores(finished.result), finished.step)

    def close(self, exit_code: int = 0, *, preempted: bool = False) -> None:
        """End the service; a non-zero code marks the run as failed."""
        self._service, self._broken = None, True


def counted_from_one(metrics: dict[str, Any]) -> dict[str, Any]:
    """Metrics with the epoch as it is shown elsewhere: Lightning counts from 0."""
    return {**metrics, EPOCH: metrics[EPOCH] + 1} if EPOCH in metrics else metrics


class GuardedLogger(Guarded[Logger]):
    """One of Lightning's loggers, or of the user's own: ``start`` makes it, ``settings`` is the run's configuration."""

    def __init__(self, title: str, start: Callable[[], Logger], settings: dict[str, Any]) -> None:
        super().__init__()
        self.title, self._make, self._settings = title, start, settings

    def _start(self) -> Logger:
        service = self._make()
        service.log_hyperparams(self._settings)
        return service

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.attempt("logging metrics", lambda service: service.log_metrics(counted_from_one(metrics), step=step))

    def save(self) -> None:
        if self._service is not None:
            self.attempt("saving", lambda service: service.save())

    def log_result(self, finished: Finished) -> None:
        from pytorch_lightning.loggers import TensorBoardLogger

        super().log_result(finished)
        if isinstance(self._service, TensorBoardLogger):  # whose page of hyperparameters asks for scores beside them
            scores = headline_scores(finished.result)
            self.attempt("logging hyperparameters", lambda s: s.log_hyperparams(self._settings, scores, finished.step))

    def close(self, exit_code: int = 0, *, preempted: bool = False) -> None:
        if self._service is not None:
            self.attempt("finishing", lambda service: service.finalize("failed" if exit_code else "success"))
        super().close(exit_code, preempted=preempted)
