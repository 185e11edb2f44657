"""The running mean of epochs' weights is the mean of all of them, whatever was stopped in between."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.lora import merge_adapters, parameters_of_means
from sentiment_transfer.model.network import load_network
from sentiment_transfer.model.vocabulary import trim_vocabulary
from sentiment_transfer.training.selection import at_epoch, mean_of_epochs
from sentiment_transfer.training.weights import load_weights, remove_other_weights, save_average, save_weights


def test_the_mean_is_of_every_epoch_in_equal_parts(tmp_path: Path) -> None:
    network = load_network("builtin:scratch", classes=BINARY, vocabulary=100, seed=0)
    trim_vocabulary(network, torch.arange(40))
    states = []
    for epoch in range(1, 5):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter))
        states.append({name: tensor.clone() for name, tensor in network.state_dict().items()})
        save_average(network, tmp_path, epoch)
        remove_other_weights(tmp_path, {mean_of_epochs(epoch)})
    assert [path.name for path in tmp_path.glob("weights/*")] == ["average-of-4.safetensors"]
    for name, mean in load_file(mean_of_epochs(4).path(tmp_path)).items():
        if mean.is_floating_point():
            assert mean.dtype == torch.float32
            torch.testing.assert_close(
                mean, torch.stack([state[name] for state in states]).mean(0), rtol=1e-5, atol=1e-6
            )
        else:
            assert torch.equal(mean, states[-1][name])
    load_weights(network, mean_of_epochs(4).path(tmp_path))


def test_an_epoch_that_is_done_again_is_counted_once(tmp_path: Path) -> None:
    """A run that was cut off after it wrote the mean, and before it saved its state, writes the same mean again."""
    network = load_network("builtin:scratch", classes=BINARY, vocabulary=100, seed=0)
    save_average(network, tmp_path, 1)
    with torch.no_grad():
        network.classifier.out_proj.weight.add_(1.0)
    save_average(network, tmp_path, 2)
    first = mean_of_epochs(2).path(tmp_path).read_bytes()
    save_average(network, tmp_path, 2)
    assert mean_of_epochs(2).path(tmp_path).read_bytes() == first


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_averaged_in_full(tmp_path: Path, dtype: torch.dtype) -> None:
    network = load_network("builtin:scratch", classes=BINARY, vocabulary=100, seed=0).to(dtype)
    head = network.classifier.out_proj.weight
    for epoch, value in enumerate((1.0, 1.0, 1.25, 1.0), start=1):
        with torch.no_grad():
            head.fill_(value)
        save_average(network, tmp_path, epoch)
    mean = load_file(mean_of_epochs(4).path(tmp_path))["classifier.out_proj.weight"]
    torch.testing.assert_close(mean, torch.full_like(mean, 1.0625), rtol=1e-6, atol=0)
    load_weights(network, mean_of_epochs(4).path(tmp_path))
    assert network.classifier.out_proj.weight.dtype == dtype


def of_random_adapters(rank: int) -> PreTrainedModel:
    network = load_network("builtin:scratch", classes=BINARY, vocabulary=100, seed=0, lora_rank=rank)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter))
    return network


def merged(network: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The weights that the network computes with."""
    whole: Any = copy.deepcopy(network)
    merge_adapters(whole)
    return dict(whole.state_dict())


@pytest.mark.parametrize(("rank", "epochs"), [(2, 3), (60, 4)])  # 240 is more than the rank of the matrix, 128
def test_the_mean_of_adapters_is_that_of_the_weights_that_they_make(tmp_path: Path, rank: int, epochs: int) -> None:
    pytest.importorskip("peft", reason="the extra is not installed: pip install 'sentiment-transfer[lora]'")
    torch.manual_seed(0)
    network = of_random_adapters(rank)
    states, plain = [], {}
    for epoch in range(1, epochs + 1):
        plain = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        states.append(merged(network))
        save_average(network, tmp_path, epoch)
        save_weights(network, at_epoch(epoch).path(tmp_path))
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn_like(parameter))
    load_weights(network, mean_of_epochs(epochs).path(tmp_path))
    for name, tensor in merged(network).items():
        expected = torch.stack([state[name] for state in states]).mean(0) if tensor.is_floating_point() else tensor
        torch.testing.assert_close(tensor, expected, rtol=1e-4, atol=1e-4)
    trained = sum(p.numel() for p in of_random_adapters(rank).parameters() if p.requires_grad)
    counted = sum(p.numel() for p in network.parameters() if p.requires_grad) - parameters_of_means(network)
    assert counted == trained
    load_weights(network, at_epoch(epochs).path(tmp_path))  # and back to an epoch's own rank
    assert parameters_of_means(network) == 0
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, plain[name])


def test_adapters_of_another_shape_are_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="the extra is not installed: pip install 'sentiment-transfer[lora]'")
    network = of_random_adapters(2)
    save_weights(network, at_epoch(0).path(tmp_path))
    state = load_file(at_epoch(0).path(tmp_path))
    name = next(name for name in state if ".lora_A." in name)
    for changed in (state[name][:1], state[name][:, :5], state[name][0]):
        save_file(state | {name: changed.contiguous()}, at_epoch(1).path(tmp_path))
        with pytest.raises(UserError, match=r"cannot be read into this network \(.*lora_"):
            load_weights(network, at_epoch(1).path(tmp_path))
