"""Find the runs under some folders: finished ones, unfinished ones and records that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sentiment_transfer.errors import UserError
from sentiment_transfer.results.checks import faults
from sentiment_transfer.results.record import RESULT_FILE, RunResult, read_result

STARTED = (".hydra", "checkpoints")  # what a run makes before it is finished


@dataclass
class Collection:
    """The runs that were found, each once."""

    results: list[RunResult] = field(default_factory=list)
    folders: dict[str, Path] = field(default_factory=dict)  # run id -> where its record lies
    unfinished: list[Path] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # left out: damaged, foreign or edited; one sentence each
    copies: int = 0  # further records of the same run, left out; the newest is kept


def collect(paths: Iterable[Path]) -> Collection:
    """All runs under ``paths`` (folders at any depth, or ``result.json`` files), in order of path.

    A run found twice (same run id, same configuration) counts once. Raises UserError where a path does not exist.
    """
    found = Collection()
    newest: dict[str, RunResult] = {}
    for folder, finished in run_folders(paths):
        if not finished:
            found.unfinished.append(folder)
            continue
        try:
            result = checked_result(folder)
        except UserError as error:
            found.unreadable.append(str(error))
            continue
        known = newest.get(result["run_id"])
        found.copies += known is not None
        if known is None or result["created"] > known["created"]:
            newest[result["run_id"]] = result
            found.folders[result["run_id"]] = folder
    found.results = list(newest.values())
    return found


def checked_result(folder: Path) -> RunResult:
    """The record in a folder. Raises UserError where it is not as a run writes it."""
    result = read_result(folder)
    if wrong := faults(result):
        raise UserError(
            f"{folder / RESULT_FILE} is not as a run wrote it and is left out: {'; '.join(wrong)}. Delete it and run "
            "the same command again."
        )
    return result


def run_folders(paths: Iterable[Path]) -> list[tuple[Path, bool]]:
    """Run folders under ``paths`` with whether they are finished, each folder once."""
    folders: dict[Path, bool] = {}
    for path in paths:
        if not path.exists():
            raise UserError(f"There is no {path}. Name a folder that runs were written to, such as outputs.")
        if path.is_file():
            folders[path.parent] = True
            continue
        for name, subfolders, files in os.walk(path):
            subfolders.sort()
            if RESULT_FILE in files:
                folders[Path(name)] = True
            elif any(started in subfolders for started in STARTED):
                folders[Path(name)] = False
    return list(folders.items())
