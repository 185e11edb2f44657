"""The names of what a run logs: dashboards are built on them."""

from __future__ import annotations

LEARNING = {"loss": "dev/{dataset}/loss", "accuracy": "dev/{dataset}/accuracy"}
STEP = "trainer/global_step"
PARAMETERS, SECONDS = "parameters", "seconds"


def score_key(dataset: str, selection: str, metric: str) -> str:
    return f"score/{dataset}/{selection}/{metric}"
