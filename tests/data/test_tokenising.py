"""Rules of a tokenizer that take forever end in a sentence."""

from __future__ import annotations

import threading
import time

import pytest
from tests.helpers.learnt import learnt_tokenizer
from tokenizers import Regex, pre_tokenizers

from sentiment_transfer.data import tokenising
from sentiment_transfer.data.tokenising import in_bounded_time
from sentiment_transfer.errors import UserError


def test_what_takes_too_long_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenising, "SECONDS", 0.1)
    ended = threading.Event()
    with pytest.raises(UserError, match=r"has not tokenised 1 texts in 0 seconds.* takes forever"):
        in_bounded_time(lambda: ended.wait(30), ["text"])
    ended.set()


def test_long_texts_have_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenising, "SECONDS", 0.01)
    assert in_bounded_time(lambda: time.sleep(0.1) or 7, ["text" * 100_000]) == 7


def test_an_error_is_passed_on() -> None:
    with pytest.raises(KeyError):
        in_bounded_time(lambda: {}["a"], ["text"])


def test_a_regular_expression_that_gives_up_is_a_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    tokenizer = learnt_tokenizer()
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("(a+)+$"), "isolated")
    with pytest.raises(UserError, match=r"failed on a text \(.*retry-limit"):
        in_bounded_time(lambda: tokenizer(["a" * 4_000 + "b"]), ["a"])
