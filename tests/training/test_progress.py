"""What a run tells the launcher about how far it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.helpers.runs import SMALL, trained

from sentiment_transfer.training import trainer as trainer_module
from sentiment_transfer.training.trainer import PROGRESS_VARIABLE, ProgressFile, progress_reports

TINY = (*SMALL, "source.written_en.limit=64", "logger=none")


def test_nothing_is_written_where_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PROGRESS_VARIABLE, raising=False)
    assert progress_reports() == []


def test_a_run_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    write = ProgressFile._write

    def keep(callback: ProgressFile, done: float, text: str) -> None:
        write(callback, done, text)
        written.append(json.loads((tmp_path / "progress.json").read_text()))

    monkeypatch.setattr(ProgressFile, "_write", keep)
    monkeypatch.setattr(trainer_module, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setenv(PROGRESS_VARIABLE, str(tmp_path / "progress.json"))
    trained(tmp_path / "run", *TINY)
    assert [entry["done"] for entry in written] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert [entry["text"] for entry in written] == ["epoch 1/2", "epoch 1/2", "epoch 2/2", "epoch 2/2", "scoring"]


def test_a_folder_that_is_gone_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROGRESS_VARIABLE, str(tmp_path / "gone" / "progress.json"))
    [callback] = progress_reports()
    assert isinstance(callback, ProgressFile)
    callback._write(0.5, "half")
    assert not (tmp_path / "gone").exists()
