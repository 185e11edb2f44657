from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.helpers.runs import SMALL, trained

from sentiment_transfer.config.logger_options import LoggerConfig
from sentiment_transfer.tracking.loggers import make_loggers


def test_loggers_are_those_that_were_asked_for(tmp_path: Path) -> None:
    def kinds(csv: bool, wandb: bool) -> list[str]:
        made = make_loggers(LoggerConfig(csv=csv, wandb=wandb), tmp_path, name="n", group="g", tags=["t"], settings={})
        return [type(logger).__name__ for logger in made]

    assert kinds(csv=True, wandb=True) == ["CSVLogger", "WandbLogger"]
    assert kinds(csv=True, wandb=False) == ["CSVLogger"]
    assert kinds(csv=False, wandb=False) == []


def test_the_curves_are_in_a_csv_file(tmp_path: Path) -> None:
    result = trained(tmp_path, *SMALL, "source.written_en.limit=64", "logger=csv", "logger.log_every=1")
    with (tmp_path / "metrics" / "version_0" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(bool(row["train/step_loss"]) for row in rows) == 4
    recorded = [entry["train"]["loss"] for entry in result["history"]]
    assert [float(row["train/loss"]) for row in rows if row["train/loss"]] == pytest.approx(recorded)
    recorded = [entry["dev"]["written_en"]["loss"] for entry in result["history"]]
    assert [float(row["dev/written_en/loss"]) for row in rows if row["dev/written_en/loss"]] == pytest.approx(recorded)


def test_no_logger_leaves_no_file(tmp_path: Path) -> None:
    trained(tmp_path, *SMALL, "source.written_en.limit=32", "trainer.max_epochs=1", "logger=none")
    assert not list(tmp_path.rglob("metrics*")) + list(tmp_path.rglob("wandb*"))
