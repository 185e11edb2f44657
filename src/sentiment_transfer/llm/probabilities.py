"""From the replies about one dataset to class probabilities, and an account of answers that name no class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sentiment_transfer.llm.reply import Reply, label_masses, label_of

# Of the probability of an answer's beginning, what the label words must have together: below, the model wanted to say
# something else, and their ratio is noise.
LEAST_MASS = 0.05
SHOWN = 3  # answers that name no class, as examples
LONGEST_SHOWN = 80  # characters


@dataclass(frozen=True)
class Answered:
    """Attributes:
    probabilities: (n, classes) float32.
    unparsable, refused: answers that name no class, and those that the server or the model declined; their rows have
        the probability 1 on a wrong class, so that they count as errors.
    label_mass: the label words' share of the probability, mean over answers; None without log-probabilities.
    shown: some of the unparsable answers.
    """

    probabilities: np.ndarray
    unparsable: int
    refused: int
    label_mass: float | None
    shown: tuple[str, ...]


def probabilities_of(
    replies: Sequence[Sequence[Reply]], words: Sequence[str], gold: np.ndarray, *, logprobs: bool
) -> Answered:
    """``replies`` are those to each review, ``words`` the label word of each class, ``gold`` (n,) int."""
    rows = np.zeros((len(replies), len(words)), dtype=np.float32)
    unparsable = refused = 0
    masses: list[float] = []
    shown: list[str] = []
    for row, (of_review, right) in enumerate(zip(replies, gold.tolist(), strict=True)):
        shares = np.zeros(len(words))
        if logprobs:
            mass = label_masses(of_review[0].alternatives, words)
            masses.append(min(float(mass.sum()), 1.0))
            if mass.sum() >= LEAST_MASS and not of_review[0].refused:
                shares = mass
        if not shares.any():
            for label in (label_of(reply.text, words) for reply in of_review if not reply.refused):
                if label is not None:
                    shares[label] += 1
        if shares.any():
            rows[row] = shares / shares.sum()
            continue
        rows[row, (right + 1) % len(words)] = 1
        if all(reply.refused for reply in of_review):
            refused += 1
        else:
            unparsable += 1
            if len(shown) < SHOWN:
                shown.append(" ".join(of_review[0].text.split())[:LONGEST_SHOWN])
    mean = float(np.mean(masses)) if masses else None
    return Answered(rows, unparsable, refused, mean, tuple(shown))
