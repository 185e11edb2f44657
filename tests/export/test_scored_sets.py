"""The reviews that a run was scored on, and no others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sentiment_transfer.config.schema import PathsConfig
from sentiment_transfer.errors import UserError
from sentiment_transfer.export import onnx
from sentiment_transfer.export.agreement import ScoredSet, scored_sets
from sentiment_transfer.results.predictions import Predictions, read_predictions, write_predictions
from sentiment_transfer.results.record import read_result

Export = Callable[..., None]


def found(run: Path, tmp_path: Path, limit: int | None = None) -> dict[str, ScoredSet | str]:
    result = read_result(run)
    paths = PathsConfig(data_dir=str(tmp_path), cache_dir=str(tmp_path / "cache"))
    return dict(zip(result["scores"], scored_sets(result, run, paths, limit), strict=True))


def test_the_rows_are_those_that_were_scored_in_their_order(tiny_run: Path, tmp_path: Path) -> None:
    for name, each in found(tiny_run, tmp_path).items():
        assert isinstance(each, ScoredSet)
        recorded = read_predictions(tiny_run, name)
        assert each.reviews.ids == recorded.ids and each.of == len(recorded.ids)
        assert (each.reviews.labels == recorded.gold).all()


def test_a_limit_draws_evenly_by_label(tiny_run: Path, tmp_path: Path) -> None:
    each = found(tiny_run, tmp_path, limit=10)["written_ja"]
    assert isinstance(each, ScoredSet)
    assert (len(each.reviews), each.of) == (10, 100)
    assert 3 <= each.reviews.labels.sum() <= 7


def test_data_that_changed_since_is_not_compared_on(
    tiny_run: Path, tmp_path: Path, export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    for name in ("written_en", "written_ja", "written_id"):
        of = read_predictions(run, name)
        renamed = [f"{row}-as-it-was" for row in of.ids]
        write_predictions(run, name, Predictions(renamed, of.gold, of.folds, of.classes, of.probabilities))
    assert "written_ja is unavailable here: its reviews here are not those" in str(found(run, tmp_path)["written_ja"])
    monkeypatch.setattr(onnx, "refuse_without_packages", lambda: None)
    with pytest.raises(UserError, match=r"none of which is available here. Name the folder .* paths.data_dir"):
        export(run, tmp_path / "model", "onnx=true")
    assert not (tmp_path / "model").exists()


def test_files_that_are_gone_are_named(tiny_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    record = json.loads((run / "result.json").read_text())
    record["config"]["targets"]["written_ja"] = {"kind": "csv", "path": "gone.csv", "language": "ja"}
    (run / "result.json").write_text(json.dumps(record))
    sets = found(run, tmp_path)
    assert "gone.csv" in str(sets["written_ja"])
    assert isinstance(sets["written_id"], ScoredSet)
