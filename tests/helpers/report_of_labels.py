"""Runs by every protocol, written as they are, for tests of what the report makes of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tests.helpers.written_runs import answers, write_run

from sentiment_transfer.results.record import LabelBudget, RunResult, write_result

TARGET = "written_ja"
PLAIN = {
    "name": "zero_shot",
    "shots": None,
    "sample_seed": 0,
    "mode": "sequential",
    "steps": 200,
    "learning_rate": None,
}


def written(
    folder: Path,
    error: float,
    name: str,
    labels: LabelBudget,
    protocol: dict[str, Any],
    *,
    seeds: int = 3,
    spread: float = 0.01,
    alone: bool = False,
    of_model: dict[str, Any] | None = None,
    **settings: Any,
) -> list[RunResult]:
    """One run per seed, each with the draw of its number, around an error on the same reviews."""
    runs = []
    for seed in range(seeds):
        here = error + spread * float(np.linspace(-1, 1, 3)[seed]) * (seeds > 1)
        own = {**PLAIN, **protocol, "sample_seed": seed}
        kind = {"kind": "written", "limit": None}
        config = {
            "protocol": own,
            "source": {TARGET: kind} if alone else {"written_en": kind},
            "targets": {} if alone else {TARGET: kind},
            **settings,
        }
        result = write_run(
            folder / name, {TARGET: answers(here, seed, rows=7)}, seed=seed, config=config,
            sources=(TARGET,) if alone else ("written_en",),
        )  # fmt: skip
        place = folder / name / result["run_id"]
        moved = place.with_name(f"{name}-s{seed}")
        place.rename(moved)
        result["run_id"] = moved.name
        result["scores"][TARGET]["label_budget"] = labels | ({"sample_seed": seed} if "per_class" in labels else {})  # type: ignore[typeddict-item]
        result["model"].update(of_model or {})  # type: ignore[typeddict-item]
        write_result(moved, result)
        runs.append(result)
    return runs


def zero_shot_runs(folder: Path, error: float, **of_runs: Any) -> list[RunResult]:
    name = "mean" if "of_model" in of_runs else "zero"
    return written(folder, error, name, LabelBudget(total=0), {}, **of_runs)


def few_label_runs(folder: Path, errors: dict[int, float], **of_runs: Any) -> None:
    for shots, error in errors.items():
        labels = LabelBudget(total=2 * shots, label_use="target_only", per_class=shots)
        written(
            folder, error, f"few-label-{shots}", labels, {"name": "supervised", "shots": shots}, alone=True, **of_runs
        )


def few_shot_runs(folder: Path, errors: dict[int, float], **of_runs: Any) -> None:
    for shots, error in errors.items():
        labels = LabelBudget(total=2 * shots, label_use="sequential", per_class=shots)
        written(folder, error, f"few-shot-{shots}", labels, {"name": "few_shot", "shots": shots}, **of_runs)


def full_runs(folder: Path, error: float, **of_runs: Any) -> None:
    written(folder, error, "full", LabelBudget(total=16_000, label_use="target_only"), {}, alone=True, **of_runs)
