"""Coverage of the 95 % intervals of lines over languages, and the rate of false claims, over simulated experiments.

python -m benchmarks.coverage_over_languages                      all worlds, 1,000 experiments each
python -m benchmarks.coverage_over_languages --experiments 200

Every experiment is two models on 4, 6 or 12 languages (simulated_languages.py). "slope" is the change of one model's
error with distance, "size" the same of the difference of the two models, "line" the height of the line at the nearest
and farthest language, each in percent of intervals that hold the truth: it should be 95. With one seed the truth is
that of the networks of this experiment, because nothing is known about other seeds; "other seeds" is how often the
slope's interval holds the mean of all seeds. "false" is the percentage of experiments without any slope in which one of
the two models' slopes was significant after Holm's correction, or (in "size false") the difference: below 5.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.simulated_languages import LEVELS, LanguageWorld, language_experiments
from sentiment_transfer.statistics.comparisons import ALPHA, family_tests, slope_weights
from sentiment_transfer.statistics.interval import Contrasts, intervals
from sentiment_transfer.statistics.languages import Scores, line_at, line_over_languages
from sentiment_transfer.statistics.resampling import Scored, resample

BATCH = 10  # experiments that are resampled together
DRAWS = 200  # a tenth of the report's: adds 5 % noise to the standard error over reviews, which is the smaller part
LANGUAGES = (4, 6, 12)
TAUS = (0.0, 0.01, 0.05)
KINDS = ("slope", "size", "line", "other seeds", "false", "size false")
ALONE = np.ones(1)
SIZES = slope_weights(np.array([1.0, 2.0]))


def worlds(counts: Sequence[int] = LANGUAGES) -> Iterator[LanguageWorld]:
    for languages, seeds, tau in itertools.product(counts, (1, 3, 5), TAUS):
        for parallel, seed_slope in ((True, 0.0), (True, 0.1), (False, 0.1)):
            yield LanguageWorld(languages, seeds, tau, parallel, seed_slope=seed_slope)
    for languages in counts:
        yield LanguageWorld(languages, 3, 0.01, hard_far=0.2)


def measure(world: LanguageWorld, count: int, seed: int = 0) -> dict[str, float]:
    """Fraction of intervals of each kind that hold the truth, and of experiments with a false claim."""
    generator = np.random.default_rng(seed)
    held: dict[str, list[float]] = defaultdict(list)
    for batch in range(count // BATCH):
        wrong, slopes = language_experiments(world, BATCH, generator)
        for errors, own in zip(resampled(wrong, world.parallel, batch), slopes, strict=True):
            judge(held, errors, own, world)
    return {kind: float(np.mean(shares)) for kind, shares in held.items()}


def resampled(wrong: np.ndarray, parallel: bool, seed: int) -> list[list[Scores]]:
    """The models of each experiment; parallel languages share their resamples."""
    count, models, seeds, languages, n = wrong.shape
    gold = np.zeros(n, np.int8)
    groups = [slice(None)] if parallel else [slice(language, language + 1) for language in range(languages)]
    parts = [
        resample(
            gold, wrong[..., group, :].reshape(-1, n).astype(np.int8), "error", 2, positive=1, draws=DRAWS,
            seed=len(groups) * seed + place,
        )
        for place, group in enumerate(groups)
    ]  # fmt: skip
    values = np.concatenate([part.values.reshape(count, models, seeds, -1) for part in parts], axis=-1)
    draws = np.concatenate([part.replicates.reshape(count, models, seeds, -1, DRAWS) for part in parts], axis=-2)
    return [
        [[Scored(values[e, m, :, at], draws[e, m, :, at]) for at in range(languages)] for m in range(models)]
        for e in range(count)
    ]


def judge(held: dict[str, list[float]], models: list[Scores], own: np.ndarray, world: LanguageWorld) -> None:
    """``own`` (models,) are the slopes of the very networks."""
    distances, truth = world.distances, np.array(world.slopes)
    one_seed = world.seeds == 1
    lines = [line_over_languages(distances, [model], ALONE) for model in models]
    size = line_over_languages(distances, models, SIZES)
    aimed = own if one_seed else truth
    held["slope"].append(holds(lines[0].slope, aimed[:1]))
    held["size"].append(holds(size.slope, SIZES @ aimed[:, None]))
    if one_seed:
        held["other seeds"].append(holds(lines[0].slope, truth[:1]))
    else:
        ends = distances[[0, -1]]
        height = LEVELS[0] + truth[0] * (ends - distances.mean())
        held["line"].append(holds(line_at(ends, distances, models[:1], ALONE), height))
    if not any(aimed):  # with one seed, only where seeds have no slopes of their own
        held["false"].append(float(any(test.p_holm < ALPHA for test in family_tests([line.slope for line in lines]))))
        held["size false"].append(float(family_tests([size.slope])[0].p < ALPHA))


def holds(combinations: Contrasts, truth: np.ndarray) -> float:
    low, high = intervals(combinations)
    return float(np.mean((low <= truth) & (truth <= high)))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--experiments", type=int, default=1000, help="per world (default 1000)")
    options.add_argument("--languages", type=int, nargs="+", default=LANGUAGES, help="numbers of them")
    chosen = options.parse_args()
    started, all_held = time.monotonic(), defaultdict(list)
    print("languages seeds   tau  reviews  of a seed" + "".join(f"{kind:>12}" for kind in KINDS))
    for place, world in enumerate(worlds(chosen.languages)):
        held = measure(world, chosen.experiments, seed=place)
        reviews = "parallel" if world.parallel else "apart"
        line = f"{world.languages:9} {world.seeds:5} {100 * world.tau:5.1f} {reviews:>8} {10 * world.seed_slope:10.2f}"
        print(line + "".join(f"{100 * held[k]:12.1f}" if k in held else " " * 12 for k in KINDS), flush=True)
        for kind, value in held.items():
            all_held[kind].append(value)
    for kind in KINDS:
        shares = all_held[kind]
        print(f"{kind}: {100 * min(shares):.1f} to {100 * max(shares):.1f}, mean {100 * np.mean(shares):.1f}")
    print(f"{chosen.experiments} experiments per world, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
