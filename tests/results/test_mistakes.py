from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sentiment_transfer.errors import UserError
from sentiment_transfer.results.predictions import (
    MAX_MISTAKES,
    MISTAKES_FILE,
    Mistake,
    Predictions,
    confident_mistakes,
    read_mistakes,
    write_mistakes,
)


def mistakes(gold: list[int], positive: list[float], text: str = "text") -> list[Mistake]:
    ids = [f"r{row}" for row in range(len(gold))]
    share = np.array(positive, dtype=np.float32)
    probabilities = {"last": np.stack([1 - share, share], axis=1)}
    labels = np.array(gold, dtype=np.int8)
    made = Predictions(ids, labels, np.zeros_like(labels), ("negative", "positive"), probabilities)
    return confident_mistakes(made, lambda rows: [f"{text} {ids[row]}" for row in rows])


def test_mistakes_come_with_the_most_confident_first() -> None:
    rows = mistakes([0, 0, 1, 1, 0], [0.7, 0.9, 0.2, 0.9, 0.1])
    assert [row["id"] for row in rows] == ["r1", "r2", "r0"]
    assert [row["confidence"] for row in rows] == pytest.approx([0.9, 0.8, 0.7])
    assert (rows[0]["text"], rows[0]["gold"], rows[0]["predicted"]) == ("text r1", "negative", "positive")


def test_equally_confident_mistakes_keep_the_order_of_the_file() -> None:
    assert [row["id"] for row in mistakes([0] * 4, [0.75] * 4)] == ["r0", "r1", "r2", "r3"]


def test_a_perfect_set_has_no_mistakes() -> None:
    assert mistakes([0, 1], [0.1, 0.9]) == []


def test_mistakes_are_cut_to_what_can_be_read() -> None:
    rows = mistakes([0] * (MAX_MISTAKES + 5), [0.9] * (MAX_MISTAKES + 5), text="x" * 5_000)
    assert len(rows) == MAX_MISTAKES
    assert {len(row["text"]) for row in rows} == {1_000}


def test_mistakes_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = mistakes([0, 1], [0.9, 0.1], text="<b>\u202e\U0001f600 これは")
    write_mistakes(tmp_path, {"written_ja": rows, "written_id": []})
    assert read_mistakes(tmp_path) == {"written_ja": rows, "written_id": []}


def test_a_run_of_an_earlier_version_has_none(tmp_path: Path) -> None:
    assert read_mistakes(tmp_path) == {}


@pytest.mark.parametrize("content", ["{", "[]", '{"a": [1]}', '{"a": [{"id": 1}]}', '{"a": 1}', b"\xff"])
def test_a_damaged_file_is_named(tmp_path: Path, content: str | bytes) -> None:
    (tmp_path / MISTAKES_FILE).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=r"mistakes\.json is damaged"):
        read_mistakes(tmp_path)
