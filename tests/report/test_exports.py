"""The report's files: what is in them can be taken into a paper, a spreadsheet or a README without harm."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from tests.helpers.example_report import example_contents

from sentiment_transfer.errors import UserError
from sentiment_transfer.escaping import csv_table, latex, markdown
from sentiment_transfer.report.rendering.contents import Contents, drawing
from sentiment_transfer.report.rendering.exports import LIST, PAGE, number_files, write_files
from sentiment_transfer.report.rendering.markdown import latex_table, summary
from sentiment_transfer.report.rendering.parts import Item, Row, Table

HOSTILE = "a_b & 50% $x$ #1 {y} ~ ^ \\ <script> |"


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    with drawing():
        return example_contents(tmp_path_factory.mktemp("runs"))


def test_a_report_is_a_page_a_summary_tables_and_every_figure_twice(contents: Contents, tmp_path: Path) -> None:
    with drawing():
        page = write_files(contents, tmp_path)
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert page == tmp_path / PAGE
    assert {"report.html", "summary.md", "scores.csv", "cells.csv", "comparisons.csv", "tables/matrix.tex"} <= names
    for plot in contents.plots:
        assert {f"figures/{plot.key}.{kind}" for kind in ("svg", "pdf", "csv")} <= names
        assert (tmp_path / "figures" / f"{plot.key}.pdf").read_bytes().startswith(b"%PDF")
    kinds = {plot.key.partition("-")[0] for plot in contents.plots}
    assert kinds == {"forest", "size", "gap", "learning", "seeds", "selection", "confusion", "calibration"}


def test_only_files_of_an_earlier_report_make_room(contents: Contents, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    for name in ("stale.svg", "mine.svg"):
        (tmp_path / "figures" / name).write_text("x")
    outside = tmp_path.parent / "outside.txt"
    outside.write_text("x")
    (tmp_path / LIST).write_text("figures/stale.svg\n../outside.txt\n")
    with drawing():
        write_files(contents, tmp_path)
    assert not (tmp_path / "figures" / "stale.svg").exists()
    assert (tmp_path / "figures" / "mine.svg").exists()
    assert outside.exists()


def test_a_folder_that_is_a_file_is_a_sentence(contents: Contents, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with drawing(), pytest.raises(UserError, match="a file is where a folder should be"):
        write_files(contents, tmp_path / "file")


def test_latex_has_no_character_of_its_own_left() -> None:
    written = latex(HOSTILE)
    assert written == (
        r"a\_b \& 50\% \$x\$ \#1 \{y\} \textasciitilde{} \textasciicircum{} \textbackslash{} \textless{}script"
        r"\textgreater{} \textbar{}"
    )


def test_a_latex_table_has_one_cell_per_column_and_intervals_below() -> None:
    row = Row([Item("nano"), Item("12.50", 12.5, "[11.00, 14.00]\npublished 3")])
    text = latex_table(Table("t", "caption", ["model", "x\nerror %"], [row]), "t", range(2))
    assert r"\begin{tabular}{lr}" in text
    assert r"    nano & 12.50 \\" in text
    assert r"     & {\footnotesize [11.00, 14.00]} \\[2pt]" in text
    assert "published" not in text
    assert text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")


def test_no_cell_of_text_is_a_formula_to_a_spreadsheet() -> None:
    rows = list(csv.reader(io.StringIO(csv_table(["a"], [["=1+1"], ["@x"], ["-3.5"], [-3.5], ["+1.20"]]))))
    assert rows[1:] == [["'=1+1"], ["'@x"], ["-3.5"], ["-3.5"], ["+1.20"]]


def test_markdown_shows_markup_as_text() -> None:
    assert markdown("<b>*x*</b> [a](b) | c") == r"\<b\>\*x\*\</b\> \[a\](b) \| c"


def test_the_csv_has_every_run_with_its_command_and_unrounded_fractions(contents: Contents) -> None:
    rows = list(csv.DictReader(io.StringIO(dict(number_files(contents))["scores.csv"])))
    assert len(rows) == 2 * 3 * 2 * 2  # models x seeds x sets x selections
    first = rows[0]
    result = contents.runs[first["run"]].result
    assert float(first["error"]) == result["scores"][first["dataset"]]["selections"]["last"]["error"]
    assert first["command"] == "python train.py model=nano seed=0"


def test_the_summary_holds_the_answer_the_matrix_and_the_commands(contents: Contents) -> None:
    text = summary(contents)
    assert "**TRAINED FROM SCRATCH**" in text
    assert "On written_ja, trained on written_en, error falls by 6.0 points from nano to mini" in text
    assert "python train.py model=nano seed=0" in text
