"""Hand-made records of runs, for tests that need a result without training anything."""

from __future__ import annotations

from typing import Any

import numpy as np

from sentiment_transfer.config.dataset import headline_metric
from sentiment_transfer.results.record import SCHEMA_VERSION, DatasetScores, RunResult
from sentiment_transfer.statistics.metrics import Scores, score

BINARY = ("negative", "positive")


def example_scores(
    error: float, n: int = 1000, classes: tuple[str, ...] = BINARY, folds: int = 1, collapsed: bool = False
) -> Scores:
    """Scores of balanced rows of which the share ``error`` is wrong, spread evenly over classes and folds."""
    gold = np.arange(n) % len(classes)
    wrong = np.zeros(n, dtype=bool)
    wrong[: round(error * n)] = True
    predicted = np.zeros(n, dtype=int) if collapsed else np.where(wrong, (gold + 1) % len(classes), gold)
    return score(np.eye(len(classes))[predicted], gold, classes, np.arange(n) % folds)


def example_entry(
    dataset: str, scores: Scores, *, protocol: str = "zero-shot", classes: tuple[str, ...] = BINARY
) -> DatasetScores:
    return DatasetScores(
        role="target",
        language=dataset.rpartition("_")[2],
        domain="reviews",
        protocol=protocol,
        metric=headline_metric(dataset, scores),
        n=scores["n"],
        classes=list(classes),
        selections={"last": scores, "source_dev": scores},
    )


def example_result(
    errors: dict[str, float] | None = None,
    *,
    model: str = "nano",
    source: str = "written_en",
    seed: int = 0,
    run_id: str = "",
    status: Any = "finished",
    caveats: tuple[str, ...] = ("trained from scratch", "language model trained here"),
    fold: int | None = None,
    config: dict[str, Any] | None = None,
) -> RunResult:
    """A record with the given error per dataset."""
    errors = {"written_en": 0.1, "written_ja": 0.3} if errors is None else errors
    sources = source.split("+")
    one_fold = {} if fold is None else {"fold": fold}
    scores = {
        name: example_entry(
            name,
            example_scores(error, collapsed=status == "degenerate"),
            protocol="supervised" if name in sources else "zero-shot",
        )
        for name, error in errors.items()
    }
    return RunResult(
        schema_version=SCHEMA_VERSION,
        run_id=run_id or f"{model}-{source}-s{seed}-{fold}",
        status=status,
        caveats=list(caveats),
        seed=seed,
        command=["train.py", f"seed={seed}"],
        config={
            "seed": seed,
            "model": {"name": model},
            "source": {name: {"limit": None, **one_fold} for name in sources},
            "targets": {name: {"limit": None} for name in errors if name not in sources},
            "optimizer": {"learning_rate": 2e-5},
            "trainer": {"max_epochs": 3},
            "logger": {"wandb": False},
            "paths": {"output_dir": f"outputs-{seed}"},
            **(config or {}),
        },
        created="2026-01-01T00:00:00+00:00",
        git=None,
        packages={"python": "3.11.7"},
        inputs={"reviews": {}, "files": {}},
        device={"kind": "cpu", "name": "a processor", "count": 1, "threads": 2},
        precision="32-true",
        model={
            "name": model,
            "encoder": f"builtin:{model}",
            "parameters": 1_000_000,
            "trainable_parameters": 500_000,
            "layers": 2,
            "hidden_size": 128,
            "vocabulary": 5000,
            "weights": "built in",
        },
        source={"names": sources, "rows": {"train": 8000, "dev": 1000}},
        selections={"last": {"epoch": 3}, "source_dev": {"epoch": 2}},
        history=[{"epoch": 1, "train_loss": 0.5}],
        scores=scores,
        audit={},
        performance={
            "seconds": {"train": 10.0},
            "examples_per_second": {"train": 2000.0},
            "tokens_per_second": {"train": 40000.0},
            "peak_memory_bytes": 500_000_000,
        },
        unavailable={},
        dedup={},
    )
