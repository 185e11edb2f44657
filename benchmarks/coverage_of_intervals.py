"""Coverage of the report's 95 % intervals, and the rate of false claims, over simulated experiments.

python -m benchmarks.coverage_of_intervals                 all worlds, 2,000 experiments each (about 10 minutes)
python -m benchmarks.coverage_of_intervals --experiments 200

Every experiment is three models of one source with 3 or 5 seeds on 400 to 5,000 reviews (simulated_experiments.py).
The coverage columns are percentages and should be 95; "percentiles" is the percentile bootstrap over seeds and reviews,
for comparison. "false" is the percentage of experiments with equally good models in which any of the three comparisons
was significant after Holm's correction: it should stay below 5.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from benchmarks.simulated_experiments import POSITIVE, World, experiments
from sentiment_transfer.statistics.comparisons import ALPHA, family_tests, pairs, slope_weights
from sentiment_transfer.statistics.interval import bounded_intervals, contrasts, intervals, variances
from sentiment_transfer.statistics.resampling import Scored, resample

MODELS = 3
BATCH = 10  # experiments that share their gold labels, to be resampled together
DRAWS = 500  # a quarter of the report's: adds 3 % noise to a standard error without biasing it
KINDS = ("mean", "difference", "slope", "percentiles")


def worlds(metric: str) -> Iterator[World]:
    for n, seeds, bias, spread in itertools.product((400, 5000), (3, 5), (-3.0, -1.2), (0.0, 0.05, 0.15, 0.5)):
        yield World(n, seeds, (bias,) * MODELS, (spread,) * MODELS, folds=5 if metric.endswith("folds") else 1)
    # Equally good models whose seeds differ by different amounts, and uneven classes.
    folds = 5 if metric.endswith("folds") else 1
    yield evened(World(2000, 3, (-1.2,) * MODELS, (0.05, 0.05, 0.5), folds=folds), metric)
    yield evened(World(2000, 5, (-1.2,) * MODELS, (0.05, 0.15, 0.5), folds=folds), metric)
    yield World(2000, 3, (-1.2,) * MODELS, (0.1,) * MODELS, 0.2, folds=folds)


def evened(world: World, metric: str) -> World:
    """The same world with biases chosen so that all models have the first model's true score."""
    aim = world.truth(metric)[0]
    bias = [
        brentq(lambda b, m=m: replace(world, bias=(b,) * MODELS).truth(metric)[m] - aim, -5, 2) for m in range(MODELS)
    ]
    return replace(world, bias=tuple(bias))


def measure(world: World, metric: str, count: int, seed: int = 0) -> dict[str, float]:
    """Fraction of intervals of each kind that contain the truth, and of experiments with a false claim."""
    generator = np.random.default_rng(seed)
    truth = world.truth(metric)
    held: dict[str, list[float]] = defaultdict(list)
    for batch in range(count // BATCH):
        gold, predicted, folds = experiments(world, BATCH, generator)
        scored = resample(
            gold, predicted.reshape(-1, world.n), metric, 2, positive=POSITIVE, folds=folds, draws=DRAWS, seed=batch
        )
        values = scored.values.reshape(BATCH, MODELS, world.seeds)
        replicates = scored.replicates.reshape(BATCH, MODELS, world.seeds, DRAWS)
        for models in zip(values, replicates, strict=True):
            judge(held, [Scored(*model) for model in zip(*models, strict=True)], truth, world.n, generator)
    return {kind: float(np.mean(shares)) for kind, shares in held.items()}


def judge(
    held: dict[str, list[float]], models: list[Scored], truth: np.ndarray, n: int, generator: np.random.Generator
) -> None:
    parts = variances(models)
    steps, slope = pairs(MODELS), slope_weights(2.0 ** np.arange(MODELS))[None]
    compared = contrasts(steps, parts, extra_variance=1 / n**2)
    held["mean"].append(coverage(bounded_intervals(contrasts(np.eye(MODELS), parts), n), truth))
    held["difference"].append(coverage(intervals(compared), steps @ truth))
    held["slope"].append(coverage(intervals(contrasts(slope, parts)), slope @ truth))
    held["percentiles"].append(coverage(percentiles(models, generator), truth))
    held["false"].append(float(any(test.p_holm < ALPHA for test in family_tests([compared]))))


def coverage(ends: tuple[np.ndarray, np.ndarray], truth: np.ndarray) -> float:
    return float(np.mean((ends[0] <= truth) & (truth <= ends[1])))


def percentiles(models: list[Scored], generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The 2.5th and 97.5th percentile of a bootstrap over seeds and reviews."""
    draws = [
        np.take_along_axis(m.replicates, generator.integers(0, len(m.values), m.replicates.shape), axis=0).mean(axis=0)
        for m in models
    ]
    low, high = np.quantile(np.stack(draws), (0.025, 0.975), axis=1)
    return low, high


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--experiments", type=int, default=2000, help="per world (default 2000)")
    options.add_argument("--metrics", nargs="+", default=["error", "f1_positive", "macro_f1", "f1_positive_mean_folds"])
    chosen = options.parse_args()
    started, all_held = time.monotonic(), defaultdict(list)
    print(f"{'metric':24} {'n':>5} seeds  true  between" + "".join(f"{kind:>12}" for kind in (*KINDS, "false")))
    for metric in chosen.metrics:
        for world in worlds(metric):
            held = measure(world, metric, chosen.experiments)
            spread = "/".join(f"{s:g}" for s in dict.fromkeys(world.between_seeds))
            line = f"{metric:24} {world.n:5} {world.seeds:5} {100 * world.truth(metric)[0]:5.1f} {spread:>8}"
            print(
                line + "".join(f"{100 * held[k]:12.1f}" if k in held else " " * 12 for k in (*KINDS, "false")),
                flush=True,
            )
            for kind, value in held.items():
                all_held[kind].append(value)
    for kind, shares in all_held.items():
        print(f"{kind}: {100 * min(shares):.1f} to {100 * max(shares):.1f}, mean {100 * np.mean(shares):.1f}")
    print(f"{chosen.experiments} experiments per world, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
