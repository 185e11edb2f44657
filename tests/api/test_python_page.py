"""docs/python.md: its code runs from the first block to the last, and the DataModules that it names are there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.runs import ROOT

import sentiment_transfer
from sentiment_transfer import Run, train
from sentiment_transfer.config.dataset import datasets

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
QUICK = {
    "source.written_en.limit": 64,
    "targets.written_ja.limit": 40,
    "trainer.max_epochs": 1,
    "trainer.average": False,
    "logger.progress_bar": False,
}


def test_the_pages_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    def quick(model: str, *, options: dict[str, Any], **arguments: Any) -> Run:
        """Of a random encoder, which takes the same arguments."""
        assert model == "e5_small"
        calls.append(arguments | options)
        return train("scratch", options=QUICK | {"trainer.precision": "32-true"}, **arguments)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sentiment_transfer, "train", quick)
    known: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), known)
    assert len(calls) == 1 and len(blocks) == 5
    assert [answer.label is None for answer in known["answers"]] == [False, False, True]
    assert set(known["table"]["dataset"]) == {"written_en", "written_ja", "shop", "shop_ja"}
    assert known["batch"]["input_ids"].shape[0] == 32
    assert repr(known["english"]).startswith("WrittenDataModule(written_en, en, negative/positive")


def test_every_datamodule_is_named() -> None:
    named = set(re.findall(r"`data\.(\w+)\.(\w+)\(", PAGE))
    for module, name in named:
        assert hasattr(importlib.import_module(f"sentiment_transfer.data.{module}"), name)
    modules = {tuple(each.data_module.split(".")[-1].split(":")) for each in datasets().values()}
    assert modules - {("hub_reviews", "HubDataModule"), ("own_reviews", "OwnReviews")} <= named
