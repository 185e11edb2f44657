"""Hashes of networks and embeddings: XXH3, 128 bits in hex. 1.1 GB, as of XLM-R base, take a tenth of a second."""

from __future__ import annotations

import json

import torch
import xxhash
from torch import Tensor
from transformers import PreTrainedModel

NOT_ARCHITECTURE = ("transformers_version", "attn_implementation")  # and what begins with _: where it was read
LORA = "lora_"


def network_digest(network: PreTrainedModel) -> str:
    """Hash of the architecture and of all weights."""
    config = {k: v for k, v in network.config.to_dict().items() if k not in NOT_ARCHITECTURE and k[0] != "_"}
    hashed = xxhash.xxh3_128(json.dumps(config, sort_keys=True, default=str).encode())
    for name, tensor in network.state_dict().items():
        _add(hashed, name, tensor)
    return hashed.hexdigest()


def adapted_digest(network: PreTrainedModel) -> str:
    """Hash of the weights under a network's adapters: of those that training with LoRA leaves as they are."""
    hashed = xxhash.xxh3_128()
    trained = {name for name, weight in network.named_parameters() if weight.requires_grad}
    for name, tensor in network.state_dict().items():
        if name not in trained and LORA not in name and "original_module" not in name:
            _add(hashed, name, tensor)
    return hashed.hexdigest()


def embedding_digest(embedding: Tensor) -> str:
    """Hash of a token embedding (vocabulary, width) in fp32."""
    return xxhash.xxh3_128_hexdigest(_bytes(embedding.float()))


def _add(hashed: xxhash.xxh3_128, name: str, tensor: Tensor) -> None:
    hashed.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
    hashed.update(_bytes(tensor))


def _bytes(tensor: Tensor) -> memoryview:
    flat = tensor.detach().cpu().contiguous().flatten()
    return flat.view(torch.uint8).numpy().data if flat.numel() else memoryview(b"")
