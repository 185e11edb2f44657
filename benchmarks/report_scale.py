"""Time to build a report of many runs, including reading from disk.

python -m benchmarks.report_scale                      500 runs x 5 datasets x 5,000 reviews; should take < 60 s
python -m benchmarks.report_scale --runs 50 --keep /tmp/many     keep the run folders, e.g. to open their report

The runs are synthetic: ten models with five seeds from each of ten sources, predictions from simulated_experiments.py.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.simulated_experiments import World, experiments
from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.results.predictions import Predictions, write_predictions
from sentiment_transfer.results.record import SCHEMA_VERSION, DatasetScores, RunResult, write_result
from sentiment_transfer.statistics.metrics import score

CLASSES = ("negative", "positive")
MODELS, SEEDS = 10, 5
METRICS = ("error", "error", "macro_f1", "f1_positive_mean_folds", "error")


def write_runs(folder: Path, runs: int, targets: int, n: int) -> None:
    """Write run folders as ``train.py`` does, with results and predictions but no weights."""
    generator = np.random.default_rng(0)
    bias = tuple(np.linspace(-0.8, -2.0, MODELS))
    world = World(n, SEEDS, bias, (0.1,) * MODELS)
    ids = [str(number) for number in range(n)]
    for source in range(-(-runs // (MODELS * SEEDS))):
        gold, predicted, _ = zip(*(experiments(world, 1, generator) for _ in range(targets)), strict=True)
        for number in range(min(MODELS * SEEDS, runs - source * MODELS * SEEDS)):
            model, seed = divmod(number, SEEDS)
            predictions_by_dataset = {
                f"set_{target}": predictions_of(gold[target], predicted[target][0, model, seed], ids, target, generator)
                for target in range(targets)
            }
            write_run(folder, f"source_{source}", model, seed, predictions_by_dataset)


def predictions_of(
    gold: np.ndarray, predicted: np.ndarray, ids: list[str], target: int, generator: np.random.Generator
) -> Predictions:
    confidence = generator.uniform(0.5, 1, len(gold)).astype(np.float32)
    positive = np.where(predicted == 1, confidence, 1 - confidence)
    last = np.stack([1 - positive, positive], axis=1)
    flipped = generator.random(len(gold)) < 0.03  # another epoch predicts a few reviews differently
    other = np.where(flipped[:, None], last[:, ::-1], last)
    folds = np.arange(len(gold)) % 5 if METRICS[target % 5].endswith("folds") else np.zeros(len(gold))
    return Predictions(
        ids, gold, folds.astype(np.int8), CLASSES, {"last": last, "source_dev": other}, features(len(gold))
    )


def features(n: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    characters = generator.integers(5, 500, n)
    return {
        "characters": characters,
        "tokens": characters // 4,
        "seen": generator.random(n),
        "script": np.where(generator.random(n) < 0.9, "Latn", "Jpan").astype(object),
        "domain": np.array(["film", "hotel", "app", "product"], dtype=object)[generator.integers(0, 4, n)],
        "tag": np.array([None, "irony", "negation", "contrast"], dtype=object)[generator.integers(0, 4, n)],
    }


def write_run(folder: Path, source: str, model: int, seed: int, predictions_by_dataset: dict[str, Predictions]) -> None:
    name = f"size_{model}"
    run_id = f"{name}-{source}-s{seed}"
    for dataset, predictions in predictions_by_dataset.items():
        write_predictions(folder / run_id, dataset, predictions)
    scores = {
        dataset: entry(predictions, place)
        for place, (dataset, predictions) in enumerate(predictions_by_dataset.items())
    }
    parameters = int(1e6 * 2**model)
    result = RunResult(
        schema_version=SCHEMA_VERSION,
        run_id=run_id,
        status="finished",
        caveats=["simulated"],
        seed=seed,
        command=["benchmarks/report_scale.py"],
        config={"seed": seed, "model": {"name": name}, "source": {source: {}}, "targets": {}},
        created="2026-01-01T00:00:00+00:00",
        git=None,
        packages={},
        device={"kind": "cpu", "name": "simulated", "count": 1, "threads": 1},
        precision="32-true",
        model={
            "name": name,
            "encoder": f"builtin:{name}",
            "parameters": parameters,
            "trainable_parameters": parameters,
            "layers": 2,
            "hidden_size": 128,
            "vocabulary": 5000,
            "weights": "built in",
        },
        source={"names": [source], "rows": {"train": 1000, "dev": 100}},
        selections={"last": {"epoch": 2}, "source_dev": {"epoch": 1}},
        history=[{"epoch": epoch, "train": {}, "dev": {}} for epoch in range(3)],
        scores=scores,
        audit={"splits": {}, "overlaps": [], "removed": {}, "dedup": False},
        performance={
            "seconds": {"train": 10.0, "score": 1.0, "prepare": 1.0, "total": 12.0},
            "examples_per_second": {"train": 100.0, "score": 1000.0},
            "tokens_per_second": {"train": 1000, "score": 10000},
            "peak_memory_bytes": 500_000_000,
        },
        unavailable={},
        dedup={},
    )
    write_result(folder / run_id, result)


def entry(predictions: Predictions, place: int) -> DatasetScores:
    selections = {
        name: score(probabilities, predictions.gold, CLASSES, predictions.folds)
        for name, probabilities in predictions.probabilities.items()
    }
    return DatasetScores(
        role="source" if place == 0 else "target",
        language="en",
        domain="simulated",
        protocol="supervised" if place == 0 else "zero-shot",
        metric=METRICS[place % 5],
        n=len(predictions.gold),
        classes=list(CLASSES),
        selections=selections,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=500)
    options.add_argument("--targets", type=int, default=5)
    options.add_argument("--n", type=int, default=5000)
    options.add_argument("--keep", type=Path, help="write the run folders here and keep them")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        started = time.monotonic()
        write_runs(folder, chosen.runs, chosen.targets, chosen.n)
        made = f"{chosen.runs} runs x {chosen.targets} datasets x {chosen.n:,} reviews"
        print(f"made {made}: {time.monotonic() - started:.1f} s", flush=True)
        started = time.monotonic()
        collection = collect([folder])
        collected = time.monotonic()
        result = answer(collection)
        print(
            f"records read: {collected - started:.1f} s; predictions read, resampled and tested: "
            f"{time.monotonic() - collected:.1f} s; {len(result.cells):,} cells, "
            f"{len(result.comparisons):,} comparisons"
        )


if __name__ == "__main__":
    main()
