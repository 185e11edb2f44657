"""A finished run's scores in a few words."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.example_result import example_result

from sentiment_transfer.results.brief import brief_scores
from sentiment_transfer.results.record import RunResult, write_result


def briefly(folder: Path, result: RunResult) -> list[str]:
    for name, entry in result["scores"].items():
        entry["role"] = "source" if name in result["source"]["names"] else "target"
    write_result(folder, result)
    return brief_scores(folder)


def test_each_target_has_its_headline_score(tmp_path: Path) -> None:
    result = example_result({"written_en": 0.1, "amazon_ja": 0.087, "indolem_id": 0.2}, caveats=())
    result["scores"]["indolem_id"]["metric"] = "f1_positive"
    assert briefly(tmp_path, result) == ["amazon_ja 8.7 error", "indolem_id 80.0 F1"]


def test_a_run_without_targets_has_the_score_on_its_source(tmp_path: Path) -> None:
    assert briefly(tmp_path, example_result({"amazon_en": 0.1}, source="amazon_en", caveats=())) == [
        "amazon_en 10.0 error"
    ]


def test_a_caveat_and_a_collapsed_run_are_marked(tmp_path: Path) -> None:
    result = example_result({"amazon_ja": 0.1}, caveats=("random weights",), status="degenerate")
    assert briefly(tmp_path, result) == ["amazon_ja 50.0!* error"]


def test_a_record_that_cannot_be_read_has_no_scores(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("{}")
    assert brief_scores(tmp_path) == []
