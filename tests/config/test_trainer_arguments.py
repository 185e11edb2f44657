"""trainer.extra: every argument of Lightning's Trainer is passed on, or refused with a reason."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Timer
from pytorch_lightning.profilers import SimpleProfiler
from tests.helpers.runs import composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.objective_options import OptimizerConfig
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.config.trainer_arguments import ALLOWED, REFUSED
from sentiment_transfer.config.training_options import TrainerConfig
from sentiment_transfer.config.typed import from_plain, plain
from sentiment_transfer.errors import UserError
from sentiment_transfer.training.trainer import make_trainer


def test_every_argument_of_lightnings_trainer_is_decided_on() -> None:
    arguments = set(inspect.signature(pl.Trainer.__init__).parameters) - {"self"}
    assert arguments == {*ALLOWED, *REFUSED}


@pytest.mark.parametrize("argument", ["trainer.extra.profiler=simple", "trainer.extra.detect_anomaly=true"])
def test_an_argument_is_typed_without_a_plus_sign(argument: str) -> None:
    config = composed(*adapted(["experiment=tiny", argument]))
    key = argument.split("=")[0].rpartition(".")[2]
    settings = plain(validate(config))
    assert list(settings["trainer"]["extra"]) == [key]
    assert plain(from_plain(settings)) == settings
    assert "extra" not in plain(validate(composed("experiment=tiny")))["trainer"]
    assert run_name(config) != run_name(composed("experiment=tiny"))


def test_an_argument_of_a_debug_run_can_be_replaced() -> None:
    config = composed(*adapted(["experiment=tiny", "debug=profile", "trainer.extra.profiler=advanced"]))
    assert config.trainer.extra.profiler == "advanced"


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        ("profiller=simple", "is not an argument of Lightning's Trainer. Did you mean profiler?"),
        ("profiler=quick", "trainer.extra.profiler=quick is invalid: it must be one of simple, advanced."),
        ("detect_anomaly=yess", "trainer.extra.detect_anomaly=yess is invalid: it must be true or false."),
        ("limit_train_batches=1.5", "it must be an integer >= 1, the optimiser steps of an epoch, or a number"),
        ("max_steps=0", "trainer.extra.max_steps=0 is invalid: it must be an integer >= 1."),
        ("max_time=10", "is invalid: it must be days, hours, minutes and seconds, 00:00:30:00 for half an hour"),
        ("max_time=00:00:00:00", "is invalid: it must be days, hours, minutes and seconds"),
        ("max_time={minute: 3}", "is invalid: it must be days, hours, minutes and seconds"),
        ("gradient_clip_algorithm=max", "is invalid: it must be one of norm, value."),
        ("min_epochs=99", "trainer.extra.min_epochs=99 is more than trainer.max_epochs="),
        ("check_val_every_n_epoch=2", "is not passed on: development sets are scored whole"),
        ("max_epochs=2", "is not passed on: it is an option. Type trainer.max_epochs."),
        ("fast_dev_run=true", "Type debug=fast."),
        ("limit_predict_batches=1", "test sets are scored whole. Type data.limit=100."),
    ],
)
def test_what_is_not_passed_on_is_refused_with_what_to_type(argument: str, answer: str) -> None:
    with pytest.raises(UserError) as error:
        validate(composed(*adapted(["experiment=tiny", f"trainer.extra.{argument}"])))
    assert answer in str(error.value)


def test_arguments_reach_the_trainer(tmp_path: Path) -> None:
    config = TrainerConfig(accelerator="cpu", extra={"profiler": "simple", "detect_anomaly": True})
    trainer = make_trainer(config, OptimizerConfig(), tmp_path, loggers=[], callbacks=[])
    assert isinstance(trainer.profiler, SimpleProfiler)
    assert trainer.profiler.dirpath == tmp_path
    assert trainer._detect_anomaly


def test_a_limit_of_time_is_a_text_or_its_parts(tmp_path: Path) -> None:
    for written, seconds in (("00:00:01:30", 90), ("{minutes: 2}", 120)):
        config = validate(composed(*adapted(["experiment=tiny", f"trainer.extra.max_time={written}"])))
        assert plain(from_plain(plain(config))) == plain(config)
        trainer = make_trainer(config.trainer, OptimizerConfig(), tmp_path, loggers=[], callbacks=[])
        [timer] = [each for each in trainer.callbacks if isinstance(each, Timer)]  # type: ignore[attr-defined]
        assert timer.time_remaining() == seconds


def test_two_limits_that_exclude_each_other() -> None:
    with pytest.raises(UserError, match=r"Type trainer\.extra\.min_steps"):
        validate(
            composed(*adapted(["experiment=tiny", "trainer.extra.max_steps=9", "trainer.extra.min_epochs=1"])),
        )
    with pytest.raises(UserError, match=r"invalid with trainer\.strategy=fsdp"):
        fsdp = ("trainer.devices=2", "trainer.strategy=fsdp", "trainer.extra.gradient_clip_algorithm=value")
        validate(composed(*adapted(["experiment=tiny", *fsdp])))
