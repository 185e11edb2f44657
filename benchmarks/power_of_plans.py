"""The power of experiments with the number of seeds that ``statistics.planning`` says would show a difference.

python -m benchmarks.power_of_plans                    2,000 experiments each (about 5 minutes)
python -m benchmarks.power_of_plans --experiments 200

First, plans from the true variances: two models whose seeds and reviews vary as given, in standard deviations of a
score in points, and a true difference in multiples of the smallest that these reviews could show. "power" is the
percentage of experiments with the planned number of seeds in which the difference is significant, "one fewer" that with
one seed fewer: 80 should lie between the two. Then the same plan made from the variances that 3 or 5 seeds show: 5th,
50th and 95th percentile of the number of seeds, and the mean true power of these plans. Last, plans for simulated
networks on simulated reviews (simulated_experiments.py), from variances averaged over many experiments.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from benchmarks.simulated_experiments import POSITIVE, World, experiments
from sentiment_transfer.statistics.comparisons import ALPHA
from sentiment_transfer.statistics.interval import (
    Contrasts,
    Variances,
    contrasts,
    p_values,
    variances,
    with_estimated_seeds,
)
from sentiment_transfer.statistics.planning import MOST_SEEDS, seeds_needed, smallest_with_any_seeds
from sentiment_transfer.statistics.resampling import Scored, resample

DIFFERENCE = np.array([-1.0, 1.0])  # second - first
SHARED = 0.7  # fraction of the variance over reviews that both models share
DRAWS = 500


@dataclass(frozen=True)
class Setting:
    """Standard deviations of a model's score, as fractions."""

    reviews: float  # over test sets, of one model
    seeds: tuple[float, float]  # over seeds, of each model
    interaction: float  # of a single seed's score over test sets, apart from what its model's seeds share
    difference: float = 0.0  # true, second - first

    def variances(self, count: int) -> Variances:
        """The true variances with ``count`` seeds per model."""
        interaction = np.full(2, self.interaction**2) / count
        reviews = self.reviews**2 * (SHARED + (1 - SHARED) * np.eye(2))
        return Variances(
            means=np.array([0.0, self.difference]),
            examples=reviews + np.diag(interaction),
            seeds=np.square(self.seeds) / count + interaction,
            interaction=interaction,
            counts=np.full(2, count),
        )

    def shown_seeds(self, count: int, number: int, generator: np.random.Generator) -> np.ndarray:
        """The variances of the means between seeds that experiments show, (number, 2)."""
        return self.variances(count).seeds * generator.chisquare(count - 1, (number, 2)) / (count - 1)


def settings() -> Iterator[tuple[Setting, float]]:
    """Each with the multiple of the smallest difference that its reviews could show."""
    deviations = itertools.product((0.0045, 0.01), ((0.003, 0.003), (0.01, 0.01), (0.01, 0.001), (0.02, 0.014)))
    for (reviews, seeds), multiple in itertools.product(deviations, (1.15, 1.5, 2.5)):
        setting = Setting(reviews, seeds, 0.005)
        smallest = smallest_with_any_seeds(setting.variances(2), DIFFERENCE)
        yield replace(setting, difference=multiple * smallest), multiple


def power(setting: Setting, count: int, number: int, alpha: float = ALPHA, seed: int = 0) -> float:
    """Fraction of experiments with ``count`` seeds per model in which the difference is significant.

    The variance over reviews is as good as known, as it is after resampling them.
    """
    generator = np.random.default_rng(seed)
    true = contrasts(DIFFERENCE[None], setting.variances(count))
    seeds = setting.shown_seeds(count, number, generator)
    reviews = true.standard_error**2 - setting.variances(count).seeds.sum()
    shown = with_estimated_seeds(np.broadcast_to(reviews, number), seeds, np.full(2, count))
    values = true.values + true.standard_error * generator.standard_normal(number)
    return float(np.mean(p_values(Contrasts(values, *shown)) < alpha))


def plans(setting: Setting, count: int, number: int, seed: int = 0) -> np.ndarray:
    """The numbers of seeds planned from the variances that experiments with ``count`` seeds show, (number,)."""
    true = setting.variances(count)
    shown = setting.shown_seeds(count, number, np.random.default_rng(seed))
    needed = [seeds_needed(true._replace(seeds=seeds), DIFFERENCE, setting.difference) for seeds in shown]
    return np.array(needed, dtype=int)


def of_networks(world: World, count: int, seed: int = 0) -> Iterator[Variances]:
    """``count`` experiments with networks on reviews, of two models, in error."""
    generator = np.random.default_rng(seed)
    for number in range(count):
        gold, predicted, _ = experiments(world, 1, generator)
        scored = resample(gold, predicted.reshape(-1, world.n), "error", 2, positive=POSITIVE, draws=DRAWS, seed=number)
        parts = (part.reshape(2, world.seeds, -1) for part in scored)
        yield variances([Scored(values[:, 0], replicates) for values, replicates in zip(*parts, strict=True)])


def average(shown: list[Variances]) -> Variances:
    return Variances(*(np.mean(parts, axis=0) for parts in zip(*shown, strict=True)))


def network_power(world: World, count: int, number: int) -> float:
    world = replace(world, seeds=count)
    found = [p_values(contrasts(DIFFERENCE[None], shown))[0] < ALPHA for shown in of_networks(world, number, seed=1)]
    return float(np.mean(found))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--experiments", type=int, default=2000, help="per setting (default 2000)")
    number = options.parse_args().experiments
    estimated = "".join(f"{f'from {count} seeds':>24}" for count in (3, 5))
    print(f"reviews       seeds  difference  needed  power  one fewer{estimated}")
    for setting, multiple in settings():
        needed = seeds_needed(setting.variances(2), DIFFERENCE, setting.difference)
        assert needed is not None
        true_power = lru_cache(lambda count, setting=setting: power(setting, count, number))
        line = f"{100 * setting.reviews:7.2f} {'/'.join(f'{100 * each:g}' for each in setting.seeds):>11} "
        line += f"{100 * setting.difference:6.2f} ={multiple:4.2f} {needed:7} {100 * true_power(needed):6.1f} "
        line += f"{100 * true_power(needed - 1):10.1f}" if needed > 2 else " " * 10
        for count in (3, 5):
            planned = np.minimum(plans(setting, count, number // 4), MOST_SEEDS)
            reached = np.mean([true_power(each) for each in planned.tolist()])
            low, middle, high = np.quantile(planned, (0.05, 0.5, 0.95), method="nearest")
            line += f"{f'{low}, {middle}, {high}: {100 * reached:.0f} %':>24}"
        print(line, flush=True)
    print("\nnetworks on reviews\n    n  between  difference  needed  power  one fewer")
    for n, spread, bias in ((1000, 0.15, -1.5), (2000, 0.15, -1.42), (2000, 0.3, -1.5), (4000, 0.1, -1.35)):
        world = World(n, 10, (-1.2, bias), (spread, spread))
        true = average(list(of_networks(world, number // 10)))
        first, second = world.truth("error")
        needed = seeds_needed(true._replace(counts=np.full(2, 10)), DIFFERENCE, second - first)
        if needed is None or needed > MOST_SEEDS:
            print(f"{n:5} {spread:8} {100 * (second - first):11.2f} {needed}", flush=True)
            continue
        reached = [network_power(world, count, number // 4) for count in (needed, needed - 1) if count > 1]
        powers = "".join(f"{100 * each:9.1f}" for each in reached)
        print(f"{n:5} {spread:8} {100 * (second - first):11.2f} {needed:7} {powers}", flush=True)


if __name__ == "__main__":
    main()
