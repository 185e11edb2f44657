"""``export``: write a run's model out as a folder. ``export.py`` at the root shows how."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from sentiment_transfer import cli
from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.config.program_options import ExportConfig
from sentiment_transfer.programs.with_hydra import prepared


def export(cfg: DictConfig) -> None:
    cli.export(cfg)


main = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="export")(export)


def run() -> None:
    with cli.errors_as_sentences(ExportConfig):
        prepared()
        main()
