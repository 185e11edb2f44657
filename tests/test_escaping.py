from __future__ import annotations

import pytest

from sentiment_transfer.escaping import (
    Verbatim,
    markdown,
    markdown_block,
    markdown_code,
    markdown_row,
    shortened,
    visible,
)


@pytest.mark.parametrize("control", ["\u202e", "\u2066", "\u200f", "\x00", "\x1b", "\ud800", "\ufeff", "\uffff"])
def test_what_reorders_or_hides_text_is_written_out(control: str) -> None:
    assert visible(f"a{control}b") == f"a[U+{ord(control):04X}]b"


@pytest.mark.parametrize("text", ["これは良い", "عربي", "👩‍👩‍👧‍👦 ❤️", "می‌خواهم", "line\nbreak\ttab", "<b>&amp;"])
def test_text_of_every_script_and_emoji_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_what_is_cut_says_so() -> None:
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("written_en", "written_en"),
        ("_x_ a__b", r"\_x\_ a\_\_b"),
        ("<b>*x*</b> [a](b) | c", r"\<b\>\*x\*\</b\> \[a\](b) \| c"),
        ("# two\nlines", r"\# two lines"),
        (Verbatim("*as it is*"), "*as it is*"),
    ],
)
def test_markdown_shows_markup_as_text(text: str, escaped: str) -> None:
    assert markdown(text) == escaped


def test_a_row_keeps_the_lines_of_its_cells() -> None:
    assert markdown_row(["a\nb|", "c"]) == r"| a<br>b\| | c |"


def test_code_cannot_be_ended_from_inside() -> None:
    assert markdown_code("a`b|c") == "`a'b/c`"
    assert markdown_block("```\nx", "yaml") == "````yaml\n```\nx\n````"
