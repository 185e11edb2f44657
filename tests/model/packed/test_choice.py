"""The kernels are used where they are faster, which is measured once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.helpers.networks import classifier, packed, reviews

from sentiment_transfer.model.packed import choice
from sentiment_transfer.model.packed.kernels import Kernels
from sentiment_transfer.model.packed.network import PackedNetwork


@pytest.fixture(autouse=True)
def small_networks_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "SMALL", 0)


def network(tmp_path: Path) -> PackedNetwork:
    return PackedNetwork(classifier(tmp_path / "config"), tmp_path / "cache")


def computed(run: PackedNetwork) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits: torch.Tensor = run(**packed(reviews([4, 6])))
    return logits


def test_slower_kernels_are_not_used_and_the_reason_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "measured", lambda base, kernels: 0.5)
    run = network(tmp_path)
    computed(run)
    assert (run.batching, run.why_not_fused) == ("packed", "on this CPU they take 2.0 times as long as plain torch")


def test_a_measurement_is_made_once_for_a_cpu_and_a_layers_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[float] = []
    measured = choice.measured
    monkeypatch.setattr(choice, "measured", lambda *given: made.append(measured(*given)) or 1.5)
    for _ in range(2):
        run = network(tmp_path)
        computed(run)
        assert run.batching == "packed, fused kernels"
    assert len(made) == 1 and 0.01 < made[0] < 100
    torch.set_num_threads(torch.get_num_threads() + 1)
    try:
        computed(network(tmp_path))
    finally:
        torch.set_num_threads(torch.get_num_threads() - 1)
    assert len(made) == 2


@pytest.mark.parametrize(
    "content", ['{"a": 0}', '{"a": -1}', '{"a": Infinity}', '{"a": 1' + "0" * 400 + "}", "[" * 100_000]
)
def test_a_ratio_that_is_none_is_not_used(content: str, tmp_path: Path) -> None:
    (tmp_path / choice.FILE).write_text(content)
    assert choice.remembered(tmp_path) == {}


@pytest.mark.parametrize("content", ["", "[1]", '{"a": null}', "\x00"])
def test_a_damaged_file_of_measurements_is_written_again(content: str, tmp_path: Path) -> None:
    computed(network(tmp_path))
    [file] = (tmp_path / "cache").rglob(choice.FILE)
    file.write_text(content)
    computed(network(tmp_path))
    assert len(json.loads(file.read_text())) == 1


def test_a_small_encoder_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "SMALL", 256)
    monkeypatch.setattr(choice, "measured", lambda base, kernels: pytest.fail("it was measured"))
    run = network(tmp_path)
    computed(run)
    assert run.batching == "packed, fused kernels"


def test_measuring_changes_neither_weights_nor_gradients_nor_random_numbers(tmp_path: Path, kernels: Kernels) -> None:
    run = network(tmp_path)
    run.network.eval()
    before = {name: tensor.clone() for name, tensor in run.network.state_dict().items()}
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with torch.inference_mode():  # as in prediction
        choice.measured(run.base, kernels)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.network.state_dict().items())
    assert all(parameter.grad is None for parameter in run.network.parameters())
    assert not any(module.training for module in run.network.modules())
