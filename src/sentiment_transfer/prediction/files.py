"""Which file is read and which is written: of what kind they are, and what cannot be."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sentiment_transfer.config.schema import PredictConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.lines import STDIN
from sentiment_transfer.files.records import DELIMITERS, JSON_ENDINGS, PARQUET_ENDINGS
from sentiment_transfer.files.text import COMPRESSIONS, kind_of, refuse_no_file
from sentiment_transfer.prediction.delimited import Delimited, PlainLines
from sentiment_transfer.prediction.json_lines import JSONLines
from sentiment_transfer.prediction.window import ROWS, Format

STDOUT = "-"
KINDS = (PARQUET_ENDINGS, JSON_ENDINGS, (".tsv", ".txt"), (".csv",))
COMPRESSED = f"(text files also {', '.join(COMPRESSIONS)})"


def opened(config: PredictConfig) -> Format:
    """The input, looked into. Raises UserError where it cannot be read or has nothing to answer."""
    if config.input == STDIN:
        return PlainLines(STDIN, size=1 if sys.stdin.isatty() else ROWS)
    path = Path(config.input).expanduser()
    refuse_no_file(path)
    kind = kind_of(path)
    if kind in PARQUET_ENDINGS:
        from sentiment_transfer.prediction.parquet import Parquet

        refuse_packed_parquet("input", path)
        return Parquet(str(path), str(config.text))
    if kind in JSON_ENDINGS:
        return JSONLines(str(path), str(config.text))
    delimiter = config.delimiter or DELIMITERS.get(kind)
    if delimiter is None:
        known = ", ".join([*DELIMITERS, JSON_ENDINGS[0], PARQUET_ENDINGS[0]])
        raise UserError(
            f"{path}: the ending {kind or '(none)'} is not known. Use {known} {COMPRESSED}, say delimiter=..., or "
            "input=- for lines on standard input."
        )
    quoted = delimiter != "\t" if config.quoted is None else config.quoted
    return Delimited(str(path), str(config.text), delimiter=delimiter, quoted=quoted, header=config.header)


def refuse_output(config: PredictConfig, output: Path) -> None:
    """Raises UserError where the output is the input, a folder, or of another kind than the input."""
    source = Path(config.input).expanduser()
    if config.input != STDIN and output.exists() and os.path.samefile(source, output):
        raise UserError(f"input and output are the same file, {output}: name another output.")
    if output.is_dir():
        raise UserError(f"output={config.output} is a folder: name a file in it.")
    kind = ".tsv" if config.input == STDIN else kind_of(source)
    wanted = next((kinds for kinds in KINDS if kind in kinds), (kind,))
    if kind_of(output) not in wanted:
        raise UserError(
            f"output={config.output} cannot be: rows are written as they are read, so its name ends in "
            f"{' or '.join(wanted)} {COMPRESSED}."
        )
    refuse_packed_parquet("output", output)


def refuse_packed_parquet(what: str, path: Path) -> None:
    if kind_of(path) in PARQUET_ENDINGS and path.suffix.lower() in COMPRESSIONS:
        raise UserError(f"{what}={path} cannot be: a Parquet file is compressed inside. It would be {path.stem}.")
