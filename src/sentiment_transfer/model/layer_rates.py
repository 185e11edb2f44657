"""Layer-wise learning rates: the head learns fastest, and every layer below by a factor less (arXiv 1801.06146,
2006.05987)."""

from __future__ import annotations

from typing import Any

from torch import nn
from transformers import PreTrainedModel

from sentiment_transfer.model.sharding import beside, layers


def depth_names(network: PreTrainedModel) -> list[str]:
    """``head``, then the layers from the top, ``layer 12`` to ``layer 1``, then ``embeddings``."""
    count = len(layers(network.base_model))
    return ["head", *(f"layer {number}" for number in range(count, 0, -1)), "embeddings"]


def depths(network: PreTrainedModel) -> dict[nn.Parameter, int]:
    """The depth of each parameter, 0 for the head, as an index of ``depth_names``.

    A norm after the last layer goes with that layer; relative positions, which all layers share, with the embeddings.
    """
    base: nn.Module = network.base_model
    found = layers(base)
    below = len(found) + 1
    depth = {p: 0 for unit in beside(network) for p in unit.parameters()}
    for number, layer in enumerate(found):
        depth |= {p: len(found) - number for p in layer.parameters() if p not in depth}
    relative = any("rel_embeddings" in name for name, _ in base.named_parameters())
    for name, p in network.named_parameters():
        if p not in depth:
            after = "norm" in name.lower() and "embeddings" not in name and not relative
            depth[p] = 1 if after else below
    return depth


def by_depth(network: PreTrainedModel, groups: list[dict[str, Any]], peak: float, decay: float) -> list[dict[str, Any]]:
    """The parameter groups, each cut by depth, with rate ``peak * decay ** depth`` and a name for the log."""
    depth, names = depths(network), depth_names(network)
    return [
        {**group, "params": parameters, "lr": peak * decay**level, "name": f"{name}{_kind(group)}"}
        for level, name in enumerate(names)
        for group in groups
        if (parameters := [p for p in group["params"] if depth[p] == level])
    ]


def _kind(group: dict[str, Any]) -> str:
    return "" if group["weight_decay"] else ", no decay"
