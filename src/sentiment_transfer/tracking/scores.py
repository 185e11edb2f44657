"""The scores of a finished run as loggers show them: a headline for each dataset, and a table of all."""

from __future__ import annotations

from typing import Any

from sentiment_transfer.results.record import RunResult
from sentiment_transfer.tracking.keys import PARAMETERS, SECONDS, score_key

METRICS = ("error", "accuracy", "f1_positive", "f1_positive_mean_folds", "macro_f1", "ece")
COLUMNS = ("dataset", "role", "language", "domain", "protocol", "reviews", "weights", *METRICS)


def headline_scores(result: RunResult) -> dict[str, float]:
    """Every dataset's headline metric under each selection, by ``score_key``."""
    return {
        score_key(name, selection, entry["metric"]): scores[entry["metric"]]  # type: ignore[literal-required]
        for name, entry in result["scores"].items()
        for selection, scores in entry["selections"].items()
        if entry["metric"] in scores
    }


def score_rows(result: RunResult) -> list[list[Any]]:
    """Rows under ``COLUMNS``: every test score, one row for each dataset and selection."""
    return [
        [
            *(name, entry["role"], entry["language"], entry["domain"], entry["protocol"], entry["n"], selection),
            *(scores.get(metric) for metric in METRICS),
        ]
        for name, entry in result["scores"].items()
        for selection, scores in entry["selections"].items()
    ]


def summary(result: RunResult) -> dict[str, Any]:
    """A run's summary on W&B: ``headline_scores``, parameters, seconds, status and caveats."""
    size_and_time = {
        PARAMETERS: result["model"]["parameters"],
        SECONDS: result["performance"]["seconds"]["total"],
    }
    return headline_scores(result) | size_and_time | {"status": result["status"], "caveats": result["caveats"]}
