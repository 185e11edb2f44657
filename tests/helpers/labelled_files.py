"""Files to be labelled, and ``predict.py`` on them in this process."""

from __future__ import annotations

import csv
import functools
import os
from copy import deepcopy
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from tests.helpers.runs import ROOT

from sentiment_transfer.config.checks import validate
from sentiment_transfer.config.program_options import PredictConfig
from sentiment_transfer.prediction.command import predict

PRECISION = "precision=32-true"
TEXTS = ("The room was lovely.", "最悪のサービスでした。", "Pelayanannya ramah.", "terrible <pad> food", "it is")


@functools.cache
def _composed(overrides: tuple[str, ...]) -> DictConfig:
    with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
        return compose("predict", overrides=list(overrides))


def predicted(model: Path, source: Path, output: Path, *overrides: str) -> None:
    """``python predict.py checkpoint=model input=source output=output overrides...``"""
    config = deepcopy(_composed(("checkpoint=x", "input=x", "output=x", *overrides)))
    config.checkpoint, config.input, config.output = str(model), str(source), str(output)
    predict(validate(config, PredictConfig))


def text_of(row: int) -> str:
    return "" if row % 97 == 96 else f"{TEXTS[row % len(TEXTS)]} {row % 13}"


def write_csv(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "text", "note, quoted"])
        writer.writerows([row, text_of(row), 'a "note"\nof two lines'] for row in range(rows))
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def attempt(model: Path, source: Path, output: Path, die: str = "") -> None:
    """``predict.py`` with small windows, in a process that may be told to die before or after a move."""
    from sentiment_transfer.prediction import parquet, partial, windows

    windows.CHARACTERS, parquet.ROWS = 4_000, 128
    replace = os.replace

    def deadly(start: Path, end: Path) -> None:
        if die == f"before {end.name}":
            os._exit(9)
        replace(start, end)
        if die == f"after {end.name}":
            os._exit(9)

    if die:
        partial.os.replace = deadly  # type: ignore[assignment]
    predicted(model, source, output, PRECISION)
