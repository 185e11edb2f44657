"""Mean and maximum over a review's tokens: packed, with kernels and padded, the logits and gradients are the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.helpers.networks import LONGEST, SIZES, distance, gradients, packed, padded, reviews, twin
from tests.helpers.tiny import random, tiny_folder
from torch import Tensor
from transformers import PreTrainedModel

from sentiment_transfer.model.packed.fused import EncoderBlock
from sentiment_transfer.model.packed.network import PACKED, PackedNetwork
from sentiment_transfer.training.self_check import compare

LENGTHS = [3, 40, 1, 2, LONGEST, 26, 61, 5, 5]  # one token and as many as are allowed
KINDS = ("mean", "max")


def classifier(folder: Path, model_type: str, pooling: str, **options: Any) -> PreTrainedModel:
    network = random(tiny_folder(folder, model_type, **SIZES), dropout=0.0, pooling=pooling, **options)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.linspace(-0.3, 0.3, len(parameter)))
    return network.train()


def by_hand(network: PreTrainedModel, text: Tensor, pooling: str) -> Tensor:
    """(hidden,) of one review, from the layers' own output."""
    states = network.base_model(input_ids=text[None], output_hidden_states=True).hidden_states[-1][0]
    return states.mean(0) if pooling == "mean" else states.max(0).values


def plain(network: PreTrainedModel, texts: list[Tensor]) -> Tensor:
    return network(**padded(texts, network.config.pad_token_id)).logits


@pytest.fixture(params=[1, 2, 4])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("pooling", KINDS)
@pytest.mark.parametrize("model_type", PACKED)
def test_packed_equals_padded_and_both_pool_every_token(
    model_type: str, pooling: str, folder: Path, cache: Path
) -> None:
    texts = reviews(LENGTHS)
    reference = classifier(folder, model_type, pooling)
    run = PackedNetwork(twin(reference), cache)
    expected, got = plain(reference, texts), run(**packed(texts))
    assert run.batching == "packed"
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5 * float(expected.detach().abs().max()))
    assert distance(gradients(reference, expected), gradients(run.network, got)) < 1e-5
    with torch.no_grad():
        hidden = run.pooled_hidden(**packed(texts))
        theirs = torch.stack([by_hand(reference, text, pooling) for text in texts])
        torch.testing.assert_close(hidden, theirs, rtol=1e-4, atol=1e-4)
        alone = torch.cat([run(**packed([text])) for text in texts])
        torch.testing.assert_close(alone, got.detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pooling", KINDS)
@pytest.mark.parametrize("model_type", ["xlm-roberta", "bert"])
def test_kernels_equal_autocast_within_the_rounding_of_bf16(
    model_type: str, pooling: str, threads: int, folder: Path, cache: Path
) -> None:
    texts = reviews(LENGTHS)
    reference = classifier(folder, model_type, pooling)
    run = PackedNetwork(twin(reference), cache)
    exact = plain(reference, texts)
    truth = gradients(reference, exact)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded, got = plain(reference, texts), run(**packed(texts))
    usual = gradients(reference, rounded)
    assert run.batching == "packed, fused kernels"
    scale = float(exact.detach().abs().max())
    assert float((got - exact).detach().abs().max()) < 3 * float((rounded - exact).detach().abs().max()) + 0.02 * scale
    ours = gradients(run.network, got)
    assert truth.keys() == ours.keys()
    assert distance(truth, ours) < 3 * distance(truth, usual) + 0.02


@pytest.mark.parametrize("pooling", [None, "first", *KINDS])
def test_the_last_layer_computes_the_first_token_alone_where_no_other_is_read(
    pooling: str | None, folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    forward = EncoderBlock.forward

    def seen(ctx: Any, x: Tensor, *arguments: Any) -> Tensor:
        out = forward(ctx, x, *arguments)
        rows.append(len(out))
        return out

    monkeypatch.setattr(EncoderBlock, "forward", staticmethod(seen))
    run = PackedNetwork(random(tiny_folder(folder, **SIZES), pooling=pooling), cache)
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        run(**packed(reviews([9, 20])))
    assert rows == [64, 2 if pooling in (None, "first") else 64]


@pytest.mark.parametrize("pooling", KINDS)
def test_a_run_checks_itself_with_what_the_head_reads(pooling: str, folder: Path, cache: Path) -> None:
    run = PackedNetwork(classifier(folder, "bert", pooling), cache)
    batch = packed(reviews([30, 9, 4]))
    labels = torch.tensor([0, 1, 0])
    assert compare(run, **rename(batch), labels=labels, low_precision=False).within
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert compare(run, **rename(batch), labels=labels, low_precision=True).within
    before = run(**batch)
    run.use_padded("as a run does that finds a difference")
    torch.testing.assert_close(run(**batch), before, rtol=1e-4, atol=1e-4)


def rename(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {"ids": batch["input_ids"], "cu_seqlens": batch["cu_seqlens"]}


@pytest.mark.parametrize("pooling", KINDS)
def test_adapters_pool_packed_as_padded(pooling: str, folder: Path, cache: Path) -> None:
    pytest.importorskip("peft", reason="the extra is not installed: pip install 'sentiment-transfer[lora]'")
    reference = classifier(folder, "xlm-roberta", pooling, lora_rank=2).eval()
    run = PackedNetwork(twin(reference), cache)
    texts = reviews(LENGTHS)
    expected, got = plain(reference, texts), run(**packed(texts))
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    assert distance(gradients(reference, expected), gradients(run.network, got)) < 1e-4
