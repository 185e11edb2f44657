"""The most confident wrong answers of a run, with their texts: where a model fails, without the dataset at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import numpy as np

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import write_atomically
from sentiment_transfer.results.predictions import Predictions

MISTAKES_FILE = "mistakes.json"
AT_MOST = 50  # per evaluation set: enough to read, small enough to upload from every run of a sweep
TEXT_LENGTH = 1_000  # characters


class Mistake(TypedDict):
    """One review that was answered wrongly by the weights of the last epoch."""

    id: str
    text: str  # cut to TEXT_LENGTH characters
    gold: str
    predicted: str
    confidence: float  # probability of the class that was predicted


def confident_mistakes(prediction: Predictions, texts: Callable[[np.ndarray], list[str]]) -> list[Mistake]:
    """The wrong answers of ``last``, the most confident first, at most AT_MOST.

    ``texts`` gives the texts of the rows it is asked for, in that order.
    """
    last = prediction.probabilities["last"]
    predicted, confidence = last.argmax(1), last.max(1)
    wrong = np.flatnonzero(predicted != prediction.gold)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:AT_MOST]
    return [
        Mistake(
            id=prediction.ids[row],
            text=text[:TEXT_LENGTH],
            gold=prediction.classes[prediction.gold[row]],
            predicted=prediction.classes[predicted[row]],
            confidence=float(confidence[row]),
        )
        for row, text in zip(worst.tolist(), texts(worst), strict=True)
    ]


def write_mistakes(folder: Path, by_dataset: dict[str, list[Mistake]]) -> Path:
    """Write ``mistakes.json`` atomically and return its path. Raises UserError where it cannot be written."""
    path = Path(folder) / MISTAKES_FILE
    content = json.dumps(by_dataset, ensure_ascii=False, indent=1).encode("utf-8", errors="backslashreplace")
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return path


def read_mistakes(folder: Path) -> dict[str, list[Mistake]]:
    """Evaluation set -> its mistakes; empty where an earlier version of this program wrote none.

    Raises UserError where the file is damaged.
    """
    path = Path(folder) / MISTAKES_FILE
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_bytes())
        return {str(name): [_checked(entry) for entry in entries] for name, entries in found.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}): its reviews are left out.") from error


def _checked(entry: dict[str, object]) -> Mistake:
    return Mistake(
        id=str(entry["id"]),
        text=str(entry["text"]),
        gold=str(entry["gold"]),
        predicted=str(entry["predicted"]),
        confidence=float(entry["confidence"]),  # type: ignore[arg-type]
    )
