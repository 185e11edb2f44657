"""The table for a terminal: it fits, nothing is cut, and what a user named is shown as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.console import Console
from tests.helpers.written_runs import answers, write_run, write_seeds

from sentiment_transfer.report.analysis.answer import answer
from sentiment_transfer.report.analysis.collect import collect
from sentiment_transfer.report.rendering.terminal import as_markdown, draw, matrix

SETS = ("amazon_en", "amazon_ja", "rakuten_ja", "written_en", "written_ja", "written_id")


def drawn(folder: Path, width: int) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        draw(answer(collect([folder])), console)
    return capture.get()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(tmp_path: Path, width: int) -> None:
    write_seeds(tmp_path, {name: [0.1, 0.13, 0.16] for name in SETS})
    text = drawn(tmp_path, width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    assert all(name in text for name in SETS)
    assert len(re.findall(r"13\.00? \[", text)) == len(SETS)
    assert text.count("LANGUAGE MODEL TRAINED HERE") == 1


def test_matrix_has_intervals_the_floor_and_a_dash_for_what_was_not_scored(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": [0.2, 0.21, 0.205], "written_id": [0.2, 0.21, 0.205]})
    write_seeds(tmp_path, {"written_ja": [0.3]}, model="mini", parameters=2_000_000)
    of = matrix(answer(collect([tmp_path])))
    assert of.headings == ["written_ja\nerror %", "written_id\nerror %"]
    assert [row[0] for row in of.rows] == ["nano", "mini", "floor"]
    assert of.rows[0][3].startswith("20.50 [") and of.rows[0][3].endswith("]")
    assert of.rows[1][3].startswith("30.00 [") and of.rows[1][3].endswith("]~")
    assert of.rows[1][4] == "–"


def test_many_datasets_of_few_models_are_rows(tmp_path: Path) -> None:
    write_seeds(tmp_path, {f"set_{i}": [0.2, 0.21, 0.19] for i in range(8)})
    lines = drawn(tmp_path, 80).splitlines()
    assert all(len(line) <= 80 for line in lines)
    rows = [line for line in lines if re.match(r"set_\d macro-F1 +(79|80)\.\d \[\d\d\.\d, \d\d\.\d\] +3\d\.\d\d", line)]
    assert len(rows) == 8
    assert any("written_en, 3 seeds" in line for line in lines)


def test_certain_best_is_marked(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": [0.30, 0.31, 0.30, 0.29]})
    write_seeds(tmp_path, {"written_ja": [0.10, 0.11, 0.10, 0.09]}, model="mini", parameters=2_000_000)
    rows = matrix(answer(collect([tmp_path]))).rows
    assert "*" in rows[1][3] and "*" not in rows[0][3]
    assert "shown to be the best" in drawn(tmp_path, 100)


def test_floor_of_different_reviews_is_not_one_number(tmp_path: Path) -> None:
    write_run(tmp_path, {"written_ja": answers(0.2)})
    write_run(tmp_path, {"written_ja": answers(0.2, rows=9)}, model="mini")
    assert matrix(answer(collect([tmp_path]))).rows[-1][3] == "varies"


def test_unfinished_and_damaged_runs_are_named(tmp_path: Path) -> None:
    write_run(tmp_path, {"written_ja": answers(0.2)})
    (tmp_path / "killed" / ".hydra").mkdir(parents=True)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "result.json").write_text("{")
    text = drawn(tmp_path, 1000)
    assert str(tmp_path / "killed") in text and "Unfinished" in text
    assert str(tmp_path / "damaged" / "result.json") in text


def test_markdown_is_a_github_table_with_labels_and_sentences(tmp_path: Path) -> None:
    write_seeds(tmp_path, {"written_ja": [0.2, 0.3]})
    lines = as_markdown(answer(collect([tmp_path]))).splitlines()
    assert lines[0].startswith("**One model, so no comparison of sizes: nano trained on written_en has error 25.0 %")
    lines = [line for line in lines[1:] if line]
    assert lines[:2] == ["**TRAINED FROM SCRATCH**", "**LANGUAGE MODEL TRAINED HERE**"]
    assert lines[2] == "| model | source | seeds | written_ja<br>error % |"
    assert lines[3] == "| --- | --- | --- | ---: |"
    assert lines[4].startswith("| nano | written_en | 2 | 25.00 \\[")
    assert any("only nano was scored" in line for line in lines)


def test_markup_in_a_name_is_shown_as_it_is(tmp_path: Path) -> None:
    write_run(tmp_path, {"written_ja": answers(0.2)}, model="[red]<b>a|b*", encoder="mine", run_id="odd")
    assert "[red]<b>a|b*" in drawn(tmp_path, 1000)
    assert "\\[red\\]\\<b\\>a\\|b\\*" in as_markdown(answer(collect([tmp_path])))
