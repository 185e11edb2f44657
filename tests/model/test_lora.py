from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.helpers.networks import SIZES, distance, gradients, packed, padded, reviews, twin
from tests.helpers.runs import trained
from tests.helpers.tiny import FAMILIES, random, tiny_folder

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.lora import has_lora, kept_state
from sentiment_transfer.model.packed.network import PackedNetwork
from sentiment_transfer.results.predictions import read_predictions

pytest.importorskip("peft", reason="the extra is not installed: pip install 'sentiment-transfer[lora]'")


@pytest.mark.parametrize("model_type", FAMILIES)
def test_adapters_and_the_head_alone_are_trained(model_type: str, tmp_path: Path) -> None:
    network = random(tiny_folder(tmp_path, model_type), lora_rank=2)
    trained_names = {name for name, p in network.named_parameters() if p.requires_grad}
    assert any("lora_A" in name for name in trained_names)
    assert any("classifier" in name for name in trained_names)
    assert all("lora_" in name or not name.startswith(network.base_model_prefix) for name in trained_names)
    assert set(kept_state(network)) == trained_names


def test_new_adapters_change_no_logit(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path)
    texts = padded(reviews([4, 9]), 1)
    texts["input_ids"] %= 60
    plain, adapted = random(folder).eval(), random(folder, lora_rank=2).eval()
    assert not has_lora(plain) and has_lora(adapted)
    assert torch.equal(plain(**texts).logits, adapted(**texts).logits)


def test_packed_equals_padded_with_adapters_too(tmp_path: Path) -> None:
    reference = random(tiny_folder(tmp_path, **SIZES), lora_rank=2, dropout=0.0).eval()
    for name, parameter in reference.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    texts = reviews([4, 9, 20])
    run = PackedNetwork(twin(reference), tmp_path)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        run(**packed(texts))
    assert run.batching == "packed" and "adapters" in str(run.why_not_fused)
    expected, got = reference(**padded(texts, 1)).logits, run(**packed(texts))
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    assert distance(gradients(reference, expected), gradients(run.network, got)) < 1e-4


RUN = (
    "experiment=tiny",
    "source.written_en.limit=64",
    "targets=written_ja",
    "targets.written_ja.limit=20",
    "model.lora_rank=4",
)


def test_a_run_keeps_its_adapters_and_not_the_frozen_encoder(tmp_path: Path) -> None:
    result = trained(tmp_path, *RUN, "trainer.max_epochs=1")
    (path,) = tmp_path.glob("weights/*")
    state = load_file(path)
    assert all("lora_" in name or "classifier" in name or name.endswith(".kept_token_ids") for name in state)
    trainable = result["model"]["trainable_parameters"]
    assert trainable == sum(t.numel() for name, t in state.items() if not name.endswith(".kept_token_ids"))
    assert result["performance"]["batching"] == "packed"
    probabilities = read_predictions(tmp_path, "written_ja").probabilities["last"]
    assert np.isfinite(probabilities).all()


def test_without_peft_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(UserError, match=r"pip install 'sentiment-transfer\[lora\]'"):
        random(tiny_folder(tmp_path), lora_rank=2)
