"""Runs that end at a step or a time, with the arguments of the trainer that cut them."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning.callbacks import Timer
from tests.helpers.runs import composed
from tests.helpers.stopping import RUN, STEPS, Steps, differences, send

from sentiment_transfer import cli
from sentiment_transfer.config.overrides import adapted
from sentiment_transfer.model.classifier import LinearWithWarmup, SentimentClassifier
from sentiment_transfer.results.record import RunResult, read_result
from sentiment_transfer.training.interruption import Interrupted


def trained(folder: Path, *arguments: str) -> RunResult:
    folder.mkdir(exist_ok=True)
    cli.train(composed(*adapted([*RUN, *arguments])), str(folder))
    return read_result(folder)


def test_a_run_ends_at_its_last_step_and_goes_on_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[int] = []
    init = LinearWithWarmup.__init__

    def noted(self: LinearWithWarmup, steps: int, warmup_ratio: float) -> None:
        planned.append(steps)
        init(self, steps, warmup_ratio)

    monkeypatch.setattr(LinearWithWarmup, "__init__", noted)
    limits = ("trainer.extra.max_steps=7", "trainer.micro_batch_size=4", "trainer.extra.num_sanity_val_steps=1")
    with monkeypatch.context() as patch:
        whole = Steps(patch)
        result = trained(tmp_path / "whole", *limits)
    assert planned == [7]
    assert len(whole.rows) == 2 * 7 and "stopped" not in result
    assert [entry["epoch"] for entry in result["history"]] == [0, 1]
    assert result["selections"]["last"]["epoch"] == 1
    assert "shortened: trainer.extra.max_steps=7" in result["caveats"]
    for part in (12, 14):  # within the last step but one, and within the last
        steps = Steps(monkeypatch)
        steps.at, steps.then = part, send(signal.SIGTERM)
        with pytest.raises(Interrupted):
            trained(tmp_path / str(part), *limits)
        trained(tmp_path / str(part), *limits)
        assert steps.rows == whole.rows
        assert differences(tmp_path / str(part), tmp_path / "whole") == []
        monkeypatch.undo()


def test_a_run_ends_when_its_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        steps = Steps(patch)
        patch.setattr(Timer, "time_elapsed", lambda *_: float(len(steps.rows)))
        result = trained(tmp_path / "run", "trainer.extra.max_time={seconds: 7}")
    assert len(steps.rows) == 7
    assert result["stopped"]["epoch"] == 2 and result["stopped"]["max_epochs"] == 3
    assert result["stopped"]["reason"] == "The time of trainer.extra.max_time was over."
    assert result["caveats"][-1].startswith("shortened: trainer.extra.max_time=")
    assert result["selections"]["last"]["epoch"] == 1


def test_a_run_has_the_epochs_that_it_must_have_and_a_share_of_their_steps(tmp_path: Path) -> None:
    early = ("callbacks=early_stopping", "callbacks.early_stopping.min_delta=1", "trainer.max_epochs=4")
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        limits = ("trainer.extra.min_epochs=3", "trainer.extra.limit_train_batches=0.5")
        result = trained(tmp_path / "run", *early, *limits)
    assert len(steps.rows) == 3 * int(0.5 * STEPS)
    assert (result["stopped"]["epoch"], len(result["history"])) == (3, 3)


def test_gradients_are_clipped_by_value_where_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip, largest = SentimentClassifier.configure_gradient_clipping, []

    def clipped(module: SentimentClassifier, optimizer: Any, **options: Any) -> None:
        clip(module, optimizer, **options)
        found = [p.grad.abs().max() for p in module.network.parameters() if p.grad is not None]
        largest.append(float(torch.stack(found).max()))

    monkeypatch.setattr(SentimentClassifier, "configure_gradient_clipping", clipped)
    trained(
        tmp_path / "run",
        *("trainer.extra.gradient_clip_algorithm=value", "optimizer.max_grad_norm=0.0001", "trainer.extra.max_steps=2"),
    )
    assert len(largest) == 2 and max(largest) == pytest.approx(1e-4)
