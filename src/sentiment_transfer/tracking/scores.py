"""A run's scores as W&B shows them: a number per target, confusion matrices, the most confident mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_transfer.results.mistakes import Mistake
from sentiment_transfer.results.predictions import Predictions
from sentiment_transfer.results.record import RunResult
from sentiment_transfer.tracking.keys import PARAMETERS, SECONDS, score_key
from sentiment_transfer.tracking.wandb_logger import WandbLogger

if TYPE_CHECKING:
    import wandb

NUMBERS = ("error", "accuracy", "f1_positive", "f1_positive_mean_folds", "macro_f1", "ece")


def log_scores(
    logger: WandbLogger, result: RunResult, predictions: dict[str, Predictions], mistakes: dict[str, list[Mistake]]
) -> None:
    """Log the finished run; ``predictions`` and ``mistakes`` are by evaluation set."""
    logger.attempt("logging scores", lambda run: run.summary.update(summary(result)))
    for name, prediction in predictions.items():

        def tables(run: wandb.Run, name: str = name, prediction: Predictions = prediction) -> None:
            import wandb

            last = prediction.probabilities["last"]
            matrix = wandb.plot.confusion_matrix(
                y_true=prediction.gold.tolist(), preds=last.argmax(1).tolist(), class_names=list(prediction.classes)
            )
            entry = result["scores"][name]
            facts = [name, entry["language"], entry["domain"]]
            table = wandb.Table(
                columns=["dataset", "language", "domain", *Mistake.__annotations__],
                data=[[*facts, *mistake.values()] for mistake in mistakes[name]],
            )
            run.log({f"confusion/{name}": matrix, f"mistakes/{name}": table})

        logger.attempt(f"logging the tables of {name}", tables)


def summary(result: RunResult) -> dict[str, Any]:
    """``score/<set>/<selection>/<metric>``, size, time and the status: what a sweep is compared by."""
    numbers: dict[str, Any] = {
        score_key(name, selection, metric): scores[metric]  # type: ignore[literal-required]
        for name, entry in result["scores"].items()
        for selection, scores in entry["selections"].items()
        for metric in NUMBERS
        if metric in scores
    }
    size_and_time = {
        PARAMETERS: result["model"]["parameters"],
        SECONDS: result["performance"]["seconds"]["total"],
    }
    return numbers | size_and_time | {"status": result["status"], "caveats": result["caveats"]}
