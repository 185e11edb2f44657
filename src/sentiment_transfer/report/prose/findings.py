"""The first sentences of the page, the terminal, summary.md, the W&B report and a sweep's end."""

from __future__ import annotations

from sentiment_transfer.report.analysis.findings import Answer
from sentiment_transfer.report.prose.verdict import verdict_texts


def findings(answer: Answer) -> list[str]:
    """The verdict, then those of other sources and families, then what was found over distance and in slices."""
    return verdict_texts(answer)
