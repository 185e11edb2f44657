"""Each fast path with a fault in it: the run sees it, goes on without that path, and says so."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.helpers.pretrained import pretrained, reviews, trainer
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.network import load_network
from sentiment_transfer.model.packed import attention, fused
from sentiment_transfer.model.packed.attention import Packing
from sentiment_transfer.model.packed.fused import FusedEncoder
from sentiment_transfer.model.packed.network import PACKED, PackedNetwork
from sentiment_transfer.training.self_check import SelfCheck, without_dropout
from sentiment_transfer.training.trainer import MEANT

pytestmark = [pytest.mark.filterwarnings(f"ignore:{message}") for message in MEANT]
BF16, FP32 = "bf16-mixed", "32-true"


def run(folder: Path, precision: str, model_type: str = "xlm-roberta") -> tuple[SentimentClassifier, SelfCheck]:
    """A run of 20 steps on a pretrained encoder."""
    network = load_network(str(pretrained(folder / "encoder", model_type)), classes=BINARY, vocabulary=0, seed=0)
    module = SentimentClassifier(network, learning_rate=5e-3, warmup_ratio=0.0, cache_dir=folder)
    check = SelfCheck()
    trainer(folder, precision=precision, callbacks=[check]).fit(module, datamodule=reviews(folder))
    return module, check


@pytest.mark.parametrize("precision", [FP32, BF16])
@pytest.mark.parametrize("model_type", PACKED)
def test_a_sound_path_is_kept(model_type: str, precision: str, tmp_path: Path) -> None:
    module, check = run(tmp_path, precision, model_type)
    fused = precision == BF16 and model_type != "xlm-roberta-xl"
    assert check.findings == []
    assert module.batching[0] == ("packed, fused kernels" if fused else "packed")
    assert 0 < check.seconds < 30


def test_the_check_changes_no_number(tmp_path: Path) -> None:
    module, _ = run(tmp_path, FP32)
    network = load_network(str(tmp_path / "encoder"), classes=BINARY, vocabulary=0, seed=0)
    unchecked = SentimentClassifier(network, learning_rate=5e-3, warmup_ratio=0.0, cache_dir=tmp_path)
    trainer(tmp_path).fit(unchecked, datamodule=reviews(tmp_path))
    for name, tensor in unchecked.network.state_dict().items():
        assert torch.equal(tensor, module.network.state_dict()[name]), name


def neighbours(query: Tensor, key: Tensor, value: Tensor, packing: Any, dropout: float, scale: float | None) -> Tensor:
    """Packed texts that see each other."""
    return scaled_dot_product_attention(query[None], key[None], value[None], scale=scale)[0].transpose(0, 1)


def from_zero(packed: PackedNetwork, input_ids: Tensor, packing: Packing) -> Tensor:
    return packing.positions


@pytest.mark.parametrize("precision", [FP32, BF16])
@pytest.mark.parametrize("fault", ["neighbours", "jagged neighbours", "positions", "no numbers"])
def test_a_fault_in_the_packed_path_is_seen_and_the_run_goes_on_padded(
    fault: str, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        "sentiment_transfer.model.packed.network.why_not_fused", lambda network: "left out by this test"
    )
    if fault == "positions":
        monkeypatch.setattr(PackedNetwork, "_positions", from_zero)
    elif fault == "no numbers":
        monkeypatch.setattr(attention, "grouped_sdpa", lambda *a: neighbours(*a) * float("nan"))
    elif fault == "neighbours":
        monkeypatch.setattr(attention, "grouped_sdpa", neighbours)
    else:  # what a GPU would call, which the CPU is made to call here
        monkeypatch.setattr(attention, "grouped_sdpa", lambda *a: attention.nested_sdpa(*a))
        monkeypatch.setattr(attention, "nested_sdpa", neighbours)
    with caplog.at_level(logging.WARNING):
        module, check = run(tmp_path, precision)
    (finding,) = check.findings
    assert "at step 0 the packed path differed from padded" in finding
    assert "Self-check" in caplog.text and "goes on padded" in caplog.text
    assert module.batching == ("padded", f"self-check: {finding}")


def test_jagged_attention_passes_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "grouped_sdpa", attention.nested_sdpa)
    assert run(tmp_path, FP32)[1].findings == []


@pytest.mark.parametrize("fault", ["gelu", "positions", "norm"])
def test_a_fault_in_the_kernels_is_seen_and_the_run_goes_on_without_them(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "gelu":
        monkeypatch.setattr(fused.Kernels, "gelu", lambda self, x, bias: torch.relu(x))
    elif fault == "positions":
        embed = FusedEncoder._embed

        def shifted(self: FusedEncoder, embeddings: Any, ids: Tensor, positions: Tensor, *rest: Any) -> Tensor:
            return embed(self, embeddings, ids, (positions + 1).clamp(max=60), *rest)

        monkeypatch.setattr(FusedEncoder, "_embed", shifted)
    else:
        add_norm = fused.Kernels.add_norm
        monkeypatch.setattr(fused.Kernels, "add_norm", lambda self, x, y, *rest: add_norm(self, x, y * 0.5, *rest))
    module, check = run(tmp_path, BF16)
    (finding,) = check.findings
    assert "at step 0 the packed, fused kernels path differed from padded" in finding
    assert module.batching == ("packed", f"self-check: {finding}")


def test_copies_of_weights_that_are_not_made_anew_are_seen_after_some_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies, kept = FusedEncoder.bf16_weights, {}
    monkeypatch.setattr(FusedEncoder, "bf16_weights", lambda self: kept.setdefault(id(self), copies(self)))
    module, check = run(tmp_path, BF16)
    (finding,) = check.findings
    assert "at step 3" in finding
    assert module.batching[0] == "packed"


def test_dropout_is_back_after_the_check(tmp_path: Path) -> None:
    network = load_network(str(pretrained(tmp_path)), classes=BINARY, vocabulary=0, seed=0)
    before = [(part.training, getattr(part, "p", None)) for part in network.modules()]
    with without_dropout(network):
        network.train()
        assert network.config.hidden_dropout_prob == 0.0
    assert [(part.training, getattr(part, "p", None)) for part in network.modules()] == before
    assert network.config.hidden_dropout_prob == 0.1
