"""Weights & Biases that never stops a run: no prompt, offline without a login or a network, silent on failure.

Lightning's own WandbLogger lets W&B's exceptions end the training and prompts where nobody is logged in.
"""

from __future__ import annotations

import logging
import netrc
import os
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities.rank_zero import rank_zero_only

if TYPE_CHECKING:
    import wandb

log = logging.getLogger(__name__)


def logged_in() -> bool:
    """Whether W&B has credentials: WANDB_API_KEY, an identity token or an entry in .netrc. Reads no key out."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    for file in (os.environ.get("NETRC", ""), "~/.netrc", "~/_netrc"):
        path = Path(file).expanduser()
        try:
            if file and path.is_file() and netrc.netrc(path).authenticators(host):
                return True
        except (netrc.NetrcParseError, OSError):
            continue
    return False


def flatten(settings: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """``{"model": {"name": "base"}}`` -> ``("model.name", "base")``: what W&B filters and groups by."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


class WandbLogger(Logger):
    """A Lightning logger over one W&B run, started at the first thing to log.

    Whatever W&B raises is logged once as a warning, after which this logger does nothing more.
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
    def attempt(self, what: str, action: Callable[[wandb.Run], object]) -> None:
        """Do something with the run; on failure say so once and leave W&B alone from then on."""
        if self._broken:
            return
        try:
            if self._run is None:
                self._run = self._start()
            action(self._run)
        except Exception as error:
            # Not narrower: the promise is that no failure of W&B, of whatever class, ends a run.
            self._broken = True
            reason = str(error).strip().splitlines() or [type(error).__name__]
            log.warning(
                "W&B failed at %s (%s). The run goes on without it; result.json is not affected.", what, reason[0]
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
            log.warning("W&B cannot be reached (%s); this run is logged offline.", str(error).splitlines()[0])
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
            # W&B chooses the id: an offline run that is continued under its old one overwrites itself on sync.
            name=self._name,
            group=self._group[:128],
            job_type="train",
            tags=[tag[:64] for tag in self._tags],
            config=dict(flatten(self._settings)),
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
        self.attempt("logging metrics", lambda run: run.log({**metrics, "trainer/global_step": step}))

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: the whole configuration was given when the run was started."""

    def close(self, exit_code: int = 0, *, preempted: bool = False) -> None:
        """End the W&B run; a non-zero code marks it as failed, ``preempted`` as stopped by a signal and to be continued
        (in a W&B run of its own). Lightning's ``finalize`` comes too early for this: the scores are computed after the
        fit. A run that was killed says nothing more, and W&B counts it as crashed."""
        if self._run is not None:
            if preempted:
                self.attempt("marking it as pre-empted", lambda run: run.mark_preempting())
            self.attempt("finishing", lambda run: run.finish(exit_code=exit_code))
        self._run, self._broken = None, True
