"""Attention inside the reviews of a packed batch, as an attention function called ``packed`` of Hugging Face encoders.

On the CPU reviews of similar length are padded to the longest of their group, for the attention alone; all other
layers see no padding. On CUDA torch's nested tensors call its variable-length flash attention.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

# A group pads its reviews by at most a fifth, or by this many tokens: smaller groups cost more calls than they save.
GROUP_FRACTION = 0.8
GROUP_TOKENS = 16


@dataclass(frozen=True)
class Group:
    """``reviews`` reviews that are attended to together, each padded to ``longest`` tokens."""

    rows: Tensor  # (reviews * longest,) int64: the packed row of each padded position; padding repeats row 0
    mask: Tensor | None  # (reviews, 1, 1, longest) bool, False on padding; None where nothing is padded
    reviews: int
    longest: int


class Packing:
    """The layout of a packed batch: reviews one after the other in a row of T tokens.

    ``cu_seqlens`` is (reviews + 1,) int64: review i is the tokens ``cu_seqlens[i]`` up to ``cu_seqlens[i + 1]``.
    """

    def __init__(self, cu_seqlens: Tensor) -> None:
        self.cu_seqlens = cu_seqlens
        self.first = cu_seqlens[:-1]  # (reviews,) int64: the row of each review's first token

    @cached_property
    def lengths(self) -> np.ndarray:  # (reviews,) int64
        return np.diff(self.cu_seqlens.cpu().numpy()).astype(np.int64)

    @cached_property
    def positions(self) -> Tensor:  # (T,) int64, counted from 0 in every review
        # With its size given, a GPU need not be asked for it.
        size = int(self.lengths.sum())
        starts = torch.repeat_interleave(self.first, torch.diff(self.cu_seqlens), output_size=size)
        return torch.arange(len(starts), device=starts.device) - starts

    @cached_property
    def groups(self) -> list[Group]:
        """The reviews in groups of similar length, the longest first."""
        order = np.argsort(-self.lengths, kind="stable")
        starts = np.cumsum(self.lengths) - self.lengths
        groups = []
        begin = 0
        while begin < len(order):
            longest = int(self.lengths[order[begin]])
            shortest = min(longest * GROUP_FRACTION, longest - GROUP_TOKENS)
            end = begin + int(np.count_nonzero(self.lengths[order[begin:]] >= shortest))
            members = order[begin:end]
            columns = np.arange(longest)
            is_token = columns < self.lengths[members][:, None]
            rows = np.where(is_token, starts[members][:, None] + columns, 0)
            mask = None if is_token.all() else self._tensor(is_token)[:, None, None]
            groups.append(Group(self._tensor(rows.ravel()), mask, len(members), longest))
            begin = end
        return groups

    @cached_property
    def grouped_positions(self) -> Tensor:
        """(T,) int64: where each packed row is among the padded positions of all groups, concatenated."""
        positions = np.empty(int(self.lengths.sum()), dtype=np.int64)
        start = 0
        for group in self.groups:
            rows = group.rows.cpu().numpy()
            is_token = np.ones(len(rows), bool) if group.mask is None else group.mask.cpu().numpy().ravel()
            positions[rows[is_token]] = start + np.flatnonzero(is_token)
            start += len(rows)
        return self._tensor(positions)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.cu_seqlens.device)


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
    """The context, (1, T, heads, width), of query, key and value, (1, heads, T, width) each, and no weights."""
    attend = nested_sdpa if query.device.type == "cuda" else grouped_sdpa
    return attend(query[0], key[0], value[0], packing, dropout, scaling)[None], None


def grouped_sdpa(
    query: Tensor, key: Tensor, value: Tensor, packing: Packing, dropout: float, scale: float | None
) -> Tensor:
    """The context, (T, heads, width), of (heads, T, width) each: one padded attention per group of similar lengths."""
    heads, _, width = query.shape
    contexts = []
    for group in packing.groups:
        q, k, v = (
            x.index_select(1, group.rows).view(heads, group.reviews, group.longest, width).transpose(0, 1)
            for x in (query, key, value)
        )
        context = scaled_dot_product_attention(q, k, v, attn_mask=group.mask, dropout_p=dropout, scale=scale)
        contexts.append(context.transpose(1, 2).reshape(-1, heads, width))
    return torch.cat(contexts).index_select(0, packing.grouped_positions)


def nested_sdpa(
    query: Tensor, key: Tensor, value: Tensor, packing: Packing, dropout: float, scale: float | None
) -> Tensor:
    """As ``grouped_sdpa``, by nested tensors, for which CUDA has a variable-length flash attention with dropout."""
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
