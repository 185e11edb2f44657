"""The encoder of XLM-R, RoBERTa or BERT on a packed batch in bf16 on the CPU, over a network's own fp32 weights.

Matrix products are torch's; everything between them is ``kernels.c``. Weights are used as bf16 copies of the fp32
parameters, which receive the gradients. Where the classifier reads the first token of each review alone, queries,
output and feed-forward of the last layer are computed for those tokens alone, with the same result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sentiment_transfer.model.packed.kernels import Kernels, ReviewSpans


class LayerParameters(NamedTuple):
    """The fp32 parameters of a layer, as ``torch.nn.Linear`` and ``LayerNorm`` hold them."""

    query: Tensor
    query_bias: Tensor
    key: Tensor
    key_bias: Tensor
    value: Tensor
    value_bias: Tensor
    out: Tensor
    out_bias: Tensor
    norm1: Tensor
    norm1_bias: Tensor
    up: Tensor
    up_bias: Tensor
    down: Tensor
    down_bias: Tensor
    norm2: Tensor
    norm2_bias: Tensor


@dataclass(frozen=True)
class Bf16Weights:
    """The matrices of a layer's linear modules in bf16; key and value are one matrix."""

    query: Tensor
    key_value: Tensor  # (2 * hidden, hidden)
    out: Tensor
    up: Tensor
    down: Tensor

    @classmethod
    def of(cls, m: LayerParameters) -> Bf16Weights:
        query, out, up, down = (t.detach().to(torch.bfloat16) for t in (m.query, m.out, m.up, m.down))
        key_value = torch.empty(2 * len(m.key), m.key.shape[1], dtype=torch.bfloat16)
        for half, tensor in zip(key_value.chunk(2), (m.key, m.value), strict=True):
            half.copy_(tensor.detach())
        return cls(query, key_value, out, up, down)


@dataclass(frozen=True)
class LayerContext:
    """The arguments of a layer other than its weights."""

    spans: ReviewSpans
    first: Tensor | None  # (reviews,) int64: the only rows to compute; None: all
    eps: float
    attention_rate: float  # dropout
    hidden_rate: float
    seed: int  # of this layer in this step


class EncoderBlock(torch.autograd.Function):
    """(rows, hidden) bf16 -> (rows, hidden) bf16, or (reviews, hidden) where ``context.first`` is given.

    The output of rows that belong to no review is undefined, and they get no gradient.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, kernels: Kernels, context: LayerContext, w: Bf16Weights, *parameters: Tensor
    ) -> Tensor:
        m = LayerParameters(*parameters)
        attention_seed, seed1, seed2 = (context.seed * 3 + i for i in range(3))
        query_input = x if context.first is None else x[context.first]
        query = torch.mm(query_input, w.query.t())
        key, value = torch.mm(x, w.key_value.t()).chunk(2, -1)
        biases = (m.query_bias, m.key_bias, m.value_bias)
        attended, lse = kernels.attend(context.spans, query, key, value, biases, attention_seed, context.attention_rate)
        y = torch.mm(attended, w.out.t())
        h, z1, mean1, rstd1 = kernels.add_norm(
            query_input, y, m.out_bias, m.norm1, m.norm1_bias, context.eps, seed1, context.hidden_rate
        )
        u = torch.mm(h, w.up.t())
        a = kernels.gelu(u, m.up_bias)
        y = torch.mm(a, w.down.t())
        out, z2, mean2, rstd2 = kernels.add_norm(
            h, y, m.down_bias, m.norm2, m.norm2_bias, context.eps, seed2, context.hidden_rate
        )
        if any(ctx.needs_input_grad):
            ctx.fixed = (kernels, context, w, m)
            ctx.kept = (x, query_input, query, key, value, attended, lse, z1, mean1, rstd1, h, u, a, z2, mean2, rstd2)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        kernels, context, w, m = ctx.fixed
        x, query_input, query, key, value, attended, lse, z1, mean1, rstd1, h, u, a, z2, mean2, rstd2 = ctx.kept
        del ctx.kept  # as large as the batch: freed layer by layer
        attention_seed, seed1, seed2 = (context.seed * 3 + i for i in range(3))
        rate = context.hidden_rate
        dz, dy, (dnorm2, dnorm2_bias, ddown_bias) = kernels.add_norm_backward(
            grad.contiguous(), z2, mean2, rstd2, m.norm2, seed2, rate
        )
        ddown = torch.mm(dy.t(), a)
        du, dup_bias = kernels.gelu_backward(u, m.up_bias, torch.mm(dy, w.down))
        dup = torch.mm(du.t(), h)
        dz, dy, (dnorm1, dnorm1_bias, dout_bias) = kernels.add_norm_backward(
            torch.addmm(dz, du, w.up), z1, mean1, rstd1, m.norm1, seed1, rate
        )
        dout = torch.mm(dy.t(), attended)
        biases = (m.query_bias, m.key_bias, m.value_bias)
        dquery_rows, dkey_value_rows = kernels.attend_backward(
            context.spans, query, key, value, biases, lse, torch.mm(dy, w.out), attention_seed, context.attention_rate
        )
        dx = None
        if ctx.needs_input_grad[0]:  # not where all below is frozen
            dquery_input = torch.addmm(dz, dquery_rows, w.query)
            dx = torch.mm(dkey_value_rows, w.key_value)
            dx = dx.add_(dquery_input) if context.first is None else dx.index_add_(0, context.first, dquery_input)
        dquery, dquery_bias = torch.mm(dquery_rows.t(), query_input), dquery_rows.sum(0)
        dkey, dvalue = torch.mm(dkey_value_rows.t(), x).chunk(2)
        dkey_bias, dvalue_bias = dkey_value_rows.sum(0).chunk(2)
        return (
            dx, None, None, None, dquery, dquery_bias, dkey, dkey_bias, dvalue, dvalue_bias, dout, dout_bias,
            dnorm1, dnorm1_bias, dup, dup_bias, ddown, ddown_bias, dnorm2, dnorm2_bias,
        )  # fmt: skip


class FusedEncoder:
    """Runs the layers of ``base`` (a Hugging Face encoder) as ``EncoderBlock``s.

    The bf16 copies of the weights are made at every call: torch cannot tell reliably that a weight has not changed (a
    fused AdamW step and an edit through ``.data`` leave its version counter alone). A caller that knows the weights
    are fixed, as in a scoring pass, may pass ``bf16_weights`` of an earlier call.
    """

    def __init__(self, base: nn.Module, kernels: Kernels) -> None:
        self.config: Any = base.config
        self.kernels = kernels
        self.layers: Any = base.encoder.layer  # type: ignore[union-attr]

    def bf16_weights(self) -> list[Bf16Weights]:
        """Copies of every layer's current weights."""
        return [Bf16Weights.of(layer_parameters(layer)) for layer in self.layers]

    def __call__(
        self,
        embeddings: Any,
        input_ids: Tensor,
        positions: Tensor,
        cu_seqlens: Tensor,
        *,
        training: bool,
        bf16_weights: list[Bf16Weights] | None = None,
        first_only: bool = True,
    ) -> Tensor:
        """(reviews, hidden) bf16: the state of each review's first token after the last layer; without ``first_only``
        (rows, hidden): those of all tokens.

        ``input_ids`` and ``positions`` are (rows,) int64, ``cu_seqlens`` (reviews + 1,) int64; rows after its last
        entry are padding that no review attends to. ``bf16_weights`` must be copies of the current weights.
        """
        config = self.config
        seed = int(torch.randint(2**40, ()).item()) if training else 0
        attention_rate = config.attention_probs_dropout_prob if training else 0.0
        hidden_rate = config.hidden_dropout_prob if training else 0.0
        all_rows = ReviewSpans(cu_seqlens, cu_seqlens, config.num_attention_heads)
        first_rows = ReviewSpans(torch.arange(len(cu_seqlens)), cu_seqlens, config.num_attention_heads)
        x = self._embed(embeddings, input_ids, positions, seed * (len(self.layers) + 1), hidden_rate)
        for number, (layer, weights) in enumerate(zip(self.layers, bf16_weights or self.bf16_weights(), strict=True)):
            last = first_only and number == len(self.layers) - 1
            context = LayerContext(
                first_rows if last else all_rows,
                cu_seqlens[:-1] if last else None,
                config.layer_norm_eps,
                attention_rate,
                hidden_rate,
                seed * (len(self.layers) + 1) + 1 + number,
            )
            x = EncoderBlock.apply(x, self.kernels, context, weights, *layer_parameters(layer))
        return x

    def _embed(self, embeddings: Any, input_ids: Tensor, positions: Tensor, seed: int, rate: float) -> Tensor:
        types = embeddings.token_type_embeddings.weight[0]
        total = embeddings.word_embeddings(input_ids) + embeddings.position_embeddings(positions) + types
        hidden = embeddings.LayerNorm(total)
        if rate:
            hidden = hidden * self.kernels.mask(hidden.shape, seed * 3, rate)
        return hidden.to(torch.bfloat16)


def why_not_fused(network: Any) -> str | None:
    """The reason why ``FusedEncoder`` cannot compute the encoder of ``network``; None where it can."""
    config = network.config
    if config.model_type not in ("xlm-roberta", "roberta", "camembert", "bert"):
        return f"{config.model_type} encoders have no fused kernels"
    if config.hidden_act != "gelu":
        return f"the fused kernels compute GELU, not {config.hidden_act}"
    if (config.hidden_size // config.num_attention_heads) % 16:
        return "the fused kernels need attention heads of a multiple of 16 units"
    if network.is_activation_checkpointing:
        return "the fused kernels keep the activations that gradient checkpointing would recompute"
    if any(type(m) is not nn.Linear for layer in network.base_model.encoder.layer for m in _linears(layer)):
        return "the fused kernels support plain linear layers only, not adapters"
    return None


def _linears(layer: Any) -> list[nn.Module]:
    attention = layer.attention
    projections = [attention.self.query, attention.self.key, attention.self.value]
    return [*projections, attention.output.dense, layer.intermediate.dense, layer.output.dense]


def layer_parameters(layer: Any) -> LayerParameters:
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
    return LayerParameters(*(p for module in modules for p in (module.weight, module.bias)))
