"""What every program of the job gets: the same texts, encoder and hyperparameters, written where all can read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workload import configured
from sentiment_transfer.config.model_options import Weights
from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.runs.build import make_data
from sentiment_transfer.runs.classifier import encoder_of


@dataclass(frozen=True)
class Job:
    """``overrides`` of train.py, without those of the place and the seed."""

    name: str
    overrides: tuple[str, ...]


def jobs(architecture: str) -> dict[str, Job]:
    """The jobs by name; ``architecture`` is a folder with XLM-R base's config.json and tokenizer."""
    common = ("trainer.max_epochs=1", "trainer.average=false", "logger=none")
    base = ("model=base", f"model.encoder={architecture}", "model.weights=random", "source=smsa_id")
    targets = "smsa_id, indolem_id and jalan_ja"
    return {
        "e5_small": Job(
            f"Multilingual E5 small (pretrained), uci_en to uci_en, {targets}", ("experiment=real", *common)
        ),
        "base": Job(
            f"XLM-R base (random weights), smsa_id to {targets}", (*base, "targets=[indolem_id,jalan_ja]", *common)
        ),
    }


def write_recipe(job: Job, folder: Path, more: tuple[str, ...]) -> dict[str, Any]:
    """Write the splits of ``job`` as JSON lines into ``folder``; returns the recipe, but for its seed."""
    config = configured(*job.overrides, *more)
    data = make_data(config)
    data.read()
    [dev] = (s.reviews for s in data.dev_sets if s.name in data.source)
    sets = {"train": data.train_sets[0].reviews, "dev": dev}
    sets |= {f"test_{s.name}": s.reviews for s in data.test_sets}
    return {
        "files": {name: write_split(reviews, folder / f"{name}.jsonl") for name, reviews in sets.items()},
        "rows": {name: len(reviews) for name, reviews in sets.items()},
        "encoder": encoder_of(config),
        "random": config.model.weights == Weights.random,
        "max_length": config.data.max_length,
        "epochs": config.trainer.max_epochs,
        "batch_size": config.trainer.batch_size,
        "learning_rate": config.optimizer.learning_rate,
        "weight_decay": config.optimizer.weight_decay,
        "warmup_ratio": config.optimizer.warmup_ratio,
    }


def write_split(reviews: Reviews, path: Path) -> str:
    rows = zip(reviews.table["text"].to_pylist(), reviews.labels.tolist(), strict=True)
    lines = (json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)
