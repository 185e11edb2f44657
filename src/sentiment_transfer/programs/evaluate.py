"""``evaluate``: score a trained model on targets, as a run. ``evaluate.py`` at the root shows how."""

from __future__ import annotations

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from sentiment_transfer import cli
from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.config.program_options import EvaluateConfig
from sentiment_transfer.programs.with_hydra import prepared


def evaluate(cfg: DictConfig) -> None:
    cli.evaluate(cfg, HydraConfig.get().runtime.output_dir)


main = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="evaluate")(evaluate)


def run() -> None:
    with cli.errors_as_sentences(EvaluateConfig):
        cli.take_verbose()
        prepared()
        main()
