"""A finished run's scores in a few words, where there is a line for each run."""

from __future__ import annotations

from pathlib import Path

from sentiment_transfer.errors import UserError
from sentiment_transfer.formatting import metric_brief, percent
from sentiment_transfer.results.record import DatasetScores, read_result
from sentiment_transfer.statistics.metrics import is_degenerate

CAVEAT, COLLAPSED = "*", "!"
LEGEND = f"In percent, of the last epoch; {CAVEAT} has a caveat, {COLLAPSED} one class only was predicted."


def brief_scores(folder: Path) -> list[str]:
    """``smsa_id 91.3 F1`` for each target of the finished run in ``folder`` (of a run without targets, for its source),
    with the marks that LEGEND explains. Empty where the record cannot be read."""
    try:
        result = read_result(folder)
    except UserError:
        return []
    entries = result["scores"]
    chosen = {name: entry for name, entry in entries.items() if entry["role"] == "target"} or entries
    return [f"{name} {brief(entry, bool(result['caveats']))}" for name, entry in chosen.items()]


def brief(entry: DatasetScores, has_caveats: bool) -> str:
    scores = entry["selections"]["last"]
    marks = COLLAPSED * is_degenerate(scores["confusion"]) + CAVEAT * has_caveats
    return f"{percent(scores[entry['metric']], 1)}{marks} {metric_brief(entry['metric'])}"  # type: ignore[literal-required]
