"""Callbacks of the user: made from ``callbacks``, or refused in a sentence before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning.callbacks import EarlyStopping, LearningRateMonitor
from tests.helpers.runs import composed

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.config.run_name import run_name
from sentiment_transfer.config.typed import from_plain, plain
from sentiment_transfer.errors import UserError
from sentiment_transfer.training.callbacks import make_callbacks, refuse_unusable_monitors, with_loggers
from sentiment_transfer.training.ranks import ALONE

MODULE = """
from pytorch_lightning import Callback

class Counts(Callback):
    def __init__(self, step: int, most: int = 3) -> None:
        if step < 0:
            raise ValueError("step is negative")
        self.step, self.most = step, most

class Keeps(Callback):
    def state_dict(self):
        return {"path": Counts}

class Plain:
    pass
"""
LIGHTNING = "pytorch_lightning.callbacks"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_callbacks_here.py").write_text(MODULE, encoding="utf-8")
    return str(folder)


@pytest.fixture(autouse=True)
def here(own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(own)


def settings(*arguments: str) -> Any:
    return validate(composed(*adapted(["experiment=tiny", *arguments])))


def test_callbacks_are_a_list_with_options_and_part_of_the_name() -> None:
    config = settings("callbacks=[early_stopping,lr_monitor]", "callbacks.early_stopping.patience=2")
    made = make_callbacks(config.callbacks)
    assert [type(each) for each in made.values()] == [EarlyStopping, LearningRateMonitor]
    assert made["early_stopping"].patience == 2  # type: ignore[attr-defined]
    values = plain(config)
    assert plain(from_plain(values)) == values
    none = settings()
    assert "callbacks" not in plain(none)
    assert len({run_name(each) for each in (config, none, settings("callbacks=early_stopping"))}) == 3


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["callbacks=early_stopping", "callbacks.early_stopping.patiance=2"], "Did you mean patience?"),
        (["callbacks=early_stopping", "callbacks.early_stopping.patience=two"], "patience=two is invalid"),
        (["callbacks=early_stopping", "callbacks.early_stopping.patience=0"], "it must be an integer >= 1."),
        (["callbacks.early_stopping.patience=2"], "choose it with callbacks=early_stopping"),
    ],
)
def test_options_are_checked(arguments: list[str], answer: str) -> None:
    with pytest.raises(UserError) as error:
        settings(*arguments)
    assert answer in str(error.value)


@pytest.mark.parametrize(
    ("target", "options", "answer"),
    [
        ("no_such_module.Mine", {}, "there is no module no_such_module."),
        ("own_callbacks_here.Count", {}, "Did you mean Counts?"),
        ("own_callbacks_here.Counts", {}, "callbacks.mine.step is not set"),
        ("own_callbacks_here.Counts", {"stp": 1}, "Did you mean step?"),
        ("own_callbacks_here.Counts", {"step": -1}, "callbacks.mine cannot be made: ValueError: step is negative."),
        ("own_callbacks_here.Plain", {}, "is not a callback"),
        ("own_callbacks_here.Keeps", {}, "cannot be kept in a checkpoint"),
        (f"{LIGHTNING}.ModelCheckpoint", {}, "Type trainer.save_every_minutes."),
        (f"{LIGHTNING}.EMAWeightAveraging", {}, "trainer.average=true"),
        (f"{LIGHTNING}.StochasticWeightAveraging", {"swa_lrs": 0.1}, "trainer.average=true"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(target: str, options: dict[str, Any], answer: str) -> None:
    with pytest.raises(UserError) as error:
        make_callbacks({"mine": {"_target_": target, **options}})
    assert answer in str(error.value)


def test_states_of_two_callbacks_are_kept_apart() -> None:
    stop = {"_target_": f"{LIGHTNING}.EarlyStopping", "monitor": "dev/source/loss"}
    with pytest.raises(UserError, match=r"callbacks\.b and callbacks\.a have the same state_key"):
        make_callbacks({"a": stop, "b": stop})


@pytest.mark.parametrize(
    ("monitor", "source_dev", "answer"),
    [
        ("dev/source/loss", [], "has no development set"),
        ("dev/smsa_id/loss", ["amazon_en"], "is of a target's development set"),
        ("val_loss", ["amazon_en"], "is not logged in this run"),
        ("dev/amazon_en/f1", ["amazon_en"], None),
        ("dev/source/accuracy", ["amazon_en"], None),
    ],
)
def test_what_is_monitored_is_logged_and_of_the_source(monitor: str, source_dev: list[str], answer: str | None) -> None:
    callbacks = {"stop": EarlyStopping(monitor)}
    if answer is None:
        refuse_unusable_monitors(callbacks, [*source_dev, "smsa_id"], source_dev)
        return
    with pytest.raises(UserError, match=answer):
        refuse_unusable_monitors(callbacks, [*source_dev, "smsa_id"], source_dev)


def test_a_callback_that_logs_needs_a_logger() -> None:
    with pytest.raises(UserError, match="type logger=csv"):
        with_loggers({"lr_monitor": LearningRateMonitor()}, [], ALONE)


def test_every_shipped_file_is_made(tmp_path: Path) -> None:
    names = sorted(path.stem for path in (Path(__file__).parents[2] / "conf" / "callbacks").glob("*.yaml"))
    for name in names:
        assert len(make_callbacks(settings(f"callbacks={name}").callbacks)) == (name != "none")
