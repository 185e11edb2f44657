"""Finished runs that were computed from files which have changed since, for those who would show them as finished."""

from __future__ import annotations

from pathlib import Path

from sentiment_transfer.errors import UserError
from sentiment_transfer.results.inputs import stale
from sentiment_transfer.results.record import read_result


def outdated(folder: Path) -> str | None:
    """The sentence about a changed file of the finished run in ``folder``; None where there is none, or no record."""
    try:
        return stale(folder, read_result(folder)["inputs"])
    except UserError:
        return None  # said where the record is read


def refuse_outdated(folder: Path) -> None:
    """Raise UserError where ``outdated`` has a sentence."""
    if sentence := outdated(folder):
        raise UserError(sentence)
