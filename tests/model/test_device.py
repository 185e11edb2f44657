"""The precision: what a device multiplies in, and a warning of what it does not."""

from __future__ import annotations

import logging

import pytest

from sentiment_transfer.model import device
from sentiment_transfer.model.device import choose_precision, warn_of_slow_bf16


@pytest.mark.parametrize(("fast", "auto"), [(True, "bf16-mixed"), (False, "32-true")])
def test_auto_is_what_the_cpu_multiplies_in(fast: bool, auto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "cpu_multiplies_in_bf16", lambda: fast)
    assert choose_precision("auto", "cpu") == auto
    assert choose_precision("auto", "mps") == "32-true"


def test_bf16_on_a_cpu_without_it_is_warned_about_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_slow_bf16.cache_clear()
    monkeypatch.setattr(device, "cpu_multiplies_in_bf16", lambda: False)
    with caplog.at_level(logging.WARNING):
        assert [choose_precision("bf16-mixed", "cpu") for _ in range(3)] == ["bf16-mixed"] * 3
        assert choose_precision("32-true", "cpu") == "32-true"
        assert choose_precision("bf16-mixed", "cuda") == "bf16-mixed"
    [record] = caplog.records
    assert "bf16-mixed" in record.message and "auto" in record.message
    warn_of_slow_bf16.cache_clear()


def test_bf16_on_a_cpu_with_it_is_not_warned_about(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(device, "cpu_multiplies_in_bf16", lambda: True)
    assert choose_precision("bf16-mixed", "cpu") == "bf16-mixed"
    assert not caplog.records
