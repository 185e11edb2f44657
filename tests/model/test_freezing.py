"""What is frozen gets no gradient, none is computed below it, and the rest is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.helpers.networks import SIZES, distance, gradients, packed, reviews, twin
from tests.helpers.tiny import FAMILIES, random, tiny_folder
from torch import Tensor

from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.classifier import SentimentClassifier
from sentiment_transfer.model.freezing import freeze, layers_without_gradient
from sentiment_transfer.model.layers import layers
from sentiment_transfer.model.memory import TrainingShape, estimate_memory, option_that_fits
from sentiment_transfer.model.network import meta_network
from sentiment_transfer.model.packed.fused import EncoderBlock
from sentiment_transfer.model.packed.network import PackedNetwork
from sentiment_transfer.model.vocabulary import trim_vocabulary

SHAPE = TrainingShape(
    batch_size=32, micro_batches=1, tokens=256, mean_tokens=60.0, packed=True, low_precision=True, checkpointing=False
)
IDS = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 1, 1]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


def frozen_names(network: torch.nn.Module) -> set[str]:
    return {name for name, p in network.named_parameters() if not p.requires_grad}


@pytest.mark.parametrize("model_type", FAMILIES)
def test_the_lowest_layers_and_all_embeddings_are_frozen(model_type: str, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path, model_type, num_hidden_layers=3)
    network = random(folder, frozen="lower_2")
    stack = layers(network.base_model)
    assert [any(p.requires_grad for p in layer.parameters()) for layer in stack] == [False, False, True]
    assert all(p.requires_grad for p in stack[2].parameters())
    assert any("embeddings" in name for name in frozen_names(network))
    assert not any("classifier" in name or "pooler" in name or "final_norm" in name for name in frozen_names(network))
    assert layers_without_gradient(network) == 2
    network.train()(input_ids=IDS, attention_mask=MASK).logits.square().sum().backward()
    with_gradient = {name for name, p in network.named_parameters() if p.grad is not None}
    assert with_gradient == {name for name, p in network.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("model_type", FAMILIES)
@pytest.mark.parametrize("pooling", [None, "mean"])
def test_a_linear_probe_trains_the_head_alone(model_type: str, pooling: str | None, tmp_path: Path) -> None:
    network = random(tiny_folder(tmp_path, model_type), frozen="encoder", pooling=pooling)
    head = {n for n, p in network.named_parameters() if p.requires_grad}
    prefix = network.base_model_prefix
    assert head and all(not name.startswith(prefix) or name.startswith(f"{prefix}.pooler") for name in head)
    assert layers_without_gradient(network) == 2
    states: list[Tensor] = []
    layers(network.base_model)[-1].register_forward_hook(
        lambda _, __, output: states.append(output[0] if isinstance(output, tuple) else output)
    )
    module = SentimentClassifier(network, packed=False)
    module.in_mode(training=True)
    module.logits({"input_ids": IDS, "attention_mask": MASK}).sum().backward()
    assert not states[0].requires_grad, "autograd keeps nothing below the head"
    assert {part.training for part in network.modules()} == {True}, "dropout as in transformers"
    optimised = {id(p) for group in module._parameter_groups() for p in group["params"]}
    assert optimised == {id(p) for p in network.parameters() if p.requires_grad}


@pytest.mark.parametrize("frozen", ["lower_1", "lower_2", "encoder"])
@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_kernels_and_packed_modules_give_what_is_trained_the_same_gradients(
    frozen: str, pooling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = random(tiny_folder(tmp_path, num_hidden_layers=3, **SIZES), dropout=0.0, pooling=pooling).train()
    part = twin(whole)
    freeze(part, frozen, "tiny")
    texts = packed(reviews([3, 40, 1, 26]))
    backwards: list[bool] = []
    backward = EncoderBlock.backward

    def seen(ctx: Any, grad: Tensor) -> Any:
        found = backward(ctx, grad)
        backwards.append(found[0] is not None)
        return found

    for bf16 in (False, True):
        both = []
        for network in (whole, part):
            monkeypatch.setattr(EncoderBlock, "backward", staticmethod(seen if network is part else backward))
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                both.append(gradients(network, PackedNetwork(twin_weights(network), tmp_path)(**texts)))
        expected = {name: gradient for name, gradient in both[0].items() if name in both[1]}
        assert both[1].keys() == {name for name, p in part.named_parameters() if p.requires_grad}
        assert distance(expected, both[1]) < 1e-6
    # One call for each layer that is trained, and no gradient of the states below the lowest of them.
    assert backwards == {"lower_1": [True, False], "lower_2": [False], "encoder": []}[frozen]


def twin_weights(network: Any) -> Any:
    network.set_attn_implementation("sdpa")
    return network


@pytest.mark.parametrize("frozen", ["lower_1", "encoder"])
def test_gradient_checkpointing_changes_no_gradient_over_a_frozen_input(frozen: str, tmp_path: Path) -> None:
    folder, found = tiny_folder(tmp_path), []
    for checkpointing in (False, True):
        network = random(folder, frozen=frozen, gradient_checkpointing=checkpointing, dropout=0.0).train()
        found.append(gradients(network, network(input_ids=IDS, attention_mask=MASK).logits))
    assert found[0].keys() == found[1].keys() and distance(*found) < 1e-6


def test_a_frozen_trimmed_vocabulary_is_held_by_nothing(tmp_path: Path) -> None:
    network = random(tiny_folder(tmp_path), frozen="lower_1")
    trim_vocabulary(network, torch.arange(20))
    assert not network.get_input_embeddings().weight.requires_grad
    assert layers_without_gradient(network) == 1


def test_embeddings_are_those_of_the_tokens_as_freeze_embeddings_has_them(tmp_path: Path) -> None:
    one, other = random(tiny_folder(tmp_path), frozen="embeddings"), random(tmp_path, freeze_embeddings=True)
    assert frozen_names(one) == frozen_names(other) == {"roberta.embeddings.word_embeddings.weight"}
    assert layers_without_gradient(one) == 0


@pytest.mark.parametrize("frozen", ["lower_3", "lower_12"])
def test_more_layers_than_there_are_is_a_sentence(frozen: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"model\.freeze={frozen} is invalid: .* has 2 layers here.*from 1 to 2"):
        random(tiny_folder(tmp_path), frozen=frozen)
    random(tmp_path, frozen="lower_2")


def test_the_estimate_counts_what_is_trained(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path, num_hidden_layers=4)

    def sketch(frozen: str | None) -> Any:
        network = meta_network(str(folder), classes=BINARY, vocabulary=60)
        freeze(network, frozen, "tiny")
        return network

    whole, half, probe = (estimate_memory(sketch(frozen), SHAPE) for frozen in (None, "lower_2", "encoder"))
    assert half.activations == whole.activations / 2 and probe.activations == whole.activations / 4
    trained = sum(p.numel() for p in random(folder, frozen="encoder").parameters() if p.requires_grad)
    assert (probe.gradients, probe.optimizer) == (4 * trained, 8 * trained)
    assert whole.weights == half.weights == probe.weights
    needed = probe.total - probe.activations + 1
    assert "lora" not in str(option_that_fits(sketch("encoder"), SHAPE, needed))


@pytest.mark.parametrize(
    ("frozen", "new", "answer"),
    [
        (
            "lower_2",
            2,
            r"has 3 layers here, and 1 of the new ones .* Type model\.freeze=lower_1 or model\.reinit_top=1\.",
        ),
        ("lower_3", 1, r"Type model\.freeze=lower_2\."),
        ("lower_1", 3, r"Type model\.freeze=null or model\.reinit_top=2\."),
    ],
)
def test_new_layers_are_not_frozen(frozen: str, new: int, answer: str, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path, num_hidden_layers=3)
    with pytest.raises(UserError, match=rf"model\.reinit_top={new} is invalid with model\.freeze={frozen}: .*{answer}"):
        random(folder, frozen=frozen, reinit_top=new)
    random(folder, frozen="lower_1", reinit_top=2)
