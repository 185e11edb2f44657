"""Logits of a packed batch from a stock Hugging Face classifier, without padding.

It is computed by the network's own modules with ``packed`` attention, on any device and in any precision, or, on a CPU
in bf16, by ``FusedEncoder``. The head reads one state of every review: its first token's or, as its configuration says,
the mean or the maximum of all.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sentiment_transfer.model.packed.attention import Packing  # the import registers "packed" attention
from sentiment_transfer.model.packed.choice import MARGIN, speed_of_kernels
from sentiment_transfer.model.packed.fused import Bf16Weights, FusedEncoder, why_not_fused
from sentiment_transfer.model.packed.kernels import Kernels, KernelsUnavailable
from sentiment_transfer.model.pooling import FIRST, pool_packed, pooling_of

log = logging.getLogger(__name__)

# Encoders that take packed input: their modules pass positions and keywords on to the attention function.
PACKED = ("xlm-roberta", "roberta", "camembert", "xlm-roberta-xl", "bert")
# The number of rows matters to AMX: (T, 768) x (768, 768) in bf16 takes 3.4 ms at T = 1,520 and 0.8 ms at T = 1,536.
ROWS = 64


class PackedOutput(NamedTuple):
    """The output of a classifier for a batch."""

    hidden: Tensor  # (reviews, hidden): what the head reads, after the last layer
    logits: Tensor  # (reviews, classes)


class PackedNetwork:
    """Computes packed batches with the weights of ``network``. Raises ValueError for an unsupported architecture.

    ``batching`` says how the last batch was computed: ``packed``, ``packed, fused kernels``, or ``padded`` after
    ``use_padded``; ``why_not_fused`` and ``why_padded`` are the reasons why not in a faster way.
    """

    def __init__(self, network: PreTrainedModel, cache_dir: Path) -> None:
        if network.config.model_type not in PACKED:
            raise ValueError(why_padded(network))
        self._stock_attention = network.config._attn_implementation
        network.set_attn_implementation("packed")
        self.network: Any = network
        self.base: Any = network.base_model
        self.batching = "packed"
        self.why_not_fused = why_not_fused(network)
        self.why_padded: str | None = None
        self.pooling = pooling_of(network.config)
        self._cache_dir = cache_dir
        self._fused: FusedEncoder | None = None
        self._weights_unchanged = False
        self._bf16_weights: list[Bf16Weights] | None = None

    def __call__(self, input_ids: Tensor, cu_seqlens: Tensor) -> Tensor:
        """Logits (reviews, classes) of ``input_ids`` (tokens,) int64 and ``cu_seqlens`` (reviews + 1,) int64."""
        return self.output(input_ids, cu_seqlens).logits

    def pooled_hidden(self, input_ids: Tensor, cu_seqlens: Tensor) -> Tensor:
        """(reviews, hidden): the state of each review after the last layer that is the input of the head."""
        if self.why_padded is not None:
            self.batching = "padded"
            ids, mask = _pad(input_ids, cu_seqlens)
            return self.base(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]
        fused = self._fused_encoder() if self._can_fuse(input_ids) else None
        self.batching = "packed" if fused is None else "packed, fused kernels"
        return self._stock(input_ids, cu_seqlens) if fused is None else self._with_kernels(fused, input_ids, cu_seqlens)

    def output(self, input_ids: Tensor, cu_seqlens: Tensor) -> PackedOutput:
        """The logits of a packed batch, and the hidden states that they are computed from."""
        hidden = self.pooled_hidden(input_ids, cu_seqlens)
        return PackedOutput(hidden, self._head(hidden[:, None]))

    def padded_output(self, input_ids: Tensor, cu_seqlens: Tensor) -> PackedOutput:
        """As ``output``, by the stock network on a padded batch, with its own attention function."""
        seen: list[Tensor] = []
        hook = self.base.register_forward_hook(lambda _, __, output: seen.append(output[0][:, 0]))
        ids, mask = _pad(input_ids, cu_seqlens)
        try:
            with self._stock_attention_function():
                return PackedOutput(logits=self.network(input_ids=ids, attention_mask=mask).logits, hidden=seen.pop())
        finally:
            hook.remove()

    def use_padded(self, reason: str) -> None:
        """Compute padded from now on."""
        self.why_padded = reason
        self.network.set_attn_implementation(self._stock_attention)

    @contextmanager
    def _stock_attention_function(self) -> Iterator[None]:
        current = self.network.config._attn_implementation
        self.network.set_attn_implementation(self._stock_attention)
        try:
            yield
        finally:
            self.network.set_attn_implementation(current)

    @contextmanager
    def unchanged_weights(self) -> Iterator[None]:
        """A block in which no weight is changed: bf16 copies of the weights are made once, not for every batch."""
        self._weights_unchanged = True
        try:
            yield
        finally:
            self._weights_unchanged, self._bf16_weights = False, None

    def _stock(self, input_ids: Tensor, cu_seqlens: Tensor) -> Tensor:
        packing = Packing(cu_seqlens)
        positions = self._positions(input_ids, packing)[None]
        hidden = self.base(input_ids=input_ids[None], position_ids=positions, packing=packing).last_hidden_state
        return self._pool(hidden[0], packing)

    def _with_kernels(self, fused: FusedEncoder, input_ids: Tensor, cu_seqlens: Tensor) -> Tensor:
        padding, packing = -len(input_ids) % ROWS, Packing(cu_seqlens)
        positions = torch.nn.functional.pad(self._positions(input_ids, packing), (0, padding))
        ids = torch.nn.functional.pad(input_ids, (0, padding), value=int(input_ids[0]))
        if self._weights_unchanged and self._bf16_weights is None:
            self._bf16_weights = fused.bf16_weights()
        hidden = fused(
            self.base.embeddings,
            ids,
            positions,
            cu_seqlens,
            training=self.network.training,
            bf16_weights=self._bf16_weights,
            first_only=self.pooling == FIRST,
        )
        return hidden if self.pooling == FIRST else self._pool(hidden[: len(input_ids)], packing)

    def _pool(self, hidden: Tensor, packing: Packing) -> Tensor:  # (tokens, hidden)
        if self.pooling == FIRST:
            return hidden[packing.first]
        return pool_packed(hidden, packing.lengths.tolist(), self.pooling)

    def _positions(self, input_ids: Tensor, packing: Packing) -> Tensor:
        """(tokens,) int64. The RoBERTa family counts from padding_idx + 1 and leaves padding tokens out, also where a
        text spells one (``<pad>``): their position is padding_idx (create_position_ids_from_input_ids)."""
        padding = self.base.embeddings.position_embeddings.padding_idx
        if padding is None:
            return packing.positions
        is_padding = (input_ids == padding).long()
        count = is_padding.cumsum(0)
        before, lengths = (count - is_padding)[packing.first], torch.diff(packing.cu_seqlens)
        in_review = count - before.repeat_interleave(lengths, output_size=len(input_ids))
        return torch.where(is_padding.bool(), padding, packing.positions + padding + 1 - in_review)

    def _head(self, pooled: Tensor) -> Tensor:  # (reviews, 1, hidden)
        if self.network.config.model_type == "bert":
            return self.network.classifier(self.network.dropout(self.base.pooler(pooled)))
        return self.network.classifier(pooled)

    def _can_fuse(self, input_ids: Tensor) -> bool:
        bf16 = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
        return self.why_not_fused is None and input_ids.device.type == "cpu" and bf16

    def can_build_kernels(self) -> bool:
        """Whether the encoder has fused kernels and they can be built here, which is tried."""
        return self.why_not_fused is None and self._fused_encoder() is not None

    def _fused_encoder(self) -> FusedEncoder | None:
        if self._fused is None:
            try:
                kernels = Kernels(self._cache_dir)
                speed = speed_of_kernels(self.base, kernels, self._cache_dir.expanduser() / "kernels")
                if speed < MARGIN:
                    self.why_not_fused = f"on this CPU they take {1 / speed:.1f} times as long as plain torch"
                    return None
                self._fused = FusedEncoder(self.base, kernels)
            except KernelsUnavailable as reason:
                self.why_not_fused = str(reason)
                log.warning("The fused kernels are not used, training is slower: %s.", reason)
        return self._fused


def _pad(input_ids: Tensor, cu_seqlens: Tensor) -> tuple[Tensor, Tensor]:
    """Ids and attention mask (reviews, longest) int64 of a packed batch. Padding is a token of the batch, so that a
    trimmed vocabulary has a row for it."""
    lengths = torch.diff(cu_seqlens)
    mask = torch.arange(int(lengths.max()), device=lengths.device) < lengths[:, None]
    ids = input_ids[:1].expand(mask.shape).clone()
    ids[mask] = input_ids
    return ids, mask.long()


def why_padded(network: PreTrainedModel) -> str | None:
    """The reason why ``network`` takes padded batches only; None where it takes packed ones."""
    kind = network.config.model_type
    if kind in PACKED:
        return None
    return f"{kind} encoders take no packed input (those that do: {', '.join(PACKED)})"
