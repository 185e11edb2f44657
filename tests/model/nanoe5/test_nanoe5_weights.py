"""The converted weights: hidden states as recorded, a network to train, a vocabulary to trim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertModel, PreTrainedTokenizerBase

from sentiment_transfer.model.network import load_network, longest_input, meta_network
from sentiment_transfer.model.vocabulary import restore_vocabulary, trim_vocabulary

BINARY = ("negative", "positive")


@pytest.mark.real_data
@pytest.mark.slow
def test_hidden_states_are_those_that_were_recorded(
    converted: Path, expected: list[dict[str, Any]], real_data: Path
) -> None:
    network = BertModel.from_pretrained(converted, add_pooling_layer=False).eval()
    for entry in expected:
        with torch.inference_mode():
            hidden = network(torch.tensor([entry["input_ids"]])).last_hidden_state[0]
        for found, name in ((hidden[0], "first_token_first_8"), (hidden.mean(0), "mean_first_8")):
            torch.testing.assert_close(found[:8], torch.tensor(entry[name]), rtol=0, atol=2e-3)


def test_the_network_has_a_head_and_a_pooler_from_the_seed(converted: Path) -> None:
    one, same, other = (
        load_network(str(converted), classes=BINARY, vocabulary=250_002, seed=seed) for seed in (0, 0, 1)
    )
    assert longest_input(one) == 512
    assert one.config.model_type == "bert"
    for name, of in one.state_dict().items():
        fresh = name.startswith(("classifier.weight", "bert.pooler.dense.weight"))
        assert torch.equal(of, same.state_dict()[name])
        assert torch.equal(of, other.state_dict()[name]) == (not fresh), name
    sketch = meta_network(str(converted), classes=BINARY, vocabulary=250_002)
    assert {n: t.shape for n, t in sketch.state_dict().items()} == {n: t.shape for n, t in one.state_dict().items()}


def test_a_trimmed_vocabulary_computes_the_same_and_comes_back(
    converted: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    network = load_network(str(converted), classes=BINARY, vocabulary=len(tokenizer), seed=0).eval()
    batch = tokenizer(["good food ", "ꙮ <mask>"], padding=True, return_tensors="pt")
    full = network.get_input_embeddings().weight.detach().clone()
    with torch.inference_mode():
        before = network(**batch).logits
        trim_vocabulary(network, batch["input_ids"].unique())
        trimmed = network.get_input_embeddings()
        assert len(trimmed.weight) < 20
        assert int(trimmed.kept_token_ids[trimmed.padding_idx]) == tokenizer.pad_token_id
        assert torch.equal(network(**batch).logits, before)
    restore_vocabulary(network, full)
    assert torch.equal(network.get_input_embeddings().weight, full)
