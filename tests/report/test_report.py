"""Runs side by side: grouped by configuration minus seed, with everything that is left out named."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from results.example_result import example_result
from sentiment_transfer.report.aggregate import Column, group_runs
from sentiment_transfer.report.collect import collect
from sentiment_transfer.report.comparison import Section, compare_runs
from sentiment_transfer.report.terminal import draw, main
from sentiment_transfer.results.record import RunResult, write_result

ROOT = Path(__file__).parents[2]


def write_all(folder: Path, *results: RunResult) -> Path:
    for result in results:
        write_result(folder / result["run_id"], result)
    return folder


def sections(folder: Path, selection: str = "last") -> list[Section]:
    return compare_runs(collect([folder]), selection).sections


def test_seeds_of_one_configuration_become_a_mean_with_its_deviation(tmp_path: Path) -> None:
    errors = [0.30, 0.32, 0.37]
    write_all(tmp_path, *(example_result({"demo_ja": error}, seed=seed) for seed, error in enumerate(errors)))
    [section] = sections(tmp_path)
    spread = 100 * statistics.stdev(errors)
    assert section.rows[0] == ["nano", "demo_en", "3", f"33.00 ±{spread:.2f}"]
    assert section.rows[-1] == ["floor", "", "", "50.00"]


def test_one_seed_has_no_deviation(tmp_path: Path) -> None:
    [section] = sections(write_all(tmp_path, example_result({"demo_ja": 0.3})))
    assert section.rows[0][-1] == "30.00"


def test_another_setting_is_another_row_and_is_named(tmp_path: Path) -> None:
    faster: dict[str, Any] = {"optimizer": {"learning_rate": 1e-3}}
    write_all(tmp_path, example_result({"demo_ja": 0.3}), example_result({"demo_ja": 0.2}, run_id="b", config=faster))
    [section] = sections(tmp_path)
    assert sorted(row[0] for row in section.rows[:-1]) == ["nano\nlearning_rate=0.001", "nano\nlearning_rate=2e-05"]


def test_where_a_run_was_written_does_not_split_a_group() -> None:
    moved: dict[str, Any] = {"paths": {"output_dir": "elsewhere"}, "logger": {"wandb": True}}
    assert len(group_runs([example_result(seed=0), example_result(seed=1, config=moved)])) == 1


def indolem_run(seed: int, fold: int, error: float) -> RunResult:
    return example_result({"indolem_id": error}, model="scratch", source="indolem_id", seed=seed, fold=fold, labels=())


def test_folds_are_averaged_before_seeds() -> None:
    runs = [indolem_run(0, 0, 0.1), indolem_run(0, 1, 0.3), indolem_run(1, 0, 0.4)]
    [group] = group_runs(runs)
    means = group.means("last")
    assert means[Column("indolem_id", "f1_positive_mean_folds", 2)].mean == pytest.approx(0.8)
    # A seed with one fold only is no mean of folds and stays in a column of its own.
    assert means[Column("indolem_id", "f1_positive", 2)].mean == pytest.approx(0.6)


def test_five_folds_and_two_seeds_are_counted_as_such(tmp_path: Path) -> None:
    write_all(tmp_path, *(indolem_run(seed, fold, 0.2) for seed in range(2) for fold in range(5)))
    [section] = sections(tmp_path)
    assert section.rows[0] == ["scratch", "indolem_id", "2 (5 folds each)", "80.00 ±0.00"]
    assert section.headings == ["indolem_id\nF1 positive %, mean of folds"]


def test_degenerate_runs_are_counted_and_left_out_in_a_second_row(tmp_path: Path) -> None:
    write_all(
        tmp_path,
        example_result({"demo_ja": 0.3}, seed=0),
        example_result({"demo_ja": 0.3}, seed=1),
        example_result({"demo_ja": 0.3}, seed=2, status="degenerate"),
    )
    [section] = sections(tmp_path)
    assert section.rows[0][2:] == ["3 (1 degenerate)", "36.67 ±11.55"]
    assert section.rows[1] == ["", "", "2 (without degenerate)", "30.00 ±0.00"]


def test_group_of_degenerate_runs_alone_has_no_second_row(tmp_path: Path) -> None:
    [section] = sections(write_all(tmp_path, example_result({"demo_ja": 0.3}, status="degenerate")))
    assert [row[2] for row in section.rows] == ["1 (1 degenerate)", ""]


def test_label_of_every_run_stands_above_and_label_of_some_in_their_row(tmp_path: Path) -> None:
    write_all(
        tmp_path,
        example_result({"demo_ja": 0.3}, labels=("demo data",)),
        example_result({"demo_ja": 0.3}, model="base", labels=("demo data", "random weights")),
    )
    [section] = sections(tmp_path)
    assert section.labels == ["DEMO DATA"]
    assert sorted(row[0] for row in section.rows[:-1]) == ["base\nRANDOM WEIGHTS", "nano"]


def test_runs_on_different_sets_get_tables_of_their_own(tmp_path: Path) -> None:
    write_all(
        tmp_path,
        example_result({"demo_ja": 0.3}),
        example_result({"smsa_id": 0.3}, source="uci_en"),
        example_result({"smsa_id": 0.3, "indolem_id": 0.2}, source="amazon_en"),
    )
    assert sorted(len(section.headings) for section in sections(tmp_path)) == [1, 2]


def test_sizes_are_in_order_of_parameters(tmp_path: Path) -> None:
    large, nano = example_result({"demo_ja": 0.3}, model="a-large-one"), example_result({"demo_ja": 0.3})
    large["model"]["parameters"] *= 10
    [section] = sections(write_all(tmp_path, large, nano))
    assert [row[0] for row in section.rows[:-1]] == ["nano", "a-large-one"]


def test_same_run_found_twice_counts_once_and_the_newest_is_kept(tmp_path: Path) -> None:
    old, new = example_result({"demo_ja": 0.4}), example_result({"demo_ja": 0.3})
    new["created"] = "2026-02-01T00:00:00+00:00"
    write_result(tmp_path / "a", new)
    write_result(tmp_path / "b", old)
    comparison = compare_runs(collect([tmp_path, tmp_path / "a" / "result.json"]), "last")
    assert comparison.sections[0].rows[0][2:] == ["1", "30.00"]
    assert any("1 further record" in note for note in comparison.notes)


def test_unfinished_and_damaged_runs_are_named(tmp_path: Path) -> None:
    write_all(tmp_path, example_result())
    (tmp_path / "killed" / ".hydra").mkdir(parents=True)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "result.json").write_text("{")
    notes = "\n".join(compare_runs(collect([tmp_path]), "last").notes)
    assert str(tmp_path / "killed") in notes and "Unfinished" in notes
    assert str(tmp_path / "damaged" / "result.json") in notes


def test_target_that_no_run_could_score_is_named_once(tmp_path: Path) -> None:
    results = [example_result(seed=seed) for seed in range(2)]
    for result in results:
        result["unavailable"] = {"rakuten_ja": "no file"}
    write_all(tmp_path, *results)
    notes = compare_runs(collect([tmp_path]), "last").notes
    assert [note for note in notes if "rakuten_ja" in note] == ["rakuten_ja was not scored: no file"]


def test_floor_of_different_test_rows_is_not_one_number(tmp_path: Path) -> None:
    one, other = example_result({"demo_ja": 0.3}), example_result({"demo_ja": 0.3}, model="mini")
    other["scores"]["demo_ja"]["selections"]["last"]["floor"]["error"] = 0.4
    [section] = sections(write_all(tmp_path, one, other))
    assert section.rows[-1][-1] == "varies"


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(tmp_path: Path, width: int) -> None:
    sets = ["amazon_en", "amazon_ja", "rakuten_ja", "indolem_id", "smsa_id", "demo_en", "demo_ja", "demo_id"]
    write_all(tmp_path, *(example_result(dict.fromkeys(sets, 0.1 + seed / 30), seed=seed) for seed in range(3)))
    console = Console(width=width)
    with console.capture() as capture:
        draw(compare_runs(collect([tmp_path]), "last"), console)
    text = capture.get()
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    assert all(name in text for name in sets)
    assert text.count(" ±3.3") == len(sets)


def test_markdown_is_a_github_table_with_labels_and_notes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_all(tmp_path, example_result({"demo_ja": 0.3}))
    assert main([str(tmp_path), "--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["**DEMO DATA**", "**DEMO ENCODER**"]
    assert lines[3:6] == [
        "| model | source | seeds | demo_ja<br>error % |",
        "| --- | --- | --- | ---: |",
        "| nano | demo_en | 1 | 30.00 |",
    ]
    assert lines[-1].startswith("* Selection last")


def test_table_is_printed_for_another_selection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_all(tmp_path, example_result())
    assert main([str(tmp_path), "--selection", "source_dev"]) == 0
    assert "Selection source_dev" in capsys.readouterr().out


def test_selection_that_no_run_has_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_all(tmp_path, example_result())
    assert main([str(tmp_path), "--selection", "oracle"]) == 1
    assert 'error: No run was scored with the selection "oracle"' in capsys.readouterr().err


def test_nothing_to_show_is_a_sentence_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 1
    assert "make demo" in capsys.readouterr().err
    (tmp_path / "outputs" / "killed" / "checkpoints").mkdir(parents=True)
    assert main([]) == 1
    assert "outputs/killed" in capsys.readouterr().err
    assert main(["nowhere"]) == 1
    assert "There is no nowhere" in capsys.readouterr().err


def test_help_answers_without_importing_torch() -> None:
    command = [sys.executable, "-X", "importtime", str(ROOT / "report.py"), "--help"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "--selection" in answer.stdout
    imported = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
    assert "rich" in imported
    assert imported.isdisjoint({"torch", "transformers", "pytorch_lightning", "pyarrow"})
