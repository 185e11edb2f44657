"""Trackio, for which Lightning has no logger."""

from __future__ import annotations

import io
from argparse import Namespace
from contextlib import redirect_stdout
from typing import Any

from pytorch_lightning.loggers.logger import Logger


class TrackioLogger(Logger):
    """A Lightning logger over one run of Trackio, which is started by ``log_hyperparams``.

    It logs into this machine's database (TRACKIO_DIR) unless ``space_id`` names a Space. Needs no network for the
    former.
    """

    def __init__(self, project: str, name: str, group: str, tags: list[str], space_id: str | None = None) -> None:
        super().__init__()
        self._project, self._name, self._group, self._space_id = project, name, group, space_id
        self._tags = tags
        self._run: Any = None

    @property
    def name(self) -> str:
        return self._project

    @property
    def version(self) -> str:
        return self._name

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        import trackio

        with redirect_stdout(io.StringIO()):  # five lines about the page, on standard output
            self._run = trackio.init(
                project=self._project,
                name=self._name,
                group=self._group,
                space_id=self._space_id,
                config={**dict(vars(params) if isinstance(params, Namespace) else params), "tags": self._tags},
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self._run.log(dict(metrics), step=step)

    def finalize(self, status: str) -> None:
        import trackio

        with redirect_stdout(io.StringIO()):
            trackio.finish()
