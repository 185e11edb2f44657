"""The files of a report: numbers as CSV (fractions, unrounded), Markdown, LaTeX, figures, and the page last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sentiment_transfer.errors import UserError
from sentiment_transfer.escaping import csv_table
from sentiment_transfer.files.atomic import sentence_of, write_atomically
from sentiment_transfer.report.analysis.findings import Estimate
from sentiment_transfer.report.prose.sentences import remark
from sentiment_transfer.report.rendering.contents import Contents
from sentiment_transfer.report.rendering.markdown import latex_table, summary
from sentiment_transfer.report.rendering.page import build_page
from sentiment_transfer.report.rendering.parts import svg

METRICS = ("error", "accuracy", "f1_positive", "f1_positive_mean_folds", "macro_f1", "ece")
Rows = list[list[object]]


def number_files(contents: Contents) -> Iterator[tuple[str, str]]:
    """File names and contents."""
    yield "scores.csv", csv_table(*scores(contents))
    yield "cells.csv", csv_table(*cells(contents))
    yield "confusions.csv", csv_table(*confusions(contents))
    yield "comparisons.csv", csv_table(*comparisons(contents))


def scores(contents: Contents) -> tuple[list[str], Rows]:
    """One row per run, dataset and selection."""
    columns = ["run", "model", "parameters", "source", "seed", "status", "dataset", "language", "domain"]
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
    """One row per model, dataset and selection: mean and interval over seeds."""
    columns = ["model", "source", "dataset", "protocol", "selection", "metric", "classes", "n", "seeds"]
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
    return ["model", "source", "dataset", "selection", "gold", "predicted", "count"], rows


def comparisons(contents: Contents) -> tuple[list[str], Rows]:
    """One row per pair that was tested: second minus first."""
    columns = ["first", "second", "source", "dataset", "selection", "metric", "n", "difference", "low", "high"]
    columns += ["interval covers", "p", "p holm", "family size", "verdict", "smallest shown", "paired"]
    names = {entry.key: entry.name for entry in contents.answer.entries}
    rows: Rows = []
    for c in contents.answer.comparisons:
        what = [names[c.first], names[c.second], c.source, c.target, c.selection, c.metric, c.n]
        tests = [c.p, c.p_holm, c.family_size, c.verdict, c.minimum_detectable_difference, c.paired]
        rows.append([*what, *estimate(c.difference), *tests])
    return columns, rows


def estimate(of: Estimate) -> list[object]:
    return [of.value, _known(of.low), _known(of.high), of.scope]


def _known(value: float | None) -> object:
    return "" if value is None else value


PAGE, LIST = "report.html", "files.txt"
LATEX_COLUMNS = {"comparisons": 8, "trends": 7, "cost": 7}  # how many of the first columns a paper has room for


def write_files(contents: Contents, folder: Path) -> Path:
    """Write the whole report into ``folder`` and return the page's path; to be called inside ``drawing()``.

    Files that an earlier report wrote there and this one did not are removed, no others. Raises UserError where
    something cannot be written.
    """
    try:
        earlier = listed(folder)
        written = set(write_each(contents, folder))
        for name in earlier - written:
            (folder / name).unlink(missing_ok=True)
        write_atomically(folder / LIST, lambda path: path.write_text("\n".join(sorted(written)) + "\n"))
    except PermissionError as error:
        raise UserError(
            f"No permission to write {error.filename or folder}: name another folder with --out."
        ) from error
    except OSError as error:
        raise UserError(sentence_of(error, Path(error.filename or folder))) from error
    return folder / PAGE


def write_each(contents: Contents, folder: Path) -> Iterator[str]:
    """Write every file, the page last, and yield its name."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name, text in text_files(contents):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        yield name
    pictures = {}
    for plot in contents.plots:
        pictures[plot.key] = svg(plot)
        (folder / f"figures/{plot.key}.svg").write_text(pictures[plot.key], encoding="utf-8", newline="\n")
        plot.figure.savefig(folder / f"figures/{plot.key}.pdf", metadata={"CreationDate": None})
        yield f"figures/{plot.key}.svg"
        yield f"figures/{plot.key}.pdf"
    page = build_page(contents, pictures).encode("utf-8", errors="backslashreplace")
    write_atomically(folder / PAGE, lambda path: path.write_bytes(page))
    yield PAGE


def text_files(contents: Contents) -> Iterator[tuple[str, str]]:
    yield "summary.md", summary(contents)
    yield from number_files(contents)
    matrix = contents.tables["matrix"]
    yield "tables/matrix.tex", latex_table(matrix, "matrix", range(len(matrix.columns)))
    for key, columns in LATEX_COLUMNS.items():
        if contents.tables[key].rows:
            yield f"tables/{key}.tex", latex_table(contents.tables[key], key, range(columns))
    for plot in contents.plots:
        yield f"figures/{plot.key}.csv", csv_table(plot.columns, plot.rows)


def listed(folder: Path) -> set[str]:
    """The files that an earlier report wrote: only names inside the folder, even if the list was edited by hand."""
    path = folder / LIST
    if not path.is_file():
        return set()
    names = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {name for name in names if name and (folder / name).resolve().is_relative_to(folder.resolve())}
