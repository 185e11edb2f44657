"""Test predictions of a run: probabilities per review (Parquet), and its most confident mistakes with their texts.

Paired tests are computed from the probabilities; the mistakes show where a model fails without the dataset at hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar

import numpy as np

from sentiment_transfer.errors import UserError
from sentiment_transfer.files.atomic import write_atomically
from sentiment_transfer.files.names import file_name

if TYPE_CHECKING:
    import pyarrow as pa

METADATA_KEY = b"sentiment_transfer"  # schema metadata: the class and selection names behind the column names
# What is known of a test review apart from the answers. Strings are object arrays.
FEATURES = {
    "characters": np.int32,
    "tokens": np.int32,  # before truncation, without special tokens
    "seen": np.float32,  # share of its tokens that occur in the source's training texts; NaN where not known
    "script": np.object_,  # ISO 15924, of most of its letters
    "domain": np.object_,
    "tag": np.object_,  # what is notable about it; None where the dataset does not say
}
MISTAKES_FILE = "mistakes.json"
MAX_MISTAKES = 50  # per dataset: enough to read, small enough to upload from every run of a sweep
MAX_TEXT_LENGTH = 1_000  # characters
Read = TypeVar("Read")


@dataclass(frozen=True)
class Predictions:
    """Class probabilities of each review of one dataset, under each selection whose weights differ."""

    ids: list[str]  # (n,)
    gold: np.ndarray  # (n,) int8, index into classes
    folds: np.ndarray  # (n,) int8
    classes: tuple[str, ...]
    probabilities: dict[str, np.ndarray]  # selection -> (n, classes) float32
    features: dict[str, np.ndarray] | None = None  # the columns FEATURES, each (n,); None in files without them


class Mistake(TypedDict):
    """A review that the weights of the last epoch misclassify."""

    id: str
    text: str  # truncated to MAX_TEXT_LENGTH characters
    gold: str
    predicted: str
    confidence: float  # probability of the predicted class


def predictions_path(folder: Path, dataset: str, split: str = "test") -> Path:
    """``<folder>/predictions/<dataset>.parquet``; for a split other than test ``<dataset>.<split>.parquet``. Raises
    UserError for a dataset's name that leads elsewhere."""
    dataset = file_name(dataset, "a dataset")
    return Path(folder) / "predictions" / (f"{dataset}.parquet" if split == "test" else f"{dataset}.{split}.parquet")


def write_predictions(folder: Path, dataset: str, predictions: Predictions, split: str = "test") -> Path:
    """Write the predictions on one split atomically; returns the path, as ``predictions_path`` gives it.

    Columns: ``id`` (string), ``gold``, ``fold`` (int8), then ``{selection}_{class}`` (float32 probability), then, where
    they are known, those of FEATURES.
    Raises UserError if the file cannot be written, ValueError if the arrays differ in length.
    """
    import pyarrow.parquet as pq

    table = to_table(predictions)
    path = predictions_path(folder, dataset, split)
    write_atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))
    return path


def to_table(predictions: Predictions) -> pa.Table:
    """The predictions as a table with the columns of ``write_predictions``."""
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
    for name, values in (predictions.features or {}).items():
        columns[name] = _feature_column(name, values)
    layout = {"classes": list(predictions.classes), "selections": list(predictions.probabilities)}
    return pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(layout).encode()})


def _feature_column(name: str, values: np.ndarray) -> pa.Array:
    import pyarrow as pa

    if FEATURES[name] is np.object_:
        return pa.array(values.tolist(), pa.string()).dictionary_encode()
    return pa.array(np.asarray(values, dtype=FEATURES[name]), from_pandas=True)  # NaN is null


def read_predictions(folder: Path, dataset: str, split: str = "test", features: bool = True) -> Predictions:
    """The predictions on one split of a dataset, without their ``features`` if these are not wanted.

    Raises UserError if the file is missing or damaged.
    """
    return _read(folder, dataset, split, lambda name: features or name not in FEATURES, _predictions)


def read_features(folder: Path, dataset: str, split: str = "test") -> dict[str, np.ndarray] | None:
    """The columns FEATURES of the predictions, each (n,); None in files without them.

    Raises UserError as ``read_predictions``.
    """
    return _read(folder, dataset, split, lambda name: name in FEATURES, _features)


def _read(
    folder: Path, dataset: str, split: str, wanted: Callable[[str], bool], content: Callable[[pa.Table], Read]
) -> Read:
    """``content`` of a table with the ``wanted`` columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = predictions_path(folder, dataset, split)
    if not path.is_file():
        raise UserError(f"There are no predictions for {dataset} in {folder}: {path} does not exist.")
    try:
        with pq.ParquetFile(path) as file:
            return content(file.read([name for name in file.schema_arrow.names if wanted(name)]))
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}). Delete the run's folder and run it again.") from error


def _predictions(table: pa.Table) -> Predictions:
    layout = json.loads(table.schema.metadata[METADATA_KEY])
    return from_table(table, tuple(layout["classes"]), layout["selections"])


def from_table(table: pa.Table, classes: tuple[str, ...], selections: list[str]) -> Predictions:
    """The inverse of ``to_table``."""
    return Predictions(
        ids=table["id"].to_pylist(),
        gold=table["gold"].to_numpy(),
        folds=table["fold"].to_numpy(),
        classes=classes,
        probabilities={
            selection: np.stack([table[f"{selection}_{name}"].to_numpy() for name in classes], axis=1)
            for selection in selections
        },
        features=_features(table),
    )


def _features(table: pa.Table) -> dict[str, np.ndarray] | None:
    if not FEATURES.keys() <= set(table.column_names):
        return None
    return {
        name: np.array(table[name].to_pylist(), dtype=np.object_)
        if kind is np.object_
        else table[name].to_numpy().astype(kind)
        for name, kind in FEATURES.items()
    }


def confident_mistakes(prediction: Predictions, texts: Callable[[np.ndarray], list[str]]) -> list[Mistake]:
    """The reviews that ``last`` misclassifies, the most confident first, at most MAX_MISTAKES.

    ``texts`` maps row indices, (k,) int64, to the k texts in that order.
    """
    last = prediction.probabilities["last"]
    predicted, confidence = last.argmax(1), last.max(1)
    wrong = np.flatnonzero(predicted != prediction.gold)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:MAX_MISTAKES]
    return [
        Mistake(
            id=prediction.ids[row],
            text=text[:MAX_TEXT_LENGTH],
            gold=prediction.classes[prediction.gold[row]],
            predicted=prediction.classes[predicted[row]],
            confidence=float(confidence[row]),
        )
        for row, text in zip(worst.tolist(), texts(worst), strict=True)
    ]


def write_mistakes(folder: Path, by_dataset: dict[str, list[Mistake]]) -> Path:
    """Write ``mistakes.json`` atomically; returns its path. Raises UserError if it cannot be written."""
    path = Path(folder) / MISTAKES_FILE
    content = json.dumps(by_dataset, ensure_ascii=False, indent=1).encode("utf-8", errors="backslashreplace")
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return path


def read_mistakes(folder: Path) -> dict[str, list[Mistake]]:
    """Dataset -> its mistakes; empty without a file. Raises UserError if the file is damaged."""
    path = Path(folder) / MISTAKES_FILE
    if not path.is_file():
        return {}
    try:
        by_dataset = json.loads(path.read_bytes())
        return {str(name): [_mistake(entry) for entry in entries] for name, entries in by_dataset.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}): its mistakes are not shown.") from error


def _mistake(entry: dict[str, object]) -> Mistake:
    return Mistake(
        id=str(entry["id"]),
        text=str(entry["text"]),
        gold=str(entry["gold"]),
        predicted=str(entry["predicted"]),
        confidence=float(entry["confidence"]),  # type: ignore[arg-type]
    )
