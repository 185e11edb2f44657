"""One layer of a post-norm encoder (XLM-R, RoBERTa, BERT) on a packed row, in bf16 on the CPU, forward and backward.

Matrix products are torch's; all between them is ``kernels.c``. Weights come as bf16 copies of fp32 masters, which get
the gradients. In the last layer only the first token of each review is asked for (``spans`` says so): the classifier
reads no other, so queries, output and feed-forward are computed for those alone, with the same result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sentiment_transfer.model.packed.kernels import Kernels, Spans


class Masters(NamedTuple):
    """A layer's parameters, fp32, as ``torch.nn.Linear`` and ``LayerNorm`` hold them."""

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
class Copies:
    """The matrices (and the biases that their products add) in bf16; key and value as one."""

    query: Tensor
    query_bias: Tensor
    key_value: Tensor  # (2 * hidden, hidden)
    key_value_bias: Tensor
    out: Tensor
    out_bias: Tensor
    up: Tensor
    up_bias: Tensor
    down: Tensor
    down_bias: Tensor

    @classmethod
    def of(cls, m: Masters) -> Copies:
        def bf16(*tensors: Tensor) -> Tensor:
            return torch.cat([tensor.detach() for tensor in tensors]).to(torch.bfloat16)

        return cls(
            bf16(m.query),
            bf16(m.query_bias),
            bf16(m.key, m.value),
            bf16(m.key_bias, m.value_bias),
            *(bf16(t) for t in (m.out, m.out_bias, m.up, m.up_bias, m.down, m.down_bias)),
        )


@dataclass(frozen=True)
class Place:
    """What a layer needs besides its weights."""

    spans: Spans
    first: Tensor | None  # (reviews,) int64: rows that are asked for; None: all
    eps: float
    attention_rate: float
    hidden_rate: float
    seed: int  # of this layer in this step


class EncoderBlock(torch.autograd.Function):
    """(rows, hidden) bf16 -> (rows, hidden) bf16, or (reviews, hidden) where ``place.first`` is given.

    Rows that belong to no review carry no meaning and get no gradient.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernels: Kernels, place: Place, w: Copies, *masters: Tensor) -> Tensor:
        m = Masters(*masters)
        attention_seed, seed1, seed2 = (place.seed * 3 + i for i in range(3))
        asked = x if place.first is None else x[place.first]
        query = torch.addmm(w.query_bias, asked, w.query.t())
        key, value = torch.addmm(w.key_value_bias, x, w.key_value.t()).chunk(2, -1)
        context, lse = kernels.attend(place.spans, query, key, value, attention_seed, place.attention_rate)
        y = torch.addmm(w.out_bias, context, w.out.t())
        h, z1, mean1, rstd1 = kernels.add_norm(asked, y, m.norm1, m.norm1_bias, place.eps, seed1, place.hidden_rate)
        u = torch.addmm(w.up_bias, h, w.up.t())
        a = torch.nn.functional.gelu(u)
        y = torch.addmm(w.down_bias, a, w.down.t())
        out, z2, mean2, rstd2 = kernels.add_norm(h, y, m.norm2, m.norm2_bias, place.eps, seed2, place.hidden_rate)
        if any(ctx.needs_input_grad):
            ctx.fixed = (kernels, place, w, m)
            ctx.kept = (x, asked, query, key, value, context, lse, z1, mean1, rstd1, h, u, a, z2, mean2, rstd2)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        kernels, place, w, m = ctx.fixed
        x, asked, query, key, value, context, lse, z1, mean1, rstd1, h, u, a, z2, mean2, rstd2 = ctx.kept
        del ctx.kept  # as large as the batch: let go of it layer by layer
        attention_seed, seed1, seed2 = (place.seed * 3 + i for i in range(3))
        rate = place.hidden_rate
        dz, dy, (dnorm2, dnorm2_bias, ddown_bias) = kernels.add_norm_backward(
            grad.contiguous(), z2, mean2, rstd2, m.norm2, seed2, rate
        )
        ddown = torch.mm(dy.t(), a)
        du, dup_bias = kernels.gelu_backward(u, torch.mm(dy, w.down))
        dup = torch.mm(du.t(), h)
        dz, dy, (dnorm1, dnorm1_bias, dout_bias) = kernels.add_norm_backward(
            torch.addmm(dz, du, w.up), z1, mean1, rstd1, m.norm1, seed1, rate
        )
        dout = torch.mm(dy.t(), context)
        dquery_rows, dkey_value_rows = torch.zeros_like(query), torch.zeros(len(x), 2 * x.shape[1], dtype=x.dtype)
        dkey_rows, dvalue_rows = dkey_value_rows.chunk(2, -1)
        kernels.attend_backward(
            place.spans, query, key, value, lse, torch.mm(dy, w.out),
            (dquery_rows, dkey_rows, dvalue_rows), attention_seed, place.attention_rate,
        )  # fmt: skip
        dasked = torch.addmm(dz, dquery_rows, w.query)
        dx = torch.mm(dkey_value_rows, w.key_value)
        dx = dx.add_(dasked) if place.first is None else dx.index_add_(0, place.first, dasked)
        dquery, dquery_bias = torch.mm(dquery_rows.t(), asked), dquery_rows.sum(0)
        dkey, dvalue = torch.mm(dkey_value_rows.t(), x).chunk(2)
        dkey_bias, dvalue_bias = dkey_value_rows.sum(0).chunk(2)
        return (
            dx, None, None, None, dquery, dquery_bias, dkey, dkey_bias, dvalue, dvalue_bias, dout, dout_bias,
            dnorm1, dnorm1_bias, dup, dup_bias, ddown, ddown_bias, dnorm2, dnorm2_bias,
        )  # fmt: skip
