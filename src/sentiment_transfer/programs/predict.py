"""``predict``: label a file of texts with a trained model. ``predict.py`` at the root shows how."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from sentiment_transfer import cli
from sentiment_transfer.config.folder import conf_folder
from sentiment_transfer.config.program_options import PredictConfig
from sentiment_transfer.programs.with_hydra import prepared


def predict(cfg: DictConfig) -> None:
    cli.predict(cfg)


main = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="predict")(predict)


def run() -> None:
    with cli.errors_as_sentences(PredictConfig):
        prepared()
        main()
