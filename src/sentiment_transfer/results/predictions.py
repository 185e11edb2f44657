"""Per-example probabilities, one Parquet file per evaluation set: what paired tests are computed from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

LAYOUT = b"sentiment_transfer"  # schema metadata: the class and selection names behind the column names


@dataclass(frozen=True)
class Predictions:
    """What was predicted for each review of one evaluation set, by each selection whose weights differ."""

    ids: list[str]  # (n,)
    gold: np.ndarray  # (n,) int8, index into classes
    folds: np.ndarray  # (n,) int8
    classes: tuple[str, ...]
    probabilities: dict[str, np.ndarray]  # selection -> (n, classes) float32


def predictions_path(folder: Path, dataset: str, split: str = "test") -> Path:
    return Path(folder) / "predictions" / (f"{dataset}.parquet" if split == "test" else f"{dataset}.{split}.parquet")


def write_predictions(folder: Path, dataset: str, predictions: Predictions, split: str = "test") -> Path:
    """Write ``predictions/{dataset}.parquet`` (of another split ``{dataset}.{split}.parquet``) atomically and return
    its path.

    Columns: ``id`` (string), ``gold``, ``fold`` (int8), then ``{selection}_{class}`` (float32 probability).
    Raises UserError where it cannot be written, ValueError where the arrays differ in length.
    """
    import pyarrow.parquet as pq

    table = to_table(predictions)
    path = predictions_path(folder, dataset, split)
    write_atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))
    return path


def to_table(predictions: Predictions) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, pa.Array] = {
        "id": pa.array(predictions.ids, pa.string()),
        "gold": pa.array(np.asarray(predictions.gold, dtype=np.int8)),
        "fold": pa.array(np.asarray(predictions.folds, dtype=np.int8)),
    }
    for selection, probabilities in predictions.probabilities.items():
        by_class = np.asarray(probabilities, dtype=np.float32)
        for name, column in zip(predictions.classes, by_class.T, strict=True):
            columns[f"{selection}_{name}"] = pa.array(np.ascontiguousarray(column))
    layout = {"classes": list(predictions.classes), "selections": list(predictions.probabilities)}
    return pa.table(columns).replace_schema_metadata({LAYOUT: json.dumps(layout).encode()})


def read_predictions(folder: Path, dataset: str, split: str = "test") -> Predictions:
    """The predictions on one evaluation set. Raises UserError where there are none or they are damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = predictions_path(folder, dataset, split)
    if not path.is_file():
        raise UserError(f"There are no predictions for {dataset} in {folder}: {path} does not exist.")
    try:
        table = pq.read_table(path, partitioning=None)
        layout = json.loads(table.schema.metadata[LAYOUT])
        return from_table(table, tuple(layout["classes"]), layout["selections"])
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}). Delete the run's folder and run it again.") from error


def from_table(table: pa.Table, classes: tuple[str, ...], selections: list[str]) -> Predictions:
    return Predictions(
        ids=table["id"].to_pylist(),
        gold=table["gold"].to_numpy(),
        folds=table["fold"].to_numpy(),
        classes=classes,
        probabilities={
            selection: np.stack([table[f"{selection}_{name}"].to_numpy() for name in classes], axis=1)
            for selection in selections
        },
    )
