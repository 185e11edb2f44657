from __future__ import annotations

import pytest

from sentiment_transfer.report.rendering.wording import shortened, visible


@pytest.mark.parametrize("control", ["\u202e", "\u2066", "\u200f", "\x00", "\x1b", "\ud800", "\ufeff", "\uffff"])
def test_what_reorders_or_hides_text_is_written_out(control: str) -> None:
    assert visible(f"a{control}b") == f"a[U+{ord(control):04X}]b"


@pytest.mark.parametrize("text", ["これは良い", "عربي", "👩‍👩‍👧‍👦 ❤️", "می‌خواهم", "line\nbreak\ttab", "<b>&amp;"])
def test_text_of_every_script_and_emoji_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_what_is_cut_says_so() -> None:
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"
