"""What can be known of a GPU's path without one: a CPU computes it too, since torch's nested tensors exist on both.

Kernels, speed and memory of a GPU cannot be known. A run's self-check (training/self_check.py) compares values there.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tests.helpers.networks import classifier, packed, reviews
from torch.nn.functional import cross_entropy

from sentiment_transfer.model.packed import attention
from sentiment_transfer.model.packed.attention import Packing, grouped_sdpa, nested_sdpa
from sentiment_transfer.model.packed.network import PackedNetwork

BATCH = reviews([4, 9, 1, 17])
LABELS = torch.tensor([0, 1, 1, 0])


@pytest.fixture
def on_the_gpus_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackedNetwork:
    """A network whose packed batches take the attention of a GPU."""
    monkeypatch.setattr(attention, "grouped_sdpa", nested_sdpa)
    run = PackedNetwork(classifier(tmp_path / "config"), tmp_path)
    run.why_not_fused = "as on a GPU"
    return run


@pytest.mark.parametrize("width", [16, 64])
def test_the_gpus_attention_computes_what_the_cpus_does(width: int) -> None:
    torch.manual_seed(0)
    lengths = [1, 7, 30, 12]
    query, key, value = (torch.randn(3, sum(lengths), width, requires_grad=True) for _ in range(3))
    packing = Packing(torch.tensor([0, *lengths]).cumsum(0))
    outputs = [attend(query, key, value, packing, 0.0, None) for attend in (grouped_sdpa, nested_sdpa)]
    torch.testing.assert_close(*outputs)
    gradients = [torch.autograd.grad(out.square().sum(), (query, key, value), retain_graph=True) for out in outputs]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_training_step_has_the_gradients_of_the_padded_one(on_the_gpus_path: PackedNetwork) -> None:
    run, found = on_the_gpus_path, []
    run.network.eval()  # without dropout
    for compute in (run.output, run.padded_output):
        run.network.zero_grad()
        output = compute(**packed(BATCH))
        cross_entropy(output.logits, LABELS).backward()
        found.append([output.logits, *(p.grad for p in run.network.parameters() if p.grad is not None)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_lengths_cross_from_the_device_once_per_batch_and_nothing_else_does(
    on_the_gpus_path: PackedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every crossing the host waits for the GPU: once per layer would be a dozen times per step."""
    crossings: list[str] = []
    for name in ("cpu", "item", "tolist", "__bool__", "__int__", "__float__"):
        original = getattr(torch.Tensor, name)

        def crossing(tensor: torch.Tensor, *rest: Any, original: Any = original, name: str = name) -> Any:
            crossings.append(name)
            return original(tensor, *rest)

        monkeypatch.setattr(torch.Tensor, name, crossing)
    cross_entropy(on_the_gpus_path(**packed(BATCH)), LABELS).backward()
    assert crossings == ["cpu"]


def test_the_cpus_kernels_are_not_asked_for_a_batch_on_a_gpu(tmp_path: Path) -> None:
    run = PackedNetwork(classifier(tmp_path / "config"), tmp_path)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        places = {name: run._can_fuse(SimpleNamespace(device=torch.device(name))) for name in ("cpu", "cuda")}  # type: ignore[arg-type]
    assert places == {"cpu": True, "cuda": False}
