"""What the head reads, in every architecture, and as config.json carries it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.helpers.tiny import FAMILIES, OTHERS, load, random, tiny_folder
from transformers import AutoModelForSequenceClassification, DistilBertConfig, DistilBertForSequenceClassification

from sentiment_transfer.checkpoints.opening import open_model
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.pooling import KEY, pooling_of
from sentiment_transfer.model.tokenizer import train_tokenizer

IDS = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 1, 1]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("model_type", [*FAMILIES, *OTHERS])
def test_every_token_counts_and_padding_does_not(model_type: str, pooling: str, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path, model_type, initializer_range=0.5)
    network = random(folder, pooling=pooling)
    with torch.no_grad():
        padded = network(input_ids=IDS, attention_mask=MASK).logits
        alone = network(input_ids=IDS[1:, :3]).logits
        first = random(folder, pooling="first")(input_ids=IDS, attention_mask=MASK).logits
    torch.testing.assert_close(padded[1:], alone, rtol=1e-4, atol=1e-4)
    assert (padded - first).abs().min() > 1e-4
    seen: list[torch.Tensor] = []
    stock = random(folder)
    base, head = stock.base_model, random(folder, pooling="first")
    states = base(input_ids=IDS[:1]).last_hidden_state[0].detach()
    pooled = states.mean(0) if pooling == "mean" else states.amax(0)
    head.base_model.register_forward_hook(lambda _, __, output: seen.append(output[0]) or one_state(head, pooled))
    torch.testing.assert_close(head(input_ids=IDS[:1]).logits, padded[:1], rtol=1e-4, atol=1e-4)
    assert seen


def one_state(network: torch.nn.Module, state: torch.Tensor) -> object:
    """The output of an encoder that has found ``state`` (hidden,) and no other."""
    from transformers.modeling_outputs import BaseModelOutput, BaseModelOutputWithPooling

    hidden = state[None, None]
    if getattr(network.base_model, "pooler", None) is not None:
        return BaseModelOutputWithPooling(hidden, network.base_model.pooler(hidden))
    return BaseModelOutput(hidden)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_without_the_option_nothing_changes(model_type: str, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path, model_type)
    network = random(folder)
    assert not network.base_model._forward_hooks and KEY not in network.config.to_dict()
    torch.manual_seed(0)
    config = network.config
    stock = AutoModelForSequenceClassification.from_config(config).eval()
    stock.load_state_dict(network.state_dict())
    ours, theirs = (each(input_ids=IDS, attention_mask=MASK).logits for each in (network, stock))
    assert torch.equal(ours, theirs)


def test_modernbert_takes_the_mean_by_itself_and_transformers_the_same(tmp_path: Path) -> None:
    network = random(tiny_folder(tmp_path / "config", "modernbert", initializer_range=0.5), pooling="mean")
    assert network.config.classifier_pooling == "mean" and KEY not in network.config.to_dict()
    network.save_pretrained(tmp_path / "saved")
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved").eval()
    ours, theirs = (each(input_ids=IDS, attention_mask=MASK).logits for each in (network, stock))
    assert torch.equal(ours, theirs)
    assert random(tmp_path / "config", pooling="first").config.classifier_pooling == "cls"


@pytest.mark.parametrize("model_type", ["xlm-roberta", "bert", "modernbert"])
def test_a_saved_folder_pools_as_its_config_says(model_type: str, tmp_path: Path) -> None:
    network = random(tiny_folder(tmp_path / "config", model_type, initializer_range=0.5), pooling="max")
    network.config.id2label = {0: "negative", 1: "positive"}
    network.save_pretrained(tmp_path / "saved")
    train_tokenizer(["a b c"]).save_pretrained(tmp_path / "saved")
    assert json.loads((tmp_path / "saved" / "config.json").read_text())[KEY] == "max"
    expected = network(input_ids=IDS, attention_mask=MASK).logits
    for again in (load(tmp_path / "saved"), open_model(str(tmp_path / "saved")).network):
        torch.testing.assert_close(again(input_ids=IDS, attention_mask=MASK).logits, expected)
        assert pooling_of(again.config) == "max"
    first = load(tmp_path / "saved", pooling="first")
    assert KEY not in first.config.to_dict()
    assert not torch.allclose(first(input_ids=IDS, attention_mask=MASK).logits, expected)


def test_a_config_that_says_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{KEY}=median, which this version does not know: it must be mean or max"):
        random(tiny_folder(tmp_path, **{KEY: "median"}))


def test_an_architecture_whose_head_reads_otherwise_is_refused_with_those_that_are_not(tmp_path: Path) -> None:
    config = DistilBertConfig(vocab_size=60, dim=16, n_layers=1, n_heads=2, hidden_dim=24)
    DistilBertForSequenceClassification(config).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"model\.pooling=mean is invalid: .* of the architecture distilbert.*bert"):
        load(tmp_path, pooling="mean")
