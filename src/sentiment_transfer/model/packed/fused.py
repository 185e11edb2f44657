"""The encoder of XLM-R, RoBERTa or BERT on a packed batch in bf16 on the CPU, over a network's own fp32 weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sentiment_transfer.model.packed.block import Copies, EncoderBlock, Masters, Place
from sentiment_transfer.model.packed.kernels import Kernels, Spans


class FusedEncoder:
    """Runs the layers of ``base`` (a Hugging Face encoder) as ``EncoderBlock``s; keeps bf16 copies of their matrices.

    The copies are made anew at every call: nothing that torch offers tells for certain that a weight has not changed
    (a fused AdamW step and an edit through ``.data`` leave its version counter alone). Who knows that nothing changes
    them, as in a scoring pass, may hand back the copies of an earlier call.
    """

    def __init__(self, base: nn.Module, kernels: Kernels) -> None:
        self.config: Any = base.config
        self.kernels = kernels
        self.layers: Any = base.encoder.layer  # type: ignore[union-attr]

    def copies(self) -> list[Copies]:
        """Of every layer's weights as they are now."""
        return [Copies.of(_masters(layer)) for layer in self.layers]

    def __call__(
        self,
        embeddings: Any,
        input_ids: Tensor,
        positions: Tensor,
        cu_seqlens: Tensor,
        *,
        training: bool,
        copies: list[Copies] | None = None,
    ) -> Tensor:
        """(reviews, hidden) bf16, each review's first token after the last layer.

        ``input_ids`` and ``positions`` are (rows,) int64, ``cu_seqlens`` (reviews + 1,) int64; the rows after the last
        of them are a tail that no review sees. ``copies``, where given, are of weights that have not changed since.
        """
        config = self.config
        seed = int(torch.randint(2**40, ()).item()) if training else 0
        attention_rate = config.attention_probs_dropout_prob if training else 0.0
        hidden_rate = config.hidden_dropout_prob if training else 0.0
        everywhere = Spans(cu_seqlens, cu_seqlens, config.num_attention_heads)
        first_only = Spans(torch.arange(len(cu_seqlens)), cu_seqlens, config.num_attention_heads)
        x = self._embed(embeddings, input_ids, positions, seed * (len(self.layers) + 1), hidden_rate)
        for number, (layer, copied) in enumerate(zip(self.layers, copies or self.copies(), strict=True)):
            last = number == len(self.layers) - 1
            place = Place(
                first_only if last else everywhere,
                cu_seqlens[:-1] if last else None,
                config.layer_norm_eps,
                attention_rate,
                hidden_rate,
                seed * (len(self.layers) + 1) + 1 + number,
            )
            x = EncoderBlock.apply(x, self.kernels, place, copied, *_masters(layer))
        return x

    def _embed(self, embeddings: Any, input_ids: Tensor, positions: Tensor, seed: int, rate: float) -> Tensor:
        types = embeddings.token_type_embeddings.weight[0]
        total = embeddings.word_embeddings(input_ids) + embeddings.position_embeddings(positions) + types
        hidden = embeddings.LayerNorm(total)
        if rate:
            hidden = hidden * self.kernels.mask(hidden.shape, seed * 3, rate)
        return hidden.to(torch.bfloat16)


def fusable(network: Any) -> str | None:
    """None where ``FusedEncoder`` computes what ``network``'s encoder does; else what it does that this does not."""
    config = network.config
    if config.model_type not in ("xlm-roberta", "roberta", "camembert", "bert"):
        return f"{config.model_type} encoders have no fused kernels"
    if config.hidden_act != "gelu":
        return f"the fused kernels compute GELU, not {config.hidden_act}"
    if (config.hidden_size // config.num_attention_heads) % 16:
        return "the fused kernels need attention heads of a multiple of 16 units"
    if network.is_activation_checkpointing:
        return "the fused kernels keep what gradient checkpointing would compute again"
    if any(type(m) is not nn.Linear for layer in network.base_model.encoder.layer for m in _linears(layer)):
        return "the fused kernels know plain linear layers alone, not adapters"
    return None


def _linears(layer: Any) -> list[nn.Module]:
    attention = layer.attention
    projections = [attention.self.query, attention.self.key, attention.self.value]
    return [*projections, attention.output.dense, layer.intermediate.dense, layer.output.dense]


def _masters(layer: Any) -> Masters:
    attention, output = layer.attention.self, layer.attention.output
    modules = (
        attention.query,
        attention.key,
        attention.value,
        output.dense,
        output.LayerNorm,
        layer.intermediate.dense,
        layer.output.dense,
        layer.output.LayerNorm,
    )
    return Masters(*(p for module in modules for p in (module.weight, module.bias)))
