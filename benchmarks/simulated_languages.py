"""Experiments over languages whose truth is known: the error of a network grows linearly with distance.

The probability of an error on a review is level + slope x distance + the language's own effect + the seed's effects, of
which one goes with distance; whether a review is answered wrongly is drawn so that reviews differ in difficulty, in all
languages together where these are parallel. Two models share most of a language's effect. Everything enters the
probability itself, so the slope that an interval should hold is the one that was put in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

LEVELS = (0.22, 0.18)  # error of the two models at the mean distance
NEAREST, FARTHEST = 0.1, 0.5
SHARED = 0.6  # fraction of a language effect's variance that both models have in common
HARD, HARD_HERE = 0.45, 0.15  # fractions of the difficulty's variance: of the review, and of it in one language


@dataclass(frozen=True)
class LanguageWorld:
    """The parameters of a simulated experiment; effects are standard deviations of the error, as fractions."""

    languages: int
    seeds: int
    tau: float  # of a language
    parallel: bool = True
    n: int = 400
    slopes: tuple[float, float] = (0.0, 0.0)  # change of each model's error per unit of distance
    seed_slope: float = 0.1  # of a seed, per unit of distance
    seed_level: float = 0.01  # of a seed, on all languages alike
    seed_language: float = 0.01  # of a seed on one language
    hard_far: float = 0.0  # fraction of the difficulty's variance of reviews that are hard in far languages alone

    @property
    def distances(self) -> np.ndarray:
        """Spread unevenly, as languages are: most of them near."""
        return NEAREST + (FARTHEST - NEAREST) * np.linspace(0, 1, self.languages) ** 1.5


def language_experiments(
    world: LanguageWorld, count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Wrong answers (count, models, seeds, languages, n), and the slopes of these very networks (count, models)."""
    models, centred = len(world.slopes), world.distances - world.distances.mean()

    def normal(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape)

    seed_slopes = world.seed_slope * normal(count, models, world.seeds, 1)
    language = np.sqrt(SHARED) * normal(count, 1, 1, world.languages)
    language = language + np.sqrt(1 - SHARED) * normal(count, models, 1, world.languages)
    probability = (
        np.array(LEVELS)[:, None, None]
        + (np.array(world.slopes)[:, None, None] + seed_slopes) * centred
        + world.tau * language
        + world.seed_level * normal(count, models, world.seeds, 1)
        + world.seed_language * normal(count, models, world.seeds, world.languages)
    )
    far = world.hard_far * (centred - centred.min()) / np.ptp(centred)  # (languages,)
    texts = 1 if world.parallel else world.languages
    size = (count, 1, 1, world.languages, world.n)
    latent = math.sqrt(HARD) * generator.standard_normal((count, 1, 1, texts, world.n), dtype=np.float32)
    latent = latent + math.sqrt(HARD_HERE) * generator.standard_normal(size, dtype=np.float32)
    if world.hard_far:
        shared = generator.standard_normal((count, 1, 1, texts, world.n), dtype=np.float32)
        latent += np.sqrt(far).astype(np.float32)[:, None] * shared
    spread = np.sqrt(1 - HARD - HARD_HERE - far).astype(np.float32)[:, None]
    threshold = ndtri(np.clip(probability, 0.001, 0.999)).astype(np.float32)[..., None]
    own = generator.standard_normal((count, models, world.seeds, world.languages, world.n), dtype=np.float32)
    own *= spread
    own += latent
    slopes = np.array(world.slopes) + seed_slopes[..., 0].mean(axis=2)
    return own < threshold, slopes
