"""Small classifiers of every packed architecture, and the batches that they are compared on."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tests.helpers.tiny import random, tiny_folder
from torch import Tensor
from transformers import PreTrainedModel

from sentiment_transfer.data.batches import pack, pad

VOCABULARY = 200
POSITIONS = 70
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.2,
}
LONGEST = POSITIONS - 2  # XLM-R counts positions from 2


def classifier(folder: Path, model_type: str = "xlm-roberta", dropout: float = 0.0) -> PreTrainedModel:
    """In training mode; without dropout unless asked for."""
    network = random(tiny_folder(folder, model_type, **SIZES), dropout=dropout)
    with torch.no_grad():  # as new, norms do nothing and biases are 0: a wrong sum over them would go unnoticed
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.linspace(-0.3, 0.3, len(parameter)))
                assert name
    return network.train()


def twin(network: PreTrainedModel) -> PreTrainedModel:
    return copy.deepcopy(network)


def reviews(lengths: Sequence[int], seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(4, VOCABULARY, (length,), generator=generator) for length in lengths]


def packed(texts: Sequence[Tensor]) -> dict[str, Tensor]:
    return pack([text.numpy() for text in texts])


def padded(texts: Sequence[Tensor], pad_id: int) -> dict[str, Tensor]:
    return pad([text.numpy() for text in texts], pad_id)


def gradients(network: PreTrainedModel, logits: Tensor) -> dict[str, Tensor]:
    """Gradients of a loss that asks something of every review."""
    network.zero_grad()
    labels = torch.arange(len(logits)) % logits.shape[1]
    torch.nn.functional.cross_entropy(logits.float(), labels).backward()
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """The largest difference of two sets of gradients, relative to the larger of that tensor and the median tensor: the
    gradient of a key's bias is 0 in truth, and rounding in practice."""
    assert one.keys() == other.keys()
    typical = float(torch.stack([gradient.abs().max() for gradient in one.values()]).median())
    return max(float((one[n] - other[n]).abs().max()) / max(float(one[n].abs().max()), typical) for n in one)
