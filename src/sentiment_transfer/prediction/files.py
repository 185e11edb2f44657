"""The input and output files of a prediction: their kinds, the checks on them, and the progress bar."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from sentiment_transfer.config.program_options import PredictConfig
from sentiment_transfer.config.written_form import delimiter_of
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.containers import CODECS, ZIP, content_kind, kind_of, require_file
from sentiment_transfer.files.dialect import DELIMITERS
from sentiment_transfer.files.records import JSON_ENDINGS, PARQUET_ENDINGS, unknown_ending
from sentiment_transfer.files.text import STDIN
from sentiment_transfer.prediction.parquet import Parquet
from sentiment_transfer.prediction.text_formats import Delimited, JSONLines, PlainLines
from sentiment_transfer.prediction.windows import ROWS, Format

STDOUT = "-"
KINDS = (PARQUET_ENDINGS, JSON_ENDINGS, (".tsv", ".txt"), (".csv",))
COMPRESSED = f"(text files also {', '.join(CODECS)})"


Advance = Callable[[int, int, int], None]  # position in the file, rows and tokens since the last call


def open_input(config: PredictConfig) -> Format:
    """The input file, its first rows read. Raises UserError if it cannot be read or has no rows."""
    if config.input == STDIN:
        if sys.stdin is None:  # the program was started with <&-
            raise UserError("input=- reads standard input, which is closed: name a file, or pipe one into the command.")
        return PlainLines(STDIN, size=1 if sys.stdin.isatty() else ROWS)
    path = Path(config.input).expanduser()
    require_file(path)
    kind = content_kind(path)
    if kind in PARQUET_ENDINGS:
        refuse_compressed_parquet("input", path)
        return Parquet(str(path), str(config.text))
    if kind in JSON_ENDINGS:
        return JSONLines(str(path), str(config.text), config.encoding)
    if config.delimiter is None and kind not in DELIMITERS:
        known = ", ".join([*DELIMITERS, JSON_ENDINGS[0], PARQUET_ENDINGS[0]])
        raise unknown_ending(
            path,
            f"Use {known} (text files also {{packed}}), type delimiter=..., or input=- for lines on standard input.",
        )
    return Delimited(
        str(path),
        str(config.text),
        by_ending=DELIMITERS.get(kind),
        delimiter=delimiter_of(config.delimiter),
        quoted=config.quoted,
        header=config.header,
        encoding=config.encoding,
    )


def open_closed_streams() -> None:
    """Open the standard streams that are closed on nothing: else the next file would take the place of one, and get
    what libraries write there."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def refuse_closed_stdout() -> None:
    if sys.__stdout__ is None:  # the program was started with >&-
        raise UserError("output=- writes to standard output, which is closed: name a file, or leave out >&-.")


def check_output(config: PredictConfig, output: Path) -> None:
    """Raises UserError if the output is the input, a folder, or of another kind than the input."""
    source = Path(config.input).expanduser()
    if config.input != STDIN and output.exists() and os.path.samefile(source, output):
        raise UserError(f"input and output are the same file, {output}: name another output.")
    if output.is_dir():
        raise UserError(f"output={config.output} is a folder: name a file in it.")
    kind = ".tsv" if config.input == STDIN else content_kind(source)
    wanted = next((kinds for kinds in KINDS if kind in kinds), (kind,))
    if output.suffix.lower() == ZIP:
        raise UserError(
            f"output={config.output} is invalid: zip is read, not written. Type {output.stem}.gz, or leave it plain."
        )
    if kind_of(output) not in wanted:
        raise UserError(
            f"output={config.output} is of another kind than the input, whose rows are kept as they are: its name must "
            f"end in {' or '.join(wanted)} {COMPRESSED}."
        )
    refuse_compressed_parquet("output", output)


def refuse_compressed_parquet(option: str, path: Path) -> None:
    if content_kind(path) in PARQUET_ENDINGS and path.suffix.lower() in (*CODECS, ZIP):
        raise UserError(f"{option}={path} is invalid: Parquet is compressed inside the file. Type {path.stem}.")


@contextmanager
def progress(total: int | None, done: int) -> Iterator[Advance]:
    """A progress bar with the time left, on a terminal only.

    ``total`` is the last position; ``done`` the rows of an earlier attempt.
    """
    columns = (
        TextColumn("{task.fields[rows]:>11,} rows"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[rate]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=total, rows=done, rate="")
        started = time.monotonic()
        rows = tokens = 0

        def advance(position: int, more_rows: int, more_tokens: int) -> None:
            nonlocal rows, tokens
            rows, tokens = rows + more_rows, tokens + more_tokens
            seconds = max(time.monotonic() - started, 1e-3)
            rate = f"{rows / seconds:,.0f} rows/s, {tokens / seconds:,.0f} tokens/s"
            bar.update(task, completed=position if total else None, rows=done + rows, rate=rate)

        yield advance
