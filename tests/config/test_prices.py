"""The user's list of prices."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentiment_transfer.config.prices import ModelPrice, Prices, read_prices
from sentiment_transfer.errors import UserError


def listed(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Prices:
    (folder / "conf").mkdir(exist_ok=True)
    (folder / "conf" / "prices.yaml").write_text(text)
    monkeypatch.chdir(folder)
    return read_prices()


def test_the_list_that_comes_with_the_program_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_prices() == Prices()


def test_models_and_machines_have_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "models:\n  a/b: {input: 0.25, output: 1}\nmachines:\n  H100: 3.0\n  H100 NVL: 2.5\n"
    prices = listed(tmp_path, text, monkeypatch)
    assert prices.models == {"a/b": ModelPrice(0.25, 1.0)}
    found = [prices.per_hour(name) for name in ("NVIDIA h100", "NVIDIA H100 NVL 94GB", "AMD EPYC")]
    assert found == [3.0, 2.5, None]
    assert listed(tmp_path, "", monkeypatch) == Prices()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: {m: 3}", "the price of m must be like"),
        ("models: {m: {input: 1}}", "the price of m must be like"),
        ("models: {m: {input: -1, output: 1}}", "the price of m is -1, which is not an amount"),
        ("machines: {H100: cheap}", "the price of H100 is cheap"),
        ("machines: {H100: .nan}", "is not an amount"),
        ("machines: [", "cannot be read"),
        ("prices: {}", "must have the keys models and machines"),
        ("- 1", "must have the keys models and machines"),
        ("models: [1]", "models must be a mapping"),
    ],
)
def test_a_list_that_is_wrong_is_a_sentence(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError) as caught:
        listed(tmp_path, text, monkeypatch)
    assert said in str(caught.value)
