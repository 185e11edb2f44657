"""Experiments whose truth is known: models with a true score, seeds and reviews drawn from it.

A network's prediction is wrong where ``bias + quality of the seed + difficulty of the review + noise`` is above 0.
Difficulty is partly shared by all models and partly specific to one; a seed shifts its network's quality and its
decision threshold. All terms are normally distributed, so the true error and F1 have a closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, roots_hermitenorm

POSITIVE = 1
DIFFICULTY = 1.5  # standard deviation over reviews; that of a prediction's noise is 1
SHARED = 0.8  # fraction of the difficulty's variance that all models share


@dataclass(frozen=True)
class World:
    """The parameters of a simulated experiment."""

    n: int
    seeds: int
    bias: tuple[float, ...]  # per model; lower means fewer errors
    between_seeds: tuple[float, ...]  # per model: standard deviation of a seed's quality and of its threshold
    positive_share: float = 0.5
    folds: int = 1

    def truth(self, metric: str) -> np.ndarray:
        """The mean over all seeds of the score on all reviews, (models,)."""
        nodes, weights = roots_hermitenorm(41)
        weights = weights / weights.sum()
        quality, threshold = np.meshgrid(nodes, nodes)
        probability = np.outer(weights, weights)
        scores = []
        for bias, spread in zip(self.bias, self.between_seeds, strict=True):
            scale = np.hypot(1, DIFFICULTY)
            false_negatives = self.positive_share * ndtr((bias + spread * (quality + threshold)) / scale)
            false_positives = (1 - self.positive_share) * ndtr((bias + spread * (quality - threshold)) / scale)
            scores.append((probability * score(metric, false_negatives, false_positives, self.positive_share)).sum())
        return np.array(scores)


def score(metric: str, false_negatives: np.ndarray, false_positives: np.ndarray, share: float) -> np.ndarray:
    """The metric, from the fractions of reviews that are false negatives and false positives."""
    if metric == "error":
        return false_negatives + false_positives
    f1_of_positive = 2 * (share - false_negatives) / (2 * share - false_negatives + false_positives)
    f1_of_negative = 2 * (1 - share - false_positives) / (2 * (1 - share) - false_positives + false_negatives)
    return f1_of_positive if metric.startswith("f1_positive") else (f1_of_positive + f1_of_negative) / 2


def experiments(
    world: World, count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Gold (n,), predicted (count, models, seeds, n) and folds (n,) of ``count`` experiments with one gold."""
    models, n = len(world.bias), world.n
    gold = (generator.random(n) < world.positive_share).astype(np.int8)
    shape = (count, models, world.seeds, n)
    spread = np.array(world.between_seeds, np.float32)[:, None, None]
    quality = spread * generator.standard_normal((*shape[:3], 1), dtype=np.float32)
    threshold = spread * generator.standard_normal((*shape[:3], 1), dtype=np.float32)
    hard = np.sqrt(SHARED) * generator.standard_normal((count, 1, 1, n), dtype=np.float32)
    hard = hard + np.sqrt(1 - SHARED) * generator.standard_normal((count, models, 1, n), dtype=np.float32)
    latent = generator.standard_normal(shape, dtype=np.float32)
    latent += np.float32(DIFFICULTY) * hard.astype(np.float32) + quality + np.where(gold == POSITIVE, 1, -1) * threshold
    wrong = latent > -np.array(world.bias, np.float32)[:, None, None]
    folds = np.arange(n) % world.folds if world.folds > 1 else None
    return gold, np.where(wrong, 1 - gold, gold).astype(np.int8), folds
