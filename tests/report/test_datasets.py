"""Datasets that share a name in different runs are columns of their own, and are not compared with each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.helpers.written_runs import N, answers, write_run

from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import Collection, collect
from sentiment_transfer.report.analysis.datasets import Origin, names
from sentiment_transfer.results.inputs import FileFacts
from sentiment_transfer.results.record import RunResult, write_result

WRITTEN: dict[str, Any] = {"written_en": {"kind": "written", "language": "en"}}


def facts(content: str) -> FileFacts:
    return {"size": 1, "modified": 1, "digest": content * 32}


def own(path: Any, **options: Any) -> dict[str, Any]:
    return {"kind": "csv", "path": path, "text": "text", "label": "label", "language": "ja"} | options


def run(
    folder: Path,
    targets: dict[str, Any],
    files: dict[str, str] | None = None,
    *,
    source: dict[str, Any] | None = None,
    error: float = 0.2,
    rows: int = 0,
    **of_run: Any,
) -> RunResult:
    """A run that read ``files`` {absolute path: one letter that stands for its contents}."""
    source = source or WRITTEN
    config = {"source": source, "targets": targets} | of_run.pop("config", {})
    sets = {name: answers(error, rows=rows) for name in (*source, *targets)}
    of_run.setdefault("run_id", f"run-{folder.name}")
    result = write_run(folder, sets, sources=tuple(source), config=config, **of_run)
    result["inputs"] = {
        "reviews": {f"{name} test": f"{rows} {name}" for name in sets},
        "files": {path: facts(content) for path, content in (files or {}).items()},
    }
    result["audit"] = {
        "splits": {name: {"test": {"rows": N}} for name in sets},
        "overlaps": [{"train": next(iter(source)), "scored": name, "split": "test"} for name in targets],
    }
    result["history"] = [{"epoch": 0, "dev": {name: {"error": 0.5} for name in source}}]
    write_result(folder / result["run_id"], result)
    return result


def columns(found: Collection) -> list[str]:
    return sorted({name for result in found.results for name in result["scores"]} - {"written_en"})


def test_two_files_called_csv_are_two_columns_with_their_own_scores(tmp_path: Path) -> None:
    run(tmp_path / "1", {"csv": own("ja.csv")}, {"/x/ja.csv": "a"}, error=0.1, model="small")
    run(tmp_path / "2", {"csv": own("de.csv")}, {"/x/de.csv": "b"}, error=0.4, rows=1, model="large")
    found = collect([tmp_path])
    assert columns(found) == ["csv (de.csv)", "csv (ja.csv)"]
    report = answer(found)
    errors = {(cell.model, cell.target): round(1 - cell.confusion[0][0] / N - cell.confusion[1][1] / N, 1)
              for cell in report.cells if cell.role == "target"}  # fmt: skip
    assert errors == {("small", "csv (ja.csv)"): 0.1, ("large", "csv (de.csv)"): 0.4}
    assert {comparison.target for comparison in report.comparisons} == {"written_en"}
    assert not report.faults, "the predictions are found under the recorded name"
    assert all(cell.has_predictions for cell in report.cells)


def test_one_file_is_one_column_wherever_it_lies(tmp_path: Path) -> None:
    run(tmp_path / "1", {"csv": own("ja.csv")}, {"/x/ja.csv": "a"}, model="small")
    run(tmp_path / "2", {"csv": own("/y/copy.csv")}, {"/y/copy.csv": "a"}, model="large")
    found = collect([tmp_path])
    assert columns(found) == ["csv"]
    assert {c.target for c in answer(found).comparisons} == {"csv", "written_en"}


def test_a_record_without_the_files_goes_by_its_path_or_its_reviews(tmp_path: Path) -> None:
    run(tmp_path / "1", {"csv": own("ja.csv")}, {"/x/ja.csv": "a"}, model="small")
    run(tmp_path / "2", {"csv": own("ja.csv")}, rows=3, model="by path")
    run(tmp_path / "3", {"csv": own("moved.csv")}, model="by reviews")
    run(tmp_path / "4", {"csv": own("other.csv")}, rows=4, model="another")
    found = collect([tmp_path])
    of_model = {result["model"]["name"]: [n for n in result["scores"] if n != "written_en"] for result in found.results}
    assert of_model.pop("another") == ["csv (other.csv)"]
    assert set(of_model) == {"small", "by path", "by reviews"}
    assert all(shown == ["csv (ja.csv)"] for shown in of_model.values())


def test_two_sources_called_csv_are_two_sources(tmp_path: Path) -> None:
    for place, (name, rows) in enumerate((("ja.csv", 0), ("de.csv", 1))):
        run(tmp_path / name, {"written_ja": {"kind": "written", "language": "ja"}}, {f"/x/{name}": "ab"[place]},
            source={"csv": own(name)}, rows=rows, error=0.1 + place / 5)  # fmt: skip
    found = collect([tmp_path])
    report = answer(found)
    assert [entry.source for entry in report.entries] == ["csv (de.csv)", "csv (ja.csv)"]
    assert [entry.name for entry in report.entries] == ["nano", "nano"]
    assert not report.comparisons, "other training data is not another model"
    first = found.results[0]
    shown = first["source"]["names"][0]
    assert set(first["audit"]["splits"]) == {shown, "written_ja"}
    assert first["audit"]["overlaps"][0]["train"] == shown and set(first["history"][0]["dev"]) == {shown}
    assert set(first["config"]["source"]) == {"csv"}


def test_evaluations_of_one_checkpoint_on_two_files_are_both_shown(tmp_path: Path) -> None:
    evaluated: dict[str, Any] = {"config": {"evaluated": {"checkpoint": "r"}}}
    for name, content, rows in (("ja.csv", "a", 0), ("de.csv", "b", 1)):
        run(tmp_path / name, {"csv": own(name)}, {f"/x/{name}": content}, rows=rows, run_id=f"e-{name}", **evaluated)
    report = answer(collect([tmp_path]))
    assert {cell.target for cell in report.cells if cell.role == "target"} == {"csv (de.csv)", "csv (ja.csv)"}


def test_a_file_is_not_the_dataset_whose_name_it_has(tmp_path: Path) -> None:
    run(tmp_path / "1", {"smsa_id": {"kind": "smsa", "classes": 2}}, model="small")
    run(tmp_path / "2", {"smsa_id": own("x.csv")}, {"/x/x.csv": "a"}, rows=1, model="large")
    assert columns(collect([tmp_path])) == ["smsa_id", "smsa_id (x.csv)"]


def test_another_column_of_labels_is_another_dataset(tmp_path: Path) -> None:
    run(tmp_path / "1", {"csv": own("x.csv")}, {"/x/x.csv": "a"}, model="small")
    run(tmp_path / "2", {"csv": own("x.csv", label="stars")}, {"/x/x.csv": "a"}, rows=1, model="large")
    assert columns(collect([tmp_path])) == ["csv (x.csv, label=label)", "csv (x.csv, label=stars)"]


def test_two_files_of_one_name_in_a_run_are_told_from_each_other(tmp_path: Path) -> None:
    files = {"/x/ja.csv": "a", "/x/shop/ja.csv": "b"}
    run(tmp_path / "1", {"one": own("ja.csv"), "two": own("shop/ja.csv")}, files, model="small")
    run(tmp_path / "2", {"one": own("shop/ja.csv")}, {"/x/shop/ja.csv": "b"}, rows=1, model="large")
    assert columns(collect([tmp_path])) == ["one (shop/ja.csv)", "one (x/ja.csv)", "two"]


def test_an_edited_file_is_told_by_its_contents(tmp_path: Path) -> None:
    run(tmp_path / "1", {"csv": own(["x.csv", "y.csv"])}, {"/x/x.csv": "a", "/x/y.csv": "c"}, model="small")
    run(tmp_path / "2", {"csv": own(["x.csv", "y.csv"])}, {"/x/x.csv": "b", "/x/y.csv": "c"}, rows=1, model="large")
    assert columns(collect([tmp_path])) == ["csv (x.csv and 1 more, aaaaaa)", "csv (x.csv and 1 more, bbbbbb)"]


def test_two_repositories_called_hub_are_told_apart() -> None:
    repositories = [Origin("hub", {}, (name,), ()) for name in ("ann/reviews", "bob/reviews")]
    assert names("hub", repositories) == ["hub (ann/reviews)", "hub (bob/reviews)"]
    assert not repositories[0].same_as(repositories[1])


@pytest.mark.parametrize("target", ["amazon_ja", "marc_ja"])
def test_a_file_is_not_beside_the_numbers_of_the_dataset_whose_name_it_has(tmp_path: Path, target: str) -> None:
    run(tmp_path / "1", {target: own("x.csv")}, {"/x/x.csv": "a"})
    assert [cell.published for cell in answer(collect([tmp_path])).cells if cell.role == "target"] == [()]
