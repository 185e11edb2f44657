"""A network whose weights, gradients and optimiser states are shared among devices (FSDP2, ``fully_shard``).

Every encoder layer is a unit: its weights are whole while it computes, and a share of them the rest of the time. What
is called beside the encoder's own forward, the head and a pooler, are units of their own, because FSDP gathers a unit's
weights when that unit is called.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, set_model_state_dict
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

from sentiment_transfer.model.layers import layers


def shard(network: PreTrainedModel, mesh: DeviceMesh) -> None:
    """Share ``network`` among the devices of ``mesh``, a layer at a time, the rest of the encoder, and each head."""
    if is_sharded(network):
        return  # Lightning asks before scoring again
    base: nn.Module = network.base_model
    for unit in [*layers(base), *beside(network), base]:
        fully_shard(unit, mesh=mesh)


def beside(network: PreTrainedModel) -> list[nn.Module]:
    """The modules that are called after the encoder: the head, and a pooler that is a part of the encoder."""
    pooler = getattr(network.base_model, "pooler", None)
    heads = [child for child in network.children() if child is not network.base_model]
    return [unit for unit in [pooler, *heads] if unit is not None and any(True for _ in unit.parameters())]


def is_sharded(network: nn.Module) -> bool:
    return any(isinstance(module, FSDPModule) for module in network.modules())


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor that may be shared. All processes must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def load_whole(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load whole tensors into a network that may be shared, as ``load_state_dict`` without strictness does."""
    if is_sharded(network):
        set_model_state_dict(network, dict(state), options=StateDictOptions(full_state_dict=True, strict=False))
    else:
        network.load_state_dict(state, strict=False)
