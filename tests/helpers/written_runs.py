"""Runs on disk with answers to every review, for tests of what the report makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tests.helpers.example_result import BINARY, example_entry, example_result

from sentiment_transfer.results.predictions import Predictions, write_predictions
from sentiment_transfer.results.record import RunResult, write_result
from sentiment_transfer.statistics.metrics import score

N = 600


def answers(error: float, seed: int = 0, n: int = N, rows: int = 0, folds: int = 1) -> Predictions:
    """Answers of which about a share is wrong: mostly to the reviews that are hard for every network.

    ``rows`` names the reviews: the same number, the same reviews.
    """
    hard = np.random.default_rng(rows).random(n)
    gold = np.random.default_rng(rows + 1000).integers(0, 2, n).astype(np.int8)
    own = np.random.default_rng([seed, round(1e6 * error)]).random(n)
    wrong = 0.7 * hard + 0.3 * own < np.quantile(0.7 * hard + 0.3 * own, error) if error > 0 else np.zeros(n, bool)
    right_class = np.where(wrong, 1 - gold, gold)
    confidence = 0.6 + 0.3 * own
    positive = np.where(right_class == 1, confidence, 1 - confidence)
    return Predictions(
        ids=[f"{rows}-{row}" for row in range(n)],
        gold=gold,
        folds=(np.arange(n) % folds).astype(np.int8),
        classes=BINARY,
        probabilities={"last": np.stack([1 - positive, positive], axis=1).astype(np.float32)},
    )


def write_run(
    folder: Path,
    sets: dict[str, Predictions],
    *,
    model: str = "nano",
    parameters: int = 1_000_000,
    encoder: str = "",
    predictions: bool = True,
    sources: tuple[str, ...] = ("written_en",),
    **of_result: Any,
) -> RunResult:
    """Write a run that answered these sets; further arguments are those of ``example_result``."""
    result = example_result(dict.fromkeys(sets, 0.1), model=model, source="+".join(sources), **of_result)
    result["run_id"] = f"{result['run_id']}-{'+'.join(sets)}"
    result["model"] |= {"parameters": parameters, "encoder": encoder or f"builtin:{model}"}
    for name, of in sets.items():
        scores = score(of.probabilities["last"], of.gold, of.classes, of.folds)
        entry = example_entry(name, scores, protocol="supervised" if name in sources else "zero-shot")
        result["scores"][name] = {
            **entry,
            "role": "source" if name in sources else "target",
            "selections": {"last": scores},
        }
        if predictions:
            write_predictions(folder / result["run_id"], name, of)
    write_result(folder / result["run_id"], result)
    return result


def write_seeds(folder: Path, errors: dict[str, list[float]], *, n: int = N, **of_run: Any) -> list[RunResult]:
    """One run per seed; ``errors`` are, per set, those of the seeds."""
    seeds = range(len(next(iter(errors.values()))))
    return [
        write_run(
            folder,
            {name: answers(of[seed], seed, n, rows=number) for number, (name, of) in enumerate(errors.items())},
            seed=seed,
            **of_run,
        )
        for seed in seeds
    ]
