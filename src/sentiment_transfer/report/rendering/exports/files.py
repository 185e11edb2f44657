"""The report's folder: which files it holds, and how an earlier report's make room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sentiment_transfer.errors import UserError
from sentiment_transfer.escaping import csv_table
from sentiment_transfer.files.atomic import sentence_of, write_atomically
from sentiment_transfer.report.rendering.contents import Contents
from sentiment_transfer.report.rendering.exports.numbers import number_files
from sentiment_transfer.report.rendering.exports.summary import summary
from sentiment_transfer.report.rendering.exports.text import latex_table
from sentiment_transfer.report.rendering.figures.plot import svg
from sentiment_transfer.report.rendering.page.build import build_page

PAGE, LIST = "report.html", "files.txt"
LATEX_COLUMNS = {"comparisons": 8, "trends": 8, "cost": 7}  # how many of the first columns a paper has room for


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
    """What an earlier report wrote: names inside the folder only, whatever a hand has made of the list."""
    path = folder / LIST
    if not path.is_file():
        return set()
    names = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {name for name in names if name and (folder / name).resolve().is_relative_to(folder.resolve())}
