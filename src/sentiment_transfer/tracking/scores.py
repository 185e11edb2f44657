"""A run's scores as W&B shows them: a number per target, confusion matrices, the most confident mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sentiment_transfer.data.reviews import Reviews
from sentiment_transfer.results.predictions import Predictions
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.tracking.wandb_logger import WandbLogger

if TYPE_CHECKING:
    import wandb

MISTAKES = 50  # per evaluation set: enough to read, small enough to upload from every run of a sweep
NUMBERS = ("error", "accuracy", "f1_positive", "f1_positive_mean_folds", "macro_f1", "ece")


def log_scores(
    logger: WandbLogger, result: RunResult, predictions: dict[str, Predictions], reviews: dict[str, Reviews]
) -> None:
    """Log the finished run; ``predictions`` and ``reviews`` are by evaluation set, rows in the same order."""
    logger.attempt("logging scores", lambda run: run.summary.update(summary(result)))
    for name, prediction in predictions.items():

        def tables(run: wandb.Run, name: str = name, prediction: Predictions = prediction) -> None:
            import wandb

            last = prediction.probabilities["last"]
            matrix = wandb.plot.confusion_matrix(
                y_true=prediction.gold.tolist(), preds=last.argmax(1).tolist(), class_names=list(prediction.classes)
            )
            rows = mistakes(prediction, reviews[name])
            columns: list[str | int] = [
                "dataset",
                "language",
                "domain",
                "id",
                "text",
                "gold",
                "predicted",
                "confidence",
            ]
            facts = [name, reviews[name].language, reviews[name].domain]
            table = wandb.Table(columns=columns, data=[[*facts, *row] for row in rows])
            run.log({f"confusion/{name}": matrix, f"mistakes/{name}": table})

        logger.attempt(f"logging the tables of {name}", tables)


def summary(result: RunResult) -> dict[str, Any]:
    """``score/<set>/<selection>/<metric>`` and the status: what a sweep is compared by."""
    numbers: dict[str, Any] = {
        f"score/{name}/{selection}/{metric}": scores[metric]  # type: ignore[literal-required]
        for name, entry in result["scores"].items()
        for selection, scores in entry["selections"].items()
        for metric in NUMBERS
        if metric in scores
    }
    return numbers | {"status": result["status"], "labels": result["labels"]}


def mistakes(prediction: Predictions, reviews: Reviews) -> list[list[Any]]:
    """Id, text, gold, predicted and confidence of the wrong answers of ``last``, the most confident first."""
    last = prediction.probabilities["last"]
    predicted, confidence = last.argmax(1), last.max(1)
    wrong = np.flatnonzero(predicted != prediction.gold)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES]
    texts = reviews.take(worst).table["text"].to_pylist()
    return [
        [
            prediction.ids[row],
            text[:1000],
            prediction.classes[prediction.gold[row]],
            prediction.classes[predicted[row]],
            float(confidence[row]),
        ]
        for row, text in zip(worst.tolist(), texts, strict=True)
    ]
