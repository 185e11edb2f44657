"""What is found under some folders: runs once each, and what is no finished run, with the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.example_result import example_result
from tests.helpers.written_runs import write_seeds

from sentiment_transfer.errors import UserError
from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.report.prose.cautions import notes
from sentiment_transfer.report.prose.sentences import sentences
from sentiment_transfer.results.record import write_result


def test_same_run_found_twice_counts_once_and_the_newest_is_kept(tmp_path: Path) -> None:
    old, new = example_result({"written_ja": 0.4}), example_result({"written_ja": 0.3})
    new["created"] = "2026-02-01T00:00:00+00:00"
    write_result(tmp_path / "a", new)
    write_result(tmp_path / "b", old)
    found = collect([tmp_path, tmp_path / "a" / "result.json"])
    assert found.results == [new]
    assert found.folders == {new["run_id"]: tmp_path / "a"}
    assert found.copies == 1


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere does not exist"):
        collect([tmp_path / "nowhere"])


def test_unfinished_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "killed" / ".hydra").mkdir(parents=True)
    assert collect([tmp_path]).unfinished == [tmp_path / "killed"]


def edit(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The record of a run after somebody changed something in it."""
    record = json.loads(json.dumps(example_result({"written_ja": 0.3})))
    change(record)
    return json.dumps(record).encode()


def scores(record: dict[str, Any]) -> dict[str, Any]:
    of: dict[str, Any] = record["scores"]["written_ja"]["selections"]["last"]
    return of


BAD = {
    "half-written": (edit(lambda r: None)[:200], "damaged or incomplete"),
    "empty": (b"", "damaged or incomplete"),
    "binary": (b"\xff\xfe\x00", "not UTF-8"),
    "somebody else's JSON": (b'{"eval_accuracy": 0.91}', "has no schema_version"),
    "a list": (b"[1, 2]", "not the record of a run"),
    "of an older version": (edit(lambda r: r.update(schema_version=0)), "older version"),
    "of a newer version": (edit(lambda r: r.update(schema_version=99)), "newer version"),
    "without its scores": (edit(lambda r: r.pop("scores")), "lacks scores"),
    "edited: better error": (edit(lambda r: scores(r).update(error=0.01)), "its confusion matrix gives 0.300000"),
    "edited: fewer counts": (edit(lambda r: scores(r).update(confusion=[[1, 2], [3, 4]])), "counts of n = 1000"),
    "edited: crooked matrix": (edit(lambda r: scores(r).update(confusion=[[1, 2], [3]])), "counts of n = 1000"),
    "edited: text for a number": (edit(lambda r: r["model"].update(parameters="many")), r"model\.parameters"),
    "edited: null seed": (edit(lambda r: r.update(seed=None)), "seed"),
    "edited: unknown status": (edit(lambda r: r.update(status="great")), "status"),
    "edited: unknown metric": (edit(lambda r: r["scores"]["written_ja"].update(metric="bleu")), "bleu"),
    "edited: NaN": (edit(lambda r: r["history"].append({"loss": float("nan")})), "not a finite number"),
    "edited: no last selection": (
        edit(lambda r: r["scores"]["written_ja"]["selections"].pop("last")),
        "no selection last",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_record_that_no_run_wrote_is_left_out_with_the_reason_and_the_rest_is_reported(
    tmp_path: Path, kind: str
) -> None:
    content, reason = BAD[kind]
    write_seeds(tmp_path, {"written_ja": [0.2, 0.3]})
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "result.json").write_bytes(content)
    found = collect([tmp_path])
    assert len(found.results) == 2
    [sentence] = found.unreadable
    assert str(tmp_path / "bad" / "result.json") in sentence
    assert re.search(reason, sentence), sentence
    said = answer(found)
    assert said.unusable == (sentence,)
    assert any("1 result left out" in s.text for s in sentences(said))


def test_addition_of_a_later_version_is_let_through(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "result.json").write_bytes(edit(lambda r: r.update(energy={"joules": 12.5})))
    assert len(collect([tmp_path]).results) == 1


def test_damaged_predictions_are_named_and_the_result_is_used(tmp_path: Path) -> None:
    [run] = write_seeds(tmp_path, {"written_ja": [0.2]})
    (tmp_path / run["run_id"] / "predictions" / "written_ja.parquet").write_bytes(b"PAR1")
    said = answer(collect([tmp_path]))
    assert any("written_ja.parquet is damaged" in note for note in notes(said))
    assert said.cells[0].mean.value == pytest.approx(0.2)
