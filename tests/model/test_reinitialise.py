"""The top layers anew: as the architecture initialises them, after the seed, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.helpers.pretrained import pretrained
from tests.helpers.tiny import FAMILIES
from torch import Tensor

from sentiment_transfer.data.reviews import BINARY
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.layers import layers
from sentiment_transfer.model.network import load_network


def states(folder: Path, **options: Any) -> dict[str, Tensor]:
    network = load_network(str(folder), **({"classes": BINARY, "vocabulary": 0, "seed": 0} | options))
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("model_type", FAMILIES)
def test_the_top_layer_and_the_pooler_alone_are_new(model_type: str, tmp_path: Path) -> None:
    # Weights of spread 1, which no initialisation has.
    folder = pretrained(tmp_path, model_type, initializer_range=1.0)
    config = (folder / "config.json").read_text().replace('"initializer_range": 1.0', '"initializer_range": 0.02')
    (folder / "config.json").write_text(config)
    network = load_network(str(folder), classes=BINARY, vocabulary=0, seed=0)
    names = {id(p): name for name, p in network.named_parameters()}
    top = {names[id(p)] for p in layers(network.base_model)[-1].parameters()}
    poolers = {name for name in names.values() if ".pooler." in name or name.startswith("pooler.")}
    before, after = states(folder), states(folder, reinit_top=1)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed <= top | poolers
    matrices = {name for name in top if before[name].ndim == 2}
    assert matrices <= changed, "and norms and biases are as new already"
    assert all(after[name].std() < 0.1 < before[name].std() for name in matrices)
    again, other = states(folder, reinit_top=1), states(folder, reinit_top=1, seed=1)
    assert all(torch.equal(after[name], again[name]) for name in after)
    assert all(not torch.equal(after[name], other[name]) for name in matrices)


def test_of_the_layers_that_are_kept_the_top_ones_are_new(tmp_path: Path) -> None:
    folder = pretrained(tmp_path)
    before, after = states(folder, layers=2), states(folder, layers=2, reinit_top=1)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(".layer.1." in name for name in changed)
    everything = states(folder, layers=2, reinit_top=2)
    assert any(not torch.equal(everything[n], before[n]) for n in before if ".layer.0." in n)
    with pytest.raises(UserError, match=r"model\.reinit_top=3 is invalid: .* has 2 layers here.*from 1 to 2"):
        states(folder, layers=2, reinit_top=3)


def test_a_norm_or_a_bias_that_was_trained_is_as_new(tmp_path: Path) -> None:
    folder = pretrained(tmp_path)
    network = load_network(str(folder), classes=BINARY, vocabulary=0, seed=0)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter.fill_(0.7)
    network.save_pretrained(folder)
    after = states(folder, reinit_top=1)
    top = {name: tensor for name, tensor in after.items() if ".layer.2." in name and tensor.ndim == 1}
    assert all(torch.equal(t, torch.ones_like(t) * ("LayerNorm.weight" in name)) for name, t in top.items())
    assert all((tensor == 0.7).all() for name, tensor in after.items() if ".layer.1." in name and tensor.ndim == 1)
