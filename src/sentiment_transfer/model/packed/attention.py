"""Attention inside the reviews of a packed batch for Hugging Face's encoders, under the name ``packed``."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from sentiment_transfer.model.packed.layout import Packing


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    packing: Packing,
    dropout: float = 0.0,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """(1, T, heads, width) context of query, key and value, each (1, heads, T, width)."""
    attend = by_jagged if query.device.type == "cuda" else by_groups
    return attend(query[0], key[0], value[0], packing, dropout, scaling)[None], None


def by_groups(
    query: Tensor, key: Tensor, value: Tensor, packing: Packing, dropout: float, scale: float | None
) -> Tensor:
    """(T, heads, width) of (heads, T, width) each: one padded attention for each group of similar lengths."""
    heads, _, width = query.shape
    contexts = []
    for group in packing.groups:
        q, k, v = (
            x.index_select(1, group.rows).view(heads, group.reviews, group.longest, width).transpose(0, 1)
            for x in (query, key, value)
        )
        context = scaled_dot_product_attention(q, k, v, attn_mask=group.mask, dropout_p=dropout, scale=scale)
        contexts.append(context.transpose(1, 2).reshape(-1, heads, width))
    return torch.cat(contexts).index_select(0, packing.back)


def by_jagged(
    query: Tensor, key: Tensor, value: Tensor, packing: Packing, dropout: float, scale: float | None
) -> Tensor:
    """The same through torch's nested tensors, which on CUDA run its variable-length flash attention with dropout."""
    lengths = packing.lengths
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*nested tensors is in prototype.*")
        q, k, v = (
            torch.nested.nested_tensor_from_jagged(
                x.transpose(0, 1).contiguous(),
                packing.cu_seqlens,
                min_seqlen=int(lengths.min()),
                max_seqlen=int(lengths.max()),
            ).transpose(1, 2)
            for x in (query, key, value)
        )
        context = scaled_dot_product_attention(q, k, v, dropout_p=dropout, scale=scale)
        return context.transpose(1, 2).values()


AttentionInterface.register("packed", packed_attention)
