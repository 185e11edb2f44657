"""A file of predictions: its bytes, and the table in it.

The expected values are changed (GOLDEN_RENEW=1) on purpose only, in a commit of their own that says why.
"""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.golden.pinned import pinned_json

from sentiment_transfer.results.predictions import Predictions, write_predictions

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"
ROWS = 40


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Every number is a multiple of 1/64, which no arithmetic rounds."""
    positive = (np.arange(ROWS) * 37 % 64 / 64).astype(np.float32)
    neutral = (1 - positive) / 2
    predictions = Predictions(
        ids=[f"review-{row}" if row % 3 else f"評価-{row}" for row in range(ROWS)],
        gold=(np.arange(ROWS) % 3).astype(np.int8),
        folds=(np.arange(ROWS) % 5).astype(np.int8),
        classes=("negative", "neutral", "positive"),
        probabilities={
            "last": np.stack([1 - positive - neutral, neutral, positive], axis=1),
            "average": np.stack([positive, neutral, 1 - positive - neutral], axis=1),
        },
    )
    write_predictions(tmp_path, "smsa_id", predictions, split="dev")
    write_predictions(tmp_path, "smsa_id", predictions)
    return tmp_path / "predictions"


def test_the_table_holds_what_it_held(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == ["smsa_id.dev.parquet", "smsa_id.parquet"]
    table = pq.read_table(written / "smsa_id.parquet")
    found: dict[str, Any] = {
        "columns": {field.name: str(field.type) for field in table.schema},
        "metadata": {key.decode(): value.decode() for key, value in table.schema.metadata.items()},
        "rows": table.to_pydict(),
    }
    assert found == pinned_json("prediction_table", found)


def test_the_bytes_are_what_they_were(written: Path) -> None:
    tested = re.search(r"^pyarrow==(\S+)", CONSTRAINTS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if tested is None or version("pyarrow") != tested[1]:
        pytest.skip(f"pyarrow is {version('pyarrow')}, not the one in constraints.txt: other bytes are no fault")
    for name in ("smsa_id.parquet", "smsa_id.dev.parquet"):
        digest = hashlib.sha256((written / name).read_bytes()).hexdigest()
        assert digest == pinned_json("prediction_file_sha256", digest)
