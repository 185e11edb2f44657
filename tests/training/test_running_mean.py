"""The running mean of epochs' weights is the mean of all of them, whatever was stopped in between."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.model.network import load_network
from sentiment_transfer.model.vocabulary import trim_vocabulary
from sentiment_transfer.training.selection import mean_of_epochs
from sentiment_transfer.training.weights import load_weights, remove_other_weights, save_average


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
