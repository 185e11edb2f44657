"""Runs that are stopped on the way, and what they are compared with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.distant import distant
from tests.helpers.runs import SMALL, TIMES, trained

from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.results.record import is_finished, read_result
from sentiment_transfer.training.interruption import Interrupted

# Five steps an epoch, the last of 6 reviews; dropout, so that the random state matters as well.
RUN = (
    "experiment=tiny",
    "model.dropout=0.1",
    "source.written_en.limit=38",
    "targets.written_ja.limit=20",
    "targets.written_id.limit=20",
    "trainer.batch_size=8",
    "trainer.max_epochs=3",
    "logger=none",
)
STEPS = 5
# The finished run that tests read: its targets have development sets, as the oracle needs.
ORACLE = (
    *(*SMALL[:2], "targets=none", *distant("ja"), *distant("id"), *SMALL[4:]),
    *("trainer.oracle=true", "logger.log_every=1"),
)
KEPT = ("predictions/*", "weights/*")

Rows = tuple[int, ...]
Whole = tuple[Path, list[Rows]]  # a run that nothing disturbed: its folder, and the reviews of its training parts


class Cut(BaseException):
    """The power goes, here and now."""


class Steps:
    """Keeps the reviews of every training part, and calls ``then`` while part number ``at`` (from 1) is under way."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.rows: list[Rows] = []
        self.at = 0
        self.then: Callable[[], object] = lambda: None
        step = SentimentClassifier.training_step

        def training_step(module: SentimentClassifier, batch: Any, batch_idx: int) -> Any:
            self.rows.append(tuple(batch["rows"].tolist()))
            if len(self.rows) == self.at:
                self.then()
            return step(module, batch, batch_idx)

        patch.setattr(SentimentClassifier, "training_step", training_step)


def undisturbed(folder: Path, *overrides: str) -> Whole:
    with pytest.MonkeyPatch.context() as patch:
        recorded = Steps(patch)
        trained(folder, *overrides)
    return folder, recorded.rows


def differences(one: Path, other: Path, *, least: int = 4) -> list[str]:
    """Fields of the record that differ, and files of predictions and weights that differ in any byte."""
    results = [{key: value for key, value in read_result(run).items() if key not in TIMES} for run in (one, other)]
    fields = [key for key in results[0] if results[0][key] != results[1][key]]
    files = {str(file.relative_to(run)) for run in (one, other) for kind in KEPT for file in run.glob(kind)}
    assert len(files) >= least, files  # three sets are scored, with the weights of one epoch or two
    return fields + [name for name in sorted(files) if content(one / name) != content(other / name)]


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def send(*signals: int) -> Callable[[], None]:
    def to_this_process() -> None:
        for signum in signals:
            os.kill(os.getpid(), signum)

    return to_this_process


def cut() -> None:
    raise Cut


def stopped(folder: Path, *overrides: str) -> Interrupted:
    with pytest.raises(Interrupted) as stop:
        trained(folder, *overrides)
    assert not is_finished(folder)
    return stop.value
