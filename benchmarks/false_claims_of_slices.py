"""The rate of false claims about slices of a test set, and the coverage of their intervals, over simulated experiments.

python -m benchmarks.false_claims_of_slices                 1,000 experiments each (about 15 minutes)
python -m benchmarks.false_claims_of_slices --experiments 200

Every experiment is three models of one source with 1 to 5 seeds on test sets that are sliced by five dimensions, as in
a report. In the first worlds every slice is as difficult as the rest: "false" is the percentage of experiments with any
significant slice after Holm's correction over all slices of all test sets, "false gain" that with any slice on which
the largest model gains more or less than on the rest. Both should stay below 5. Reviews of some slices may differ in
how far their difficulty is shared by the seeds ("uneven"), and seeds in the slices that they are good at ("by slice").
"coverage" is that of the 95 % intervals of single differences from the rest. In the last worlds one slice is more
difficult, and "found" is the percentage of experiments in which it was significant.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from sentiment_transfer.statistics.comparisons import ALPHA, family_tests
from sentiment_transfer.statistics.interval import Contrasts, intervals
from sentiment_transfer.statistics.slices import difference_contrasts, errors

MODELS = 3
SHARED = 0.8  # fraction of the difficulty's variance that all models share
WEIGHTS = np.array([[1 / MODELS] * MODELS, [-1.0, 0.0, 1.0]])  # the mean; the largest model less the smallest
SHARES = (  # of the reviews, per dimension: phenomena, domains, scripts, and two dimensions in thirds
    (0.2, *(0.8 / 6,) * 6),
    (0.25,) * 4,
    (0.93, 0.07),
    (1 / 3,) * 3,
    (1 / 3,) * 3,
)


@dataclass(frozen=True)
class SlicedWorld:
    """The parameters of a simulated experiment; spreads are standard deviations on the scale of a probit."""

    n: int
    seeds: int
    error: float
    between_seeds: float
    test_sets: int = 1
    uneven: bool = False  # seeds agree on the reviews of every second slice of the first dimension, hardly elsewhere
    by_slice: float = 0.0  # of a seed's own difficulty of each slice of the first dimension
    harder: float = 0.0  # the first slice's error less that of the rest


def sliced(n: int, generator: np.random.Generator) -> np.ndarray:
    """Groups of reviews (k, n) bool, at random."""
    groups = []
    for shares in SHARES:
        place = generator.choice(len(shares), n, p=np.array(shares) / sum(shares))
        groups += [place == value for value in range(len(shares))]
    return np.stack(groups)


def answers(world: SlicedWorld, groups: np.ndarray, generator: np.random.Generator) -> list[np.ndarray]:
    """Which predictions of each model are wrong, (seeds, n) bool."""
    first = groups[: len(SHARES[0])].argmax(axis=0)  # (n,) slice in the first dimension
    spread = np.where(first % 2 == 0, 3.0, 0.3) if world.uneven else np.full(world.n, 1.5)
    aim = np.where(first == 0, world.error + world.harder, world.error)
    # Divided by its standard deviation, so that the error of every slice is the same whatever its spread.
    scale = np.sqrt(1 + spread**2)
    bias = ndtri(aim) * np.sqrt(1 + world.between_seeds**2 + world.by_slice**2)
    shared = np.sqrt(SHARED) * generator.standard_normal(world.n)
    wrong = []
    for _ in range(MODELS):
        hard = shared + np.sqrt(1 - SHARED) * generator.standard_normal(world.n)
        noise = generator.standard_normal((world.seeds, world.n))
        quality = world.between_seeds * generator.standard_normal((world.seeds, 1))
        own = world.by_slice * generator.standard_normal((world.seeds, len(SHARES[0])))[:, first]
        wrong.append(bias + quality + own + (spread * hard + noise) / scale > 0)
    return wrong


def tested(world: SlicedWorld, generator: np.random.Generator) -> tuple[list[Contrasts], list[Contrasts]]:
    """The differences from the rest, averaged over the models, and the differences of gains, of all test sets."""
    slices, gains = [], []
    for _ in range(world.test_sets):
        groups = sliced(world.n, generator)
        whole, *parts = errors(answers(world, groups, generator), np.vstack([np.ones((1, world.n), bool), groups]))
        for part in parts:
            rest = whole.without(part)
            if part.large_enough and rest.large_enough:
                both = difference_contrasts(WEIGHTS, part, rest, whole)
                slices.append(Contrasts(*(values[:1] for values in both)))
                gains.append(Contrasts(*(values[1:] for values in both)))
    return slices, gains


def measure(world: SlicedWorld, count: int, seed: int = 0) -> dict[str, float]:
    """Fractions: experiments with a false claim of each kind, intervals that hold the truth, and slices found."""
    generator = np.random.default_rng(seed)
    false, false_gains, held, found = [], [], [], []
    for _ in range(count):
        slices, gains = tested(world, generator)
        tests = family_tests(slices)
        false.append(any(test.p_holm < ALPHA for test in tests))
        false_gains.append(any(test.p_holm < ALPHA for test in family_tests(gains)))
        found.append(tests[0].p_holm < ALPHA)
        low, high = np.array([intervals(each) for each in slices])[:, :, 0].T
        held.append((low[0] <= world.harder <= high[0]) if world.harder else np.mean(low * high <= 0))
    return {
        "false": float(np.mean(false)),
        "false gain": float(np.mean(false_gains)),
        "coverage": float(np.mean(held)),
        "found": float(np.mean(found)),
    }


def worlds() -> Iterator[SlicedWorld]:
    for n, error in ((240, 0.3), (240, 0.08), (1000, 0.03), (1000, 0.15), (5000, 0.1)):
        yield SlicedWorld(n, 3, error, 0.1)
    for seeds, between in ((1, 0.0), (3, 0.5), (5, 0.1)):
        yield SlicedWorld(1000, seeds, 0.15, between)
    for seeds in (3, 5):
        yield SlicedWorld(1000, seeds, 0.15, 0.1, uneven=True)
        yield SlicedWorld(1000, seeds, 0.15, 0.1, by_slice=0.3)
    yield SlicedWorld(1000, 3, 0.05, 0.1, test_sets=3, uneven=True, by_slice=0.2)
    for n, harder in ((240, 0.2), (1000, 0.1), (5000, 0.05)):
        yield SlicedWorld(n, 3, 0.15, 0.1, harder=harder)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--experiments", type=int, default=1000, help="per world (default 1000)")
    count, started = options.parse_args().experiments, time.monotonic()
    kinds = ("false", "false gain", "coverage", "found")
    print("    n  sets  seeds  between  error  harder" + "".join(f"{kind:>12}" for kind in kinds))
    for world in worlds():
        found = measure(world, count)
        line = f"{world.n:5} {world.test_sets:5} {world.seeds:6} {world.between_seeds:8} {100 * world.error:6.0f} "
        line += f"{100 * world.harder:7.0f}"
        shown = kinds[2:] if world.harder else kinds[:3]
        line += "".join(f"{100 * found[kind]:12.1f}" if kind in shown else " " * 12 for kind in kinds)
        print(line + "  uneven" * world.uneven + "  by slice" * (world.by_slice > 0), flush=True)
    print(f"{count} experiments per world, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
