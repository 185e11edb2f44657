"""The dropouts of the AWD-LSTM (Merity et al. 2017, arXiv 1708.02182, sections 2 and 4)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

State = tuple[Tensor, Tensor]  # hidden and cell state of one layer, (1, texts, width) each


def locked_dropout(x: Tensor, rate: float, *, training: bool) -> Tensor:
    """Drop the same units of a text at every one of its tokens; ``x`` is (texts, tokens, width)."""
    if not training or not rate:
        return x
    return x * nn.functional.dropout(x.new_ones(len(x), 1, x.shape[2]), rate)


def drop_words(embedded: Tensor, input_ids: Tensor, vocabulary: int, rate: float, *, training: bool) -> Tensor:
    """Drop whole words, each at all of its places; ``embedded`` is (texts, tokens, width).

    The same as dropping rows of the embedding matrix, which is how the paper puts it.
    """
    if not training or not rate:
        return embedded
    kept = nn.functional.dropout(embedded.new_ones(vocabulary, 1), rate)
    return embedded * kept[input_ids]


class WeightDropLSTM(nn.Module):
    """One LSTM layer whose recurrent weights, and no others, are dropped: anew for every batch, the same for all of
    its tokens."""

    def __init__(self, inputs: int, width: int, rate: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, width, batch_first=True)
        self.rate = rate

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """(texts, tokens, width) and the state after the last token, of ``x`` (texts, tokens, inputs)."""
        if not self.training or not self.rate:
            return self.lstm(x, state)
        dropped = nn.functional.dropout(cast(Tensor, self.lstm.weight_hh_l0), self.rate)
        return functional_call(self.lstm, {"weight_hh_l0": dropped}, (x, state))


def activation_penalty(outputs: Tensor, valid: Tensor | None = None, *, alpha: float, beta: float) -> Tensor:
    """``alpha`` times the mean square of the outputs (AR) and ``beta`` times that of their change from one token to the
    next (TAR), () float32; section 4.6.

    ``outputs`` is (texts, tokens, width); ``valid`` (texts, tokens) bool leaves padding out.
    """
    outputs = outputs.float()
    squares, changes = outputs.square().mean(-1), (outputs[:, 1:] - outputs[:, :-1]).square().mean(-1)
    if valid is None:
        return alpha * squares.mean() + beta * (changes.mean() if changes.numel() else 0.0)
    both = valid[:, 1:]
    return alpha * _mean(squares, valid) + beta * _mean(changes, both)


def _mean(values: Tensor, valid: Tensor) -> Tensor:
    return torch.where(valid, values, 0.0).sum() / valid.sum().clamp(min=1)
