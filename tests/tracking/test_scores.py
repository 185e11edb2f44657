from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from runs import SMALL, trained
from sentiment_transfer.config import LoggerConfig
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.results.predictions import Predictions
from sentiment_transfer.tracking.loggers import make_loggers
from sentiment_transfer.tracking.scores import MISTAKES, mistakes


def predictions(gold: list[int], positive: list[float]) -> tuple[Predictions, Reviews]:
    ids = [f"r{row}" for row in range(len(gold))]
    share = np.array(positive, dtype=np.float32)
    probabilities = {"last": np.stack([1 - share, share], axis=1)}
    reviews = Reviews.from_columns(ids, [f"text {name}" for name in ids], gold, language="en", domain="d")
    folds = np.zeros(len(gold), dtype=np.int8)
    return Predictions(ids, np.array(gold, dtype=np.int8), folds, reviews.classes, probabilities), reviews


def test_mistakes_come_with_the_most_confident_first() -> None:
    rows = mistakes(*predictions([0, 0, 1, 1, 0], [0.7, 0.9, 0.2, 0.9, 0.1]))
    assert [row[0] for row in rows] == ["r1", "r2", "r0"]
    assert rows[0][:4] == ["r1", "text r1", "negative", "positive"]
    assert [row[4] for row in rows] == pytest.approx([0.9, 0.8, 0.7])


def test_equally_confident_mistakes_keep_the_order_of_the_file() -> None:
    rows = mistakes(*predictions([0] * 4, [0.75] * 4))
    assert [row[0] for row in rows] == ["r0", "r1", "r2", "r3"]


def test_a_perfect_set_has_no_mistakes() -> None:
    assert mistakes(*predictions([0, 1], [0.1, 0.9])) == []


def test_mistakes_are_cut_to_what_can_be_read() -> None:
    made, _ = predictions([0] * (MISTAKES + 5), [0.9] * (MISTAKES + 5))
    long = Reviews.from_columns(made.ids, ["x" * 5_000] * len(made.ids), made.gold, language="en", domain="d")
    rows = mistakes(made, long)
    assert len(rows) == MISTAKES
    assert {len(row[1]) for row in rows} == {1_000}


def test_loggers_are_those_that_were_asked_for(tmp_path: Path) -> None:
    def kinds(csv: bool, wandb: bool) -> list[str]:
        made = make_loggers(LoggerConfig(csv=csv, wandb=wandb), tmp_path, name="n", group="g", tags=["t"], settings={})
        return [type(logger).__name__ for logger in made]

    assert kinds(csv=True, wandb=True) == ["CSVLogger", "WandbLogger"]
    assert kinds(csv=True, wandb=False) == ["CSVLogger"]
    assert kinds(csv=False, wandb=False) == []


def test_the_curves_are_in_a_csv_file(tmp_path: Path) -> None:
    result = trained(tmp_path, *SMALL, "source.demo_en.limit=64", "logger=csv", "logger.log_every=1")
    with (tmp_path / "metrics" / "version_0" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(bool(row["train/step_loss"]) for row in rows) == 4
    recorded = [entry["train"]["loss"] for entry in result["history"]]
    assert [float(row["train/loss"]) for row in rows if row["train/loss"]] == pytest.approx(recorded)
    recorded = [entry["dev"]["demo_en"]["loss"] for entry in result["history"]]
    assert [float(row["dev/demo_en/loss"]) for row in rows if row["dev/demo_en/loss"]] == pytest.approx(recorded)


def test_no_logger_leaves_no_file(tmp_path: Path) -> None:
    trained(tmp_path, *SMALL, "source.demo_en.limit=32", "trainer.max_epochs=1", "logger=none")
    assert not list(tmp_path.rglob("metrics*")) + list(tmp_path.rglob("wandb*"))
