"""One window after the other: tokenised ahead, answered in order of length, handed over in the order of the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sentiment_transfer.prediction.predictor import Predictor
from sentiment_transfer.prediction.texts import token_ids, why_unusable
from sentiment_transfer.prediction.window import Answers, Window, ahead


class Tokenised(NamedTuple):
    window: Window
    reasons: list[str]
    rows: np.ndarray  # (usable,) int64: which of the window's rows have a text
    ids: list[np.ndarray]  # of those


class Answered(NamedTuple):
    window: Window
    answers: Answers
    tokens: int

    @property
    def counts(self) -> Counter[str]:
        """Rows by label, and by ``reason: ...`` where there is none."""
        both = zip(self.answers.labels, self.answers.reasons, strict=True)
        return Counter(label or f"reason: {reason}" for label, reason in both)


def answered(predictor: Predictor, windows: Iterator[Window], batch_tokens: int) -> Iterator[Answered]:
    """Each window with its answers. The next one is read and tokenised while this one is computed."""
    classes = predictor.classes
    for window, reasons, rows, ids in ahead(_tokenised(predictor, window) for window in windows):
        probabilities = np.full((len(reasons), len(classes)), np.nan, dtype=np.float32)
        probabilities[rows] = predictor.of_ids(ids, batch_tokens)
        labels: list[str | None] = [None] * len(reasons)
        for row, place in zip(rows.tolist(), probabilities[rows].argmax(1).tolist(), strict=True):
            labels[row] = classes[place]
        yield Answered(window, Answers(labels, probabilities, reasons), sum(map(len, ids)))


def _tokenised(predictor: Predictor, window: Window) -> Tokenised:
    both = zip(window.texts, window.reasons, strict=True)
    reasons = [reason or why_unusable(text) for text, reason in both]
    rows = np.array([row for row, reason in enumerate(reasons) if not reason], dtype=np.int64)
    texts = [str(window.texts[row]) for row in rows.tolist()]
    return Tokenised(window, reasons, rows, token_ids(predictor.model.tokenizer, texts, predictor.model.max_length))
