"""The columns of a predictions file that say what a review is like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from sentiment_transfer.results.predictions import FEATURES, Predictions, read_predictions, write_predictions

FOUND = {
    "characters": np.array([7, 2], dtype=np.int32),
    "tokens": np.array([3, 0], dtype=np.int32),
    "seen": np.array([0.5, np.nan], dtype=np.float32),
    "script": np.array(["Latn", "Zyyy"], dtype=object),
    "domain": np.array(["hotel", "app"], dtype=object),
    "tag": np.array([None, "irony"], dtype=object),
}


def predictions(features: dict[str, np.ndarray] | None) -> Predictions:
    gold, folds = np.array([0, 1], dtype=np.int8), np.zeros(2, dtype=np.int8)
    last = np.array([[0.5, 0.5], [0.25, 0.75]], dtype=np.float32)
    return Predictions(["a", "b"], gold, folds, ("negative", "positive"), {"last": last}, features)


def test_they_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = write_predictions(tmp_path, "written_ja", predictions(FOUND))
    features = read_predictions(tmp_path, "written_ja").features
    assert features is not None and list(features) == list(FEATURES) == list(FOUND)
    for name, values in FOUND.items():
        assert features[name].dtype == values.dtype
        np.testing.assert_array_equal(features[name], values)
    types = {field.name: str(field.type) for field in pq.read_schema(path) if field.name in FEATURES}
    text = "dictionary<values=string, indices=int32, ordered=0>"
    assert types == {"characters": "int32", "tokens": "int32", "seen": "float"} | dict.fromkeys(
        ("script", "domain", "tag"), text
    )
    assert pq.read_table(path)["seen"].to_pylist() == [0.5, None]


def test_a_file_without_them_has_none(tmp_path: Path) -> None:
    write_predictions(tmp_path, "written_ja", predictions(None))
    assert read_predictions(tmp_path, "written_ja").features is None


def test_a_dataset_without_tags_has_a_column_of_nothing(tmp_path: Path) -> None:
    write_predictions(tmp_path, "a", predictions(FOUND | {"tag": np.array([None, None], dtype=object)}))
    features = read_predictions(tmp_path, "a").features
    assert features is not None and features["tag"].tolist() == [None, None]
