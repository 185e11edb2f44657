"""The configurations of predict.py and evaluate.py compose, and misspelt keys are refused with the nearest."""

from __future__ import annotations

import dataclasses

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from tests.helpers.runs import ROOT

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.program_options import EvaluateConfig, PredictConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.sentences import describe

FILES = ("checkpoint=outputs/run", "input=a.csv", "output=b.csv")


def composed(name: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        return compose(name, overrides=list(overrides))


def test_predict_composes_with_its_schema() -> None:
    config = composed("predict", *FILES)
    validate(config, PredictConfig)
    assert sorted(config) == sorted(field.name for field in dataclasses.fields(PredictConfig))
    assert (config.text, config.overwrite, config.batch_tokens) == ("text", False, 16384)
    labels = composed("predict", *FILES, "labels={LABEL_0: negative, LABEL_1: null}", "input=-").labels
    assert OmegaConf.to_container(labels) == {"LABEL_0": "negative", "LABEL_1": None}


def targets() -> list[str]:
    return sorted(path.stem for path in (ROOT / "conf" / "targets").glob("*.yaml"))


@pytest.mark.parametrize("name", targets())
def test_evaluate_composes_with_every_option_of_targets(name: str) -> None:
    own = ["targets.csv.path=a.csv", "targets.csv.language=id"] if name == "csv" else []
    config = composed("evaluate", "checkpoint=outputs/run", f"targets={name}", *own)
    assert sorted(config) == sorted(field.name for field in dataclasses.fields(EvaluateConfig))
    if name != "none":
        validate(config, EvaluateConfig)


def test_what_is_missing_or_unknown_is_named() -> None:
    with pytest.raises(UserError, match=r"checkpoint is not set: type checkpoint=.*\ninput is not set"):
        validate(composed("predict"), PredictConfig)
    with pytest.raises(UserError, match="checkpoint is not set"):
        validate(composed("evaluate"), EvaluateConfig)
    for name, typed, meant in (
        ("predict", "chekpoint=x", "checkpoint"),
        ("evaluate", "data.dedupp=true", "data.dedup"),
    ):
        with pytest.raises(Exception) as error:
            composed(name, typed)
        assert f"{typed.partition('=')[0]} is not an option of this configuration. Did you mean {meant}?" in describe(
            error.value
        )
    with pytest.raises(UserError, match=r"chekpoint is not an option. Did you mean checkpoint\?"):
        validate(composed("predict", *FILES, "+chekpoint=x"), PredictConfig)
