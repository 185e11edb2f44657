"""``train``: train on one language, score on others. The docstring of ``train.py`` at the root shows how."""

from __future__ import annotations

import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from sentiment_transfer import cli
from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.experiments.kept import kept_or_shown, take_name
from sentiment_transfer.programs.with_hydra import prepared


def train(cfg: DictConfig) -> float | None:
    return cli.train(cfg, HydraConfig.get().runtime.output_dir)


# Under another name than the function's: Ray and submitit then pickle that by its name.
main = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")(train)


def run() -> None:
    with cli.errors_as_sentences():
        cli.take_verbose()
        name = take_name()
        prepared()
        if not kept_or_shown(sys.argv[1:], name):
            main()
