"""The numbers behind the report as CSV, in fractions and unrounded: for whoever wants to compute on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sentiment_transfer.escaping import csv_table
from sentiment_transfer.report.analysis.findings import Estimate
from sentiment_transfer.report.prose.sentences import remark
from sentiment_transfer.report.rendering.contents import Contents

METRICS = ("error", "accuracy", "f1_positive", "f1_positive_mean_folds", "macro_f1", "ece")
Rows = list[list[object]]


def number_files(contents: Contents) -> Iterator[tuple[str, str]]:
    """File names and contents."""
    yield "scores.csv", csv_table(*scores(contents))
    yield "cells.csv", csv_table(*cells(contents))
    yield "confusions.csv", csv_table(*confusions(contents))
    yield "comparisons.csv", csv_table(*comparisons(contents))


def scores(contents: Contents) -> tuple[list[str], Rows]:
    """One row per run, evaluation set and selection."""
    columns = ["run", "model", "parameters", "source", "seed", "status", "evaluation set", "language", "domain"]
    columns += ["protocol", "target labels", "labels per class", "sample seed", "classes", "n", "selection", *METRICS]
    columns += ["floor of headline", "headline", "command", "folder"]
    rows: Rows = []
    for run_id, run in contents.runs.items():
        result = run.result
        of_run = [run_id, result["model"]["name"], result["model"]["parameters"], "+".join(result["source"]["names"])]
        for name, entry in result["scores"].items():
            labels: Mapping[str, Any] = entry.get("label_budget") or {}
            of_set: list[Any] = [name, entry["language"], entry["domain"], entry["protocol"]]
            of_set += [labels.get(key, "") for key in ("total", "per_class", "sample_seed")]
            of_set += [len(entry["classes"]), entry["n"]]
            for selection, found in entry["selections"].items():
                metrics = [found.get(metric, "") for metric in METRICS]
                floor = found["floor"].get(entry["metric"], "")
                row = [*of_run, result["seed"], result["status"], *of_set, selection, *metrics, floor, entry["metric"]]
                rows.append([*row, run.command, str(run.folder or "")])
    return columns, rows


def cells(contents: Contents) -> tuple[list[str], Rows]:
    """One row per model, evaluation set and selection: mean and interval over seeds."""
    columns = ["model", "source", "evaluation set", "protocol", "selection", "metric", "classes", "n", "seeds"]
    columns += ["degenerate seeds", "mean", "low", "high", "interval covers", "floor", "remark"]
    names = {entry.key: entry.name for entry in contents.answer.entries}
    rows: Rows = []
    for cell in contents.answer.cells:
        what = [names[cell.entry], cell.source, cell.target, cell.protocol, cell.selection, cell.metric]
        size = [len(cell.classes), cell.n, len(cell.by_seed), len(cell.degenerate_seeds)]
        rows.append([*what, *size, *estimate(cell.mean), cell.floor, remark(cell)])
    return columns, rows


def confusions(contents: Contents) -> tuple[list[str], Rows]:
    """One row per cell of every confusion matrix: counts over all runs."""
    names = {entry.key: entry.name for entry in contents.answer.entries}
    rows: Rows = [
        [names[cell.entry], cell.source, cell.target, cell.selection, gold, predicted, cell.confusion[row][column]]
        for cell in contents.answer.cells
        for row, gold in enumerate(cell.classes)
        for column, predicted in enumerate(cell.classes)
    ]
    return ["model", "source", "evaluation set", "selection", "gold", "predicted", "count"], rows


def comparisons(contents: Contents) -> tuple[list[str], Rows]:
    """One row per pair that was tested: second minus first."""
    columns = ["first", "second", "source", "evaluation set", "selection", "metric", "n", "difference", "low", "high"]
    columns += ["interval covers", "p", "p holm", "family size", "verdict", "smallest shown", "paired"]
    names = {entry.key: entry.name for entry in contents.answer.entries}
    rows: Rows = []
    for c in contents.answer.comparisons:
        what = [names[c.first], names[c.second], c.source, c.target, c.selection, c.metric, c.n]
        tests = [
            _known(c.p),
            _known(c.p_holm),
            c.family_size,
            c.verdict,
            _known(c.minimum_detectable_difference),
            c.paired,
        ]
        rows.append([*what, *estimate(c.difference), *tests])
    return columns, rows


def estimate(of: Estimate) -> list[object]:
    return [of.value, _known(of.low), _known(of.high), of.scope]


def _known(value: float | None) -> object:
    return "" if value is None else value
