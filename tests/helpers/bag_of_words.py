"""A logistic regression on word counts: what the words of a review give away, one by one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import torch

WORD = re.compile(r"\w+(?:'\w+)?")


def words(text: str) -> set[str]:
    return set(WORD.findall(text.casefold().replace("’", "'")))


def accuracy(train: Sequence[tuple[str, int]], test: Sequence[tuple[str, int]], penalty: float = 0.01) -> float:
    """Share of ``test`` that is right, of a model of the words that ``train`` has at least twice; L2-penalised."""
    counts = Counter(word for text, _ in train for word in words(text))
    index = {word: place for place, word in enumerate(sorted(w for w, count in counts.items() if count > 1))}
    inputs, labels = matrix(train, index), torch.tensor([float(label) for _, label in train])
    weights = torch.zeros(len(index) + 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(inputs @ weights, labels)
        loss = loss + penalty * weights[:-1].square().sum() / 2
        loss.backward()
        return loss

    optimizer.step(closure)
    right = (matrix(test, index) @ weights.detach() > 0) == torch.tensor([bool(label) for _, label in test])
    return right.float().mean().item()


def matrix(rows: Sequence[tuple[str, int]], index: dict[str, int]) -> torch.Tensor:  # (n, words + 1), a one at the end
    made = torch.zeros(len(rows), len(index) + 1)
    made[:, -1] = 1
    for row, (text, _) in enumerate(rows):
        made[row, [index[word] for word in words(text) if word in index]] = 1
    return made
