"""A command's configuration from Python, composed as the command line composes it.

For programs and notebooks: callable any number of times, also inside a program that uses Hydra itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobRuntime
from hydra.version import VersionBase
from omegaconf import DictConfig

from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.config.program_options import EvaluateConfig, ExportConfig, PredictConfig
from sentiment_transfer.config.registration import register
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.search_path import folders_of
from sentiment_transfer.errors import UserError
from sentiment_transfer.experiments.checked import refuse_wrong_files
from sentiment_transfer.experiments.repeated import register_recorded_runs
from sentiment_transfer.sentences import COMPLAINTS, describe, is_complaint

COMMANDS: dict[str, type[Any]] = {"predict": PredictConfig, "evaluate": EvaluateConfig, "export": ExportConfig}


def composed(config_name: str, overrides: Sequence[str] = ()) -> DictConfig:
    """The configuration of a command with these overrides, as typed on its command line; not validated yet.

    ``config_name``: ``config`` (train.py), ``evaluate``, ``predict`` or ``export``. Without Hydra's own node.

    Raises:
        UserError: with the sentence that the command would print.
    """
    register()
    register_recorded_runs()
    arguments = adapted(overrides)
    refuse_wrong_files(arguments, [conf_folder(), *folders_of(arguments)])
    try:
        with (
            _hydra_of_the_program_kept(),
            initialize_config_dir(str(conf_folder()), job_name=config_name, version_base="1.3"),
        ):
            return compose(config_name, arguments)
    except COMPLAINTS as error:
        if not is_complaint(error):
            raise
        raise UserError(describe(error, COMMANDS.get(config_name, Config), arguments)) from error


@contextmanager
def _hydra_of_the_program_kept() -> Iterator[None]:
    """Put back what ``initialize_config_dir`` replaces: the state of the program's own Hydra, where it uses it."""
    own, version, job = GlobalHydra.instance(), VersionBase.instance(), JobRuntime.instance()
    before = own.hydra, version.version_base, job.get("name")
    own.clear()
    try:
        yield
    finally:
        GlobalHydra.set_instance(own)
        own.hydra, version.version_base = before[:2]
        job.set("name", before[2])
