from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.helpers.runs import SMALL, trained


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
