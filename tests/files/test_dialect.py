"""Delimiters and quotes are found where they can be told, and never against what the user typed."""

from __future__ import annotations

from typing import Any

import pytest

from sentiment_transfer.files import dialect
from sentiment_transfer.files.dialect import find_dialect, has_csv_quoting


def found(text: str, **options: Any) -> tuple[str, bool, int]:
    usual: dict[str, Any] = {"by_ending": ",", "delimiter": None, "quoted": None, "header": True}
    result = find_dialect(text.splitlines(keepends=True), "a.csv", **{**usual, "columns": ("text", "label"), **options})
    return result.delimiter, result.quoted, result.preamble


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("text,label\na,1\n", {}, (",", True, 0)),
        ("text;label\na,b;1\n", {}, (";", True, 0)),
        ('"text; really",text,label\na,b,1\n', {}, (",", True, 0)),
        ("text;label\na;1\n", {"delimiter": ","}, (",", True, 0)),
        ("sep=|\ntext|label\na|1\n", {}, ("|", True, 1)),
        ("sep=;\ntext,label\na,1\n", {"delimiter": ","}, (",", True, 1)),
        ("one;two\na;1\n", {}, (";", True, 0)),  # so that the error lists the columns
        ("text\na; b\nc; d\n", {"columns": ("text",)}, (",", True, 0)),
        ("a; b\nc; d\n", {"columns": (0,), "header": False}, (",", True, 0)),
        ("a;1\nc;0\n", {"columns": (0, 1), "header": False}, (";", True, 0)),
        ("text\tlabel\na\t1\n", {"by_ending": "\t"}, ("\t", False, 0)),
        ('text\tlabel\n"a"\t1\n', {"by_ending": "\t"}, ("\t", True, 0)),
        ('text\tlabel\n"a"\t1\n', {"by_ending": "\t", "quoted": False}, ("\t", False, 0)),
        ('text\tlabel\n"a" b\t1\n', {"by_ending": "\t"}, ("\t", False, 0)),
        ('text\tlabel\na 5" disk\t1\n"b"\t0\n', {"by_ending": "\t"}, ("\t", False, 0)),
        ("text,label\na,1\n", {"by_ending": "\t"}, (",", True, 0)),
    ],
)
def test_the_dialect_is_that_under_which_the_file_has_the_columns(
    text: str, options: dict[str, Any], expected: tuple[str, bool, int]
) -> None:
    assert found(text, **options) == expected


def test_a_quoted_row_may_go_on_after_the_lines_that_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "QUOTING_SAMPLE", 3)
    lines = ["text\tlabel\n", '"a\tb"\t1\n', '"a line\n']
    assert has_csv_quoting(lines, "a.tsv", "\t")
    monkeypatch.setattr(dialect, "LONG", 5)
    assert not has_csv_quoting(lines, "a.tsv", "\t")
    assert not has_csv_quoting([*lines[:2], '"open'], "a.tsv", "\t")
