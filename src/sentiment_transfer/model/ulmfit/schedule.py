"""How ULMFiT is trained: the slanted triangle, rates by layer, and which layers an epoch trains (arXiv 1801.06146)."""

from __future__ import annotations

import math

FACTOR = 2.6  # between the rates of neighbouring layers; section 3.2
RATIO = 32  # of the peak rate to the lowest; section 3.2


class SlantedTriangular:
    """Factor of the peak rate at step t of T (section 3.2, equation 3): up over ``cut_frac`` of the steps, then down.

    cut = floor(T cut_frac);  p = t / cut below cut, else 1 - (t - cut) / (cut (1 / cut_frac - 1))
    factor = (1 + p (ratio - 1)) / ratio
    """

    def __init__(self, steps: int, cut_frac: float = 0.1, ratio: float = RATIO) -> None:
        self.ratio = ratio
        self.cut = math.floor(steps * cut_frac)
        self.fall = self.cut * (1 / cut_frac - 1) if self.cut else steps  # no way up where it is under one step

    def __call__(self, step: int) -> float:
        p = step / self.cut if step < self.cut else 1 - (step - self.cut) / self.fall
        # floor() makes the fall end a few steps early where T is no multiple of 1 / cut_frac.
        return (1 + max(0.0, p) * (self.ratio - 1)) / self.ratio


class StagedTriangles:
    """A slanted triangle for every epoch that thaws a group of layers, and one for all epochs that train the whole: as
    the authors' program has it (fastai, courses/dl2/imdb_scripts/train_clas.py); the paper does not say.

    ``steps`` are those of all ``epochs`` together.
    """

    # Plain numbers alone: a scheduler keeps them in its checkpoint, from which nothing but values is read.
    def __init__(self, steps: int, epochs: int, groups: int, cut_frac: float) -> None:
        self.steps, self.cut_frac = steps, cut_frac
        self.epoch_steps = max(1, steps // epochs)
        self.thawing = min(groups - 1, epochs - 1) * self.epoch_steps

    def __call__(self, step: int) -> float:
        if step < self.thawing:
            return SlantedTriangular(self.epoch_steps, self.cut_frac)(step % self.epoch_steps)
        return SlantedTriangular(self.steps - self.thawing, self.cut_frac)(step - self.thawing)


def discriminative_rates(peak: float, groups: int, factor: float = FACTOR) -> list[float]:
    """A rate for each group of layers, the lowest first: the topmost has ``peak``, each below it 1/factor of it."""
    return [peak / factor ** (groups - 1 - group) for group in range(groups)]


def trained_groups(epoch: int, groups: int) -> int:
    """How many groups, from the top, epoch ``epoch`` (from 0) trains: one more every epoch (section 3.3)."""
    return min(epoch + 1, groups)
