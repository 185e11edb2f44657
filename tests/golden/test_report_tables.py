"""The numbers that a report writes about a fixed set of runs.

The expected files are changed (GOLDEN_RENEW=1) on purpose only, in a commit of their own that says why.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.golden.pinned import cells, differences, pinned_tables, tables_in
from tests.helpers.example_report import example_runs, written_runs
from tests.helpers.report_of_labels import few_label_runs, few_shot_runs, full_runs, zero_shot_runs
from tests.helpers.written_runs import write_seeds

REPORT = Path(__file__).parents[2] / "report.py"


def models(folder: Path) -> None:
    """Three models whose answers to the same reviews are compared pair by pair."""
    errors = {"nano": ([0.1, 0.11, 0.12], [0.3, 0.31, 0.29]), "mini": ([0.06, 0.07, 0.05], [0.2, 0.22, 0.25])}
    errors["macro"] = ([0.05, 0.06, 0.07], [0.12, 0.13, 0.17])
    for size, (model, (english, japanese)) in enumerate(errors.items()):
        sets = {"written_en": english, "written_ja": japanese}
        write_seeds(folder, sets, model=model, parameters=10 ** (6 + size))


def labels(folder: Path) -> None:
    """What labels of the target add."""
    zero_shot_runs(folder, 0.25)
    few_label_runs(folder, {16: 0.4, 64: 0.3, 256: 0.2})
    few_shot_runs(folder, {16: 0.22, 256: 0.15})
    full_runs(folder, 0.1)


def records(folder: Path) -> None:
    """Runs without their answers, with the course of training and two selections."""
    written_runs(folder, example_runs(("nano", "mini"), ("written_en", "written_ja"), 3), {})


@pytest.mark.parametrize("make", [models, labels, records])
def test_the_tables_hold_the_numbers_they_held(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the tables name the runs' folders as they were given
    make(Path("runs"))
    assert runpy.run_path(str(REPORT))["main"](["runs", "--out", "report"]) == 0
    tables = tables_in(Path("report"))
    expected = pinned_tables(f"report_{make.__name__}", tables)
    assert {"scores.csv", "cells.csv", "comparisons.csv", "confusions.csv"} <= set(tables) == set(expected)
    for name in expected:
        found = list(differences(cells(tables[name]), cells(expected[name]), relative=1e-9, where=name))
        assert not found, "\n".join(found)
