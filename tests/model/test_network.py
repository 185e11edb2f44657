from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.helpers.pretrained import pretrained
from tests.helpers.tiny import FAMILIES, OTHERS, VOCABULARY, load, random, tiny_folder
from torch import Tensor
from transformers import PreTrainedModel, XLMRobertaModel

from sentiment_transfer.data.reviews import BINARY, THREE_CLASS
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.network import load_network, longest_input, meta_network


def batch(length: int, reviews: int = 3) -> dict[str, Tensor]:
    ids = torch.randint(5, VOCABULARY, (reviews, length), generator=torch.Generator().manual_seed(0))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": torch.arange(reviews) % 2}


def logits(network: PreTrainedModel) -> Tensor:
    inputs = batch(12)
    with torch.no_grad():
        return network.eval()(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits


def same_weights(one: PreTrainedModel, other: PreTrainedModel) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(first[name].equal(second[name]) for name in first)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_every_architecture_of_the_options_trains_a_step_at_its_longest_input(model_type: str, tmp_path: Path) -> None:
    network = random(tiny_folder(tmp_path, model_type)).train()
    longest = longest_input(network)
    assert longest == FAMILIES[model_type][1]
    module = SentimentClassifier(network, learning_rate=1e-2)
    optimizer = torch.optim.AdamW(module._parameter_groups(), lr=1e-2)
    losses = []
    for _ in range(2):
        loss = module.step(batch(longest), module.train_metrics)
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.classifier.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert all(map(torch.isfinite, torch.tensor(losses))) and losses[0] != losses[1]


@pytest.mark.parametrize("model_type", ["xlm-roberta", "xlm-roberta-xl", "bert", *OTHERS])
def test_one_token_more_than_the_longest_input_has_no_position(model_type: str, tmp_path: Path) -> None:
    network = random(tiny_folder(tmp_path, model_type)).eval()
    longest = (FAMILIES | OTHERS)[model_type][1]
    assert longest_input(network) == longest
    network(input_ids=batch(longest)["input_ids"])
    with pytest.raises((IndexError, RuntimeError)):
        network(input_ids=batch(longest + 1)["input_ids"])


def test_an_encoder_without_a_limit_has_none(tmp_path: Path) -> None:
    sizes = {"d_model": 16, "n_layer": 1, "n_head": 2, "d_inner": 24, "vocab_size": VOCABULARY, "model_type": "xlnet"}
    (tmp_path / "config.json").write_text(json.dumps(sizes))
    assert longest_input(random(tmp_path)) is None


@pytest.mark.real_data
@pytest.mark.parametrize("size", ["base", "large", "xl", "xxl"])
def test_the_real_configurations_made_small_are_xlm_r(size: str, real_models: Path, tmp_path: Path) -> None:
    config = json.loads((real_models / f"xlm-roberta-{size}" / "config.json").read_text())
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}
    (tmp_path / "config.json").write_text(json.dumps(config | small))
    network = random(tmp_path, vocabulary=250_002)
    assert network.config.model_type == ("xlm-roberta" if size in ("base", "large") else "xlm-roberta-xl")
    assert longest_input(network) == 512
    assert network.get_input_embeddings().weight.shape[0] >= 250_002
    assert network.config.id2label == {0: "negative", 1: "positive"}
    assert logits(network).isfinite().all()


def test_one_seed_is_one_head_and_another_seed_another(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path)
    assert same_weights(random(folder, seed=1), random(folder, seed=1))
    assert not random(folder, seed=1).classifier.dense.weight.equal(random(folder, seed=2).classifier.dense.weight)
    scratch = "builtin:scratch"
    assert same_weights(load(scratch, seed=1), load(scratch, seed=1))
    assert not load(scratch, seed=1).classifier.dense.weight.equal(load(scratch, seed=2).classifier.dense.weight)


def test_a_saved_network_loads_with_the_same_logits(saved: Path, tmp_path: Path) -> None:
    network = random(tmp_path / "config")
    assert same_weights(load(saved), network)
    assert logits(load(saved)).equal(logits(network))


def test_an_encoder_saved_without_a_head_gets_one_by_seed(tmp_path: Path) -> None:
    network = random(tiny_folder(tmp_path / "config"))
    XLMRobertaModel.save_pretrained(network.roberta, tmp_path / "bare")
    one, again, other = (load(tmp_path / "bare", seed=seed) for seed in (5, 5, 6))
    assert same_weights(one, again)
    assert not one.classifier.dense.weight.equal(other.classifier.dense.weight)
    assert all(one.roberta.state_dict()[name].equal(value) for name, value in network.roberta.state_dict().items())
    assert one.classifier.dense.weight.std() < 0.1, "initialised, not left as memory was"


def test_a_head_for_other_classes_is_replaced_by_seed(saved: Path) -> None:
    one, again, other = (load(saved, classes=THREE_CLASS, seed=seed) for seed in (5, 5, 6))
    assert one.classifier.out_proj.weight.shape[0] == 3
    assert same_weights(one, again)
    assert not one.classifier.out_proj.weight.equal(other.classifier.out_proj.weight)
    assert one.config.id2label == {0: "negative", 1: "neutral", 2: "positive"}


def test_weights_are_fp32_whatever_they_were_saved_in(saved: Path, tmp_path: Path) -> None:
    load(saved).to(torch.bfloat16).save_pretrained(tmp_path / "half")
    network = load(tmp_path / "half")
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    torch.testing.assert_close(logits(network), logits(load(saved)), atol=2e-2, rtol=0)


def test_frozen_embeddings_stay_and_the_rest_trains(tmp_path: Path) -> None:
    network = random(tiny_folder(tmp_path), freeze_embeddings=True)
    frozen = [name for name, p in network.named_parameters() if not p.requires_grad]
    assert frozen == ["roberta.embeddings.word_embeddings.weight"]


@pytest.mark.parametrize("model_type", FAMILIES)
def test_a_dropout_rate_of_ones_own_reaches_every_dropout(model_type: str, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path, model_type)
    rates = {m.p for m in random(folder, dropout=0.4).modules() if isinstance(m, torch.nn.Dropout)}
    assert rates == {0.4}
    assert 0.4 not in {m.p for m in random(folder).modules() if isinstance(m, torch.nn.Dropout)}
    still = random(folder, dropout=0.0).train()
    inputs = batch(12)["input_ids"]
    assert still(input_ids=inputs).logits.equal(still(input_ids=inputs).logits)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_gradient_checkpointing_changes_no_gradient(model_type: str, tmp_path: Path) -> None:
    gradients = []
    for checkpointing in (False, True):
        network = random(tiny_folder(tmp_path, model_type), gradient_checkpointing=checkpointing, dropout=0.0).train()
        assert any(getattr(m, "gradient_checkpointing", False) for m in network.modules()) == checkpointing
        module = SentimentClassifier(network)
        module.step(batch(12), module.train_metrics).backward()
        gradients.append(network.get_input_embeddings().weight.grad)
    assert gradients[0].abs().sum() > 0
    torch.testing.assert_close(*gradients, atol=1e-7, rtol=1e-5)


def test_the_scratch_encoder_has_its_tokenizers_vocabulary() -> None:
    network = load("builtin:scratch", vocabulary=123, dropout=0.3)
    assert network.get_input_embeddings().weight.shape[0] == 123
    assert longest_input(network) == 512
    assert {m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)} == {0.3}
    with pytest.raises(UserError, match=r"vocabulary=len\(tokenizer\)"):
        load("builtin:scratch", vocabulary=0)


def test_random_weights_do_not_ask_for_a_weights_file(saved: Path) -> None:
    (saved / "model.safetensors").write_bytes(b"none of it")
    assert logits(random(saved)).isfinite().all()


@pytest.mark.parametrize("model_type", FAMILIES)
def test_layers_keeps_the_first_k_and_computes_what_they_compute(model_type: str, tmp_path: Path) -> None:
    folder = pretrained(tmp_path, model_type, num_hidden_layers=3)
    options: dict[str, Any] = {"classes": BINARY, "vocabulary": 0, "seed": 0}
    whole, cut = load_network(str(folder), **options), load_network(str(folder), **options, layers=2)
    assert cut.config.num_hidden_layers == 2
    assert meta_network(str(folder), classes=BINARY, vocabulary=0, layers=2).num_parameters() == cut.num_parameters()
    ids = torch.tensor([[0, 9, 10, 11, 2]])
    seen = whole(input_ids=ids, output_hidden_states=True).hidden_states[2]
    kept = cut(input_ids=ids, output_hidden_states=True).hidden_states[2]
    if model_type in ("xlm-roberta-xl", "modernbert"):  # a norm after the last layer, whichever that is
        seen, kept = (torch.nn.functional.layer_norm(x, x.shape[-1:]) for x in (seen, kept))
    torch.testing.assert_close(kept, seen, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layers", [0, -1, 4])
def test_more_layers_than_there_are_is_refused_with_their_number(layers: int, tmp_path: Path) -> None:
    folder = pretrained(tmp_path, num_hidden_layers=3)
    with pytest.raises(UserError, match=r"has 3 layers.*integer from 1 to 3"):
        load_network(str(folder), classes=BINARY, vocabulary=0, seed=0, layers=layers)
