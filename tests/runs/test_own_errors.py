"""Exceptions of a user's own callback, loss, optimiser and schedule in the middle of a run."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.runs import ROOT, composed
from tests.helpers.stopping import RUN, Steps, send

from sentiment_transfer import cli
from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.errors import UserError
from sentiment_transfer.runs.own_errors import own_error
from sentiment_transfer.training.interruption import Interrupted

CODE = """
import json
import torch
from pytorch_lightning import Callback
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

calls = []

class Mine(Callback):
    def on_train_batch_end(self, trainer, pl_module, *_):
        if trainer.global_step == 2:
            json.loads("{")

class Restored(Callback):
    def state_dict(self):
        return {"at": 1}
    def load_state_dict(self, state_dict):
        return state_dict["missing"]

def loss(logits, labels):
    calls.append(0)
    if len(calls) > 4:
        return torch.nn.functional.cross_entropy(logits, labels[:1])
    return torch.nn.functional.cross_entropy(logits, labels)

class Optimizer(SGD):
    def step(self, closure=None):
        super().step(closure)
        if len(self.param_groups[0]["params"]) > 1:
            raise ValueError

def schedule(optimizer, num_training_steps):
    return LambdaLR(optimizer, lambda step: 1 / (3 - step))
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(CODE.removeprefix("\n"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


@pytest.mark.parametrize(
    ("option", "target", "at", "reason"),
    [
        ("callbacks.mine", "Mine", ("on_train_batch_end", 12), "JSONDecodeError: Expecting property name"),
        ("loss", "loss", ("loss", 23), "ValueError: Expected input batch_size (8) to match target batch_size (1)."),
        ("optimizer", "Optimizer", ("step", 30), "ValueError. With HYDRA_FULL_ERROR=1"),
        ("schedule", "schedule", ("<lambda>", 33), "ZeroDivisionError: division by zero. With"),
    ],
)
def test_it_is_a_sentence_with_the_users_own_line(
    module: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: str,
    target: str,
    at: tuple[str, int],
    reason: str,
) -> None:
    (tmp_path / "run").mkdir()
    typed = f"{option}._target_={module}.{target}"
    warmup = ("optimizer.warmup_ratio=0",) if option == "schedule" else ()
    with pytest.raises(UserError) as error:
        cli.train(composed(*adapted([*RUN, typed, *warmup])), str(tmp_path / "run"))
    function, line = at
    file = tmp_path / f"{module}.py"
    assert f"{typed} failed in {function} ({file}, line {line}): {reason}" in str(error.value)
    assert "error: " in capsys.readouterr().err
    assert error.value.__cause__ is not None


def test_a_state_that_cannot_be_put_back_is_no_damaged_checkpoint(
    module: str, tmp_path: Path, steps: Steps, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    config = composed(*adapted([*RUN, f"callbacks.mine._target_={module}.Restored"]))
    steps.at, steps.then = 3, send(signal.SIGTERM)
    with pytest.raises(Interrupted):
        cli.train(config, str(tmp_path / "run"))
    with pytest.raises(UserError, match=r"Restored failed in load_state_dict .*, line 18\): KeyError: 'missing'"):
        cli.train(config, str(tmp_path / "run"))


def test_a_bug_of_the_programs_own_is_none_of_theirs(module: str, tmp_path: Path) -> None:
    config = validate(composed(*adapted([*RUN, f"callbacks.mine._target_={module}.Mine"])))
    scope: dict[str, Any] = {}
    for code, file in (
        ("def bug(): raise KeyError('ours')", ROOT / "src" / "sentiment_transfer" / "cli.py"),
        ("def calls(function): function()", tmp_path / f"{module}.py"),
        ("def theirs(): raise KeyError('theirs')", tmp_path / f"{module}.py"),
    ):
        exec(compile(code, str(file), "exec"), scope)
    for name, found in (("bug", False), ("theirs", True)):
        with pytest.raises(KeyError) as error:
            scope["calls"](scope[name])
        assert (own_error(config, error.value) is not None) is found
