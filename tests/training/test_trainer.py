from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelSummary, ProgressBar

from sentiment_transfer.config.objective_options import OptimizerConfig
from sentiment_transfer.config.training_options import TrainerConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.training.trainer import (
    choose_accelerator,
    choose_precision,
    make_trainer,
    quiet_lightning,
)


def made(folder: Path, **options: Any) -> pl.Trainer:
    optimizer = OptimizerConfig(max_grad_norm=0.7)
    config = TrainerConfig(**({"accelerator": "cpu", "precision": "32-true"} | options))
    return make_trainer(config, optimizer, folder, loggers=[], callbacks=[], log_every=13)


def test_the_configuration_reaches_the_trainer(tmp_path: Path) -> None:
    trainer = made(tmp_path, max_epochs=3, micro_batch_size=8)
    assert (trainer.max_epochs, trainer.accumulate_grad_batches, trainer.gradient_clip_val) == (3, 4, 0.7)
    assert (trainer.precision, trainer.log_every_n_steps, trainer.num_devices) == ("32-true", 13, 1)
    assert trainer.default_root_dir == str(tmp_path)
    assert trainer.num_sanity_val_steps == 0


def test_the_trainer_leaves_saving_and_showing_to_others(tmp_path: Path) -> None:
    trainer = made(tmp_path)
    assert trainer.loggers == []
    assert trainer.checkpoint_callbacks == []
    assert not any(isinstance(callback, ModelSummary) for callback in trainer.callbacks)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("wanted", "terminal", "shown"), [(True, True, 1), (True, False, 0), (False, True, 0)])
def test_the_progress_bar_is_for_terminals(
    wanted: bool, terminal: bool, shown: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    trainer = make_trainer(
        TrainerConfig(accelerator="cpu"), OptimizerConfig(), tmp_path, loggers=[], callbacks=[], progress_bar=wanted
    )
    assert sum(isinstance(callback, ProgressBar) for callback in trainer.callbacks) == shown


def devices(monkeypatch: pytest.MonkeyPatch, *, cuda: bool = False, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def test_auto_takes_the_fastest_device_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    devices(monkeypatch)
    assert choose_accelerator("auto") == "cpu"
    devices(monkeypatch, mps=True)
    assert choose_accelerator("auto") == "mps"
    devices(monkeypatch, cuda=True, mps=True)
    assert choose_accelerator("auto") == "cuda"
    assert choose_accelerator("gpu") == "cuda"
    assert choose_accelerator("cpu") == "cpu"


@pytest.mark.parametrize("wanted", ["gpu", "cuda", "mps"])
def test_a_missing_device_is_a_sentence(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    devices(monkeypatch)
    sentence = (
        r"trainer\.accelerator=\w+ is not available: torch \S+ found no such device\. Use trainer\.accelerator=cpu"
    )
    with pytest.raises(UserError, match=sentence):
        choose_accelerator(wanted)


def test_auto_is_bf16_where_the_device_multiplies_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for native in (True, False):
        expected = "bf16-mixed" if native else "32-true"
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, native=native: native)
        assert choose_precision("auto", "cuda") == expected
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda native=native: native)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
        assert choose_precision("auto", "cpu") == expected
    assert choose_precision("auto", "mps") == "32-true"


def test_a_precision_that_was_asked_for_is_taken() -> None:
    assert choose_precision("16-mixed", "cpu") == "16-mixed"


def test_the_processor_is_asked_what_the_system_says_of_it() -> None:
    """torch's probes are private: this fails where they are gone, or answer otherwise than the flags of the kernel."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists() or "flags" not in cpuinfo.read_text():
        pytest.skip("the system does not list the processor's flags")
    flags = next(line for line in cpuinfo.read_text().splitlines() if line.startswith("flags")).split()
    native = "amx_tile" in flags or "avx512_bf16" in flags
    assert choose_precision("auto", "cpu") == ("bf16-mixed" if native else "32-true")


def test_lightning_is_quiet_about_what_is_meant_and_about_nothing_else() -> None:
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning.pytorch")]
    levels = [logger.level for logger in loggers]
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            quiet_lightning()
            warnings.warn("The 'train_dataloader' does not have many workers which may be a bottleneck.", stacklevel=1)
            warnings.warn("Found 42 module(s) in eval mode at the start of training.", stacklevel=1)
            warnings.warn("The loss is not finite.", stacklevel=1)
        assert [str(warning.message) for warning in caught] == ["The loss is not finite."]
        assert not loggers[0].isEnabledFor(logging.INFO) and loggers[0].isEnabledFor(logging.WARNING)
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
