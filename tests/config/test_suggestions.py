"""An option that does not exist is answered with the text to type, from all options of the command."""

from __future__ import annotations

import re

import pytest

from sentiment_transfer.composing import composed
from sentiment_transfer.config.overrides import refused_override
from sentiment_transfer.config.program_options import EvaluateConfig, ExportConfig, PredictConfig
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.suggestions import ALIASES, options_below, refuse_dashes
from sentiment_transfer.errors import UserError


def test_what_an_alias_names_exists() -> None:
    known = {name for schema in (Config, PredictConfig, EvaluateConfig, ExportConfig) for name in options_below(schema)}
    assert not set(ALIASES) - known


@pytest.mark.parametrize(
    ("command", "typed", "answer"),
    [
        ("config", "lr=1e-5", "Type optimizer.learning_rate=1e-5."),
        ("config", "trainer.lr=1e-5", "Type optimizer.learning_rate=1e-5."),
        ("config", "num_train_epochs=3", "Type trainer.max_epochs=3."),
        ("config", "bs=8", "Type trainer.batch_size=8."),
        ("config", "max_epochs=3", "Type trainer.max_epochs=3."),
        ("config", "max_seq_length=64", "Type data.max_length=64."),
        ("config", "target=smsa_id", "Type targets=smsa_id."),
        ("config", "trainer.weight_decay=0", "Type optimizer.weight_decay=0."),
        ("config", "dedupe=true", "Did you mean data.dedup?"),
        ("config", "trainer.max_epoch=3", "Did you mean trainer.max_epochs?"),
        ("config", "model=xlmr-large", "Type model=large."),
        ("config", "model=FacebookAI/xlm-roberta-large", "Type model=large."),
        ("config", "model=owner/name", "type model=local model.encoder=owner/name."),
        ("config", "wandb=false", "Type logger=csv."),
        ("config", "tensorboard=true", "Type logger=tensorboard."),
        ("predict", "batch_size=8", "Type batch_tokens=8."),
        ("predict", "model=outputs/x", "Type checkpoint=outputs/x."),
        ("evaluate", "max_length=64", "Type data.max_length=64."),
        ("export", "out=folder", "Type output=folder."),
    ],
)
def test_the_answer_is_what_to_type(command: str, typed: str, answer: str) -> None:
    with pytest.raises(UserError, match=re.escape(answer)):
        composed(command, [typed])


def test_options_with_dashes_are_answered_at_once() -> None:
    with pytest.raises(UserError) as refused:
        refuse_dashes(["-m", "--lr", "1e-5", "--model=large", "--epochs=3", "--fp16", "--cfg", "job"], ["--cfg"])
    answers = str(refused.value).splitlines()
    expected = ["optimizer.learning_rate=1e-5", "model=large", "trainer.max_epochs=3", "trainer.precision=16-mixed"]
    assert [answer.rpartition(" Type ")[2] for answer in answers] == [f"{each}." for each in expected]
    refuse_dashes(["-m", "--cfg", "job", "seed=1", "--mul"], ["--cfg", "--multirun"])


@pytest.mark.parametrize(("word", "choice"), [("demo", "experiment=demo"), ("smsa_id", "source=smsa_id")])
def test_a_word_alone_is_a_choice(word: str, choice: str) -> None:
    assert (refused_override(word) or "").endswith(f"Type {choice}.")
