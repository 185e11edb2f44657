"""The top layers of a pretrained encoder, initialised anew before training (Zhang et al. 2021, arXiv 2006.05987)."""

from __future__ import annotations

import torch
from torch import nn
from transformers import PreTrainedModel

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.layers import layers


@torch.no_grad()
def reinitialise_top(network: PreTrainedModel, count: int | None, encoder: str) -> None:
    """Initialise the top ``count`` layers and the pooler as the architecture does for a new network, from torch's
    generator. None: nothing. A norm after the last layer stays.

    Raises UserError where the encoder has fewer layers.
    """
    if count is None:
        return
    stack = layers(network.base_model)
    if count > len(stack):
        raise UserError(
            f"model.reinit_top={count} is invalid: {encoder} has {len(stack)} layers here. Give an integer from 1 to "
            f"{len(stack)}."
        )
    poolers = [getattr(module, "pooler", None) for module in (network.base_model, network)]
    for module in [*stack[-count:], *(pooler for pooler in poolers if isinstance(pooler, nn.Module))]:
        for part in (*module.modules(), *module.parameters()):
            part.__dict__.pop("_is_hf_initialized", None)  # transformers leaves what is marked as it is
        module.apply(network._init_weights)
