"""Low-rank adapters (Hu et al. 2021, arXiv 2106.09685) through peft, for encoders whose optimiser state is too large.

As in the paper, the query and value projections are adapted and all else is frozen but the classification head.

An adapter adds ``B A`` to a weight. The mean of several is that of their products, which the means of their factors do
not give: it is stored as factors of the sum of the ranks, side by side.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sentiment_transfer.errors import UserError

# What each family calls its query and value projections.
TARGETS = ("query", "value", "query_proj", "value_proj", "Wqkv")
HEADS = ("classifier", "score", "pooler", "head")
# In the names of an adapter's factors: A (rank, inputs), B (outputs, rank).
A, B = ".lora_A.", ".lora_B."


def add_lora(network: PreTrainedModel, rank: int) -> None:
    """Freeze the encoder and add adapters of ``rank`` (scaled by 2, dropout 0.05) to its attention; the head trains on.

    Raises UserError where peft is not installed or the architecture has no such projections.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise UserError(
            "model.lora_rank needs the package peft, which is not installed: pip install 'sentiment-transfer[lora]', "
            "or leave model.lora_rank out."
        ) from None
    names = {name.rpartition(".")[2] for name, _ in network.named_modules()}
    targets = [name for name in TARGETS if name in names]
    if not targets:
        raise UserError(
            f"model.lora_rank is invalid: {network.config.model_type} encoders have no query and value projections "
            "under a known name. Leave it out."
        )
    heads = [name for name, _ in network.named_children() if name in HEADS]
    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.05, target_modules=targets, bias="none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft's advice for other uses
        inject_adapter_in_model(config, network)
    for head in heads:
        network.get_submodule(head).requires_grad_(True)


def has_lora(network: PreTrainedModel) -> bool:
    return any("lora_" in name for name, _ in network.named_parameters())


def kept_state(network: PreTrainedModel) -> dict[str, Tensor]:
    """The tensors that a run has to keep: all of them or, with adapters, those that training changes (and which tokens
    a trimmed vocabulary covers); the frozen encoder is read again from its source."""
    state = network.state_dict()
    if not has_lora(network):
        return state
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    return {name: tensor for name, tensor in state.items() if name in trained or name.endswith(".kept_token_ids")}


def mean_of_adapters(before: Mapping[str, Tensor], new: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """The adapters, by name, whose products are the mean of ``count`` adapters' products: those of ``new``, and of
    ``before``, which are the mean of all others. In fp32; of the sum of both ranks, but at most of full rank."""
    means: dict[str, Tensor] = {}
    for name in new:
        if A not in name:
            continue
        other = name.replace(A, B)
        down = torch.cat([before[name].float(), new[name].float()])
        up = torch.cat([before[other].float() * ((count - 1) / count), new[other].float() / count], dim=1)
        outputs, inputs = len(up), down.shape[1]
        if len(down) > min(outputs, inputs):
            whole = up @ down
            down, up = (whole, torch.eye(outputs)) if outputs <= inputs else (torch.eye(inputs), whole)
        means |= {name: down, other: up}
    return means


def match_ranks(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give the network's adapters the ranks of those in ``state``, which are then ready to load. Raises ValueError for
    factors that do not belong together, or to this network."""
    for name, layer in _factors(network):
        if name not in state or (wanted := state[name]).shape == layer.weight.shape:
            continue
        factor = layer.weight
        rank, other = (0, name.replace(A, B)) if A in name else (1, name.replace(B, A))
        same_rank = other in state and wanted.ndim == state[other].ndim == 2
        if not (same_rank and wanted.shape[1 - rank] == factor.shape[1 - rank]):
            raise ValueError(f"{name} has shape {tuple(wanted.shape)} instead of {tuple(factor.shape)}")
        if wanted.shape[rank] != state[other].shape[1 - rank]:
            raise ValueError(f"{name} and {other} are of different ranks")
        layer.weight = nn.Parameter(factor.new_zeros(wanted.shape), requires_grad=factor.requires_grad)


def merge_adapters(network: nn.Module) -> None:
    """Add every adapter to the weight that it adapts, and remove it."""
    from peft.tuners.lora import LoraLayer

    for name, layer in list(network.named_modules()):
        if isinstance(layer, LoraLayer):
            layer.merge()
            network.set_submodule(name, layer.get_base_layer())


def parameters_of_means(network: nn.Module) -> int:
    """The number of parameters that adapters have because they are a mean: those beyond the rank that was trained."""
    extra = 0
    for layer in network.modules():
        for adapter, rank in getattr(layer, "r", {}).items() if hasattr(layer, "lora_A") else ():
            down, up = layer.lora_A[adapter].weight, layer.lora_B[adapter].weight  # type: ignore[index, union-attr]
            extra += (len(down) - rank) * (down.shape[1] + len(up))
    return extra


def _factors(network: nn.Module) -> Iterator[tuple[str, Any]]:
    """The factors' layers by the names of their weights."""
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear) and (A in f"{name}." or B in f"{name}."):
            yield f"{name}.weight", layer
