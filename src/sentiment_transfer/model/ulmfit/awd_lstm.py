"""The AWD-LSTM (Merity et al. 2017, arXiv 1708.02182), the encoder of the language model and of the classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

State = tuple[Tensor, Tensor]  # hidden and cell state of one layer, (1, texts, width) each
States = list[State]
INITIAL_RANGE = 0.1  # of the embedding, uniform; section 5 of arXiv 1708.02182


@dataclass(frozen=True)
class Dropouts:
    """Dropout rates; the defaults are those of arXiv 1801.06146, section 4.1 (``output`` is its "layers")."""

    words: float = 0.05
    input: float = 0.4
    hidden: float = 0.3
    weights: float = 0.5
    output: float = 0.4

    def scaled(self, factor: float) -> Dropouts:
        return Dropouts(**{name: rate * factor for name, rate in vars(self).items()})


class AwdLstm(nn.Module):
    """An embedding and ``layers`` LSTMs, the last of them as wide as the embedding."""

    def __init__(self, vocabulary: int, embedding: int, hidden: int, layers: int, dropouts: Dropouts, pad: int) -> None:
        super().__init__()
        self.vocabulary, self.dropouts = vocabulary, dropouts
        self.word_embeddings = nn.Embedding(vocabulary, embedding, padding_idx=pad)
        widths = [embedding, *[hidden] * (layers - 1), embedding]
        self.layers = nn.ModuleList(WeightDropLSTM(widths[i], widths[i + 1], dropouts.weights) for i in range(layers))
        nn.init.uniform_(self.word_embeddings.weight, -INITIAL_RANGE, INITIAL_RANGE)

    def forward(self, input_ids: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """The last layer's outputs (texts, tokens, embedding) for ``input_ids`` (texts, tokens) int64, and the final
        state of every layer, detached: gradients do not reach the tokens before ``input_ids``."""
        drop, on = self.dropouts, self.training
        x = drop_words(self.word_embeddings(input_ids), input_ids, self.vocabulary, drop.words, training=on)
        x = locked_dropout(x, drop.input, training=on)
        after: States = []
        for number, layer in enumerate(self.layers):
            if number:
                x = locked_dropout(x, drop.hidden, training=on)
            x, (hidden, cell) = layer(x, states[number] if states else None)
            after.append((hidden.detach(), cell.detach()))
        return x, after


def locked_dropout(x: Tensor, rate: float, *, training: bool) -> Tensor:
    """Variational dropout: the same units of a text at every token; ``x`` is (texts, tokens, width). Section 4."""
    if not training or not rate:
        return x
    return x * nn.functional.dropout(x.new_ones(len(x), 1, x.shape[2]), rate)


def drop_words(embedded: Tensor, input_ids: Tensor, vocabulary: int, rate: float, *, training: bool) -> Tensor:
    """Drop words, each at all of its occurrences; ``embedded`` is (texts, tokens, width).

    Equal to dropping rows of the embedding matrix, as section 4.3 describes it.
    """
    if not training or not rate:
        return embedded
    kept = nn.functional.dropout(embedded.new_ones(vocabulary, 1), rate)
    return embedded * kept[input_ids]


class WeightDropLSTM(nn.Module):
    """One LSTM layer with DropConnect on its recurrent weights (section 2): one mask per batch, for all tokens."""

    def __init__(self, inputs: int, width: int, rate: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, width, batch_first=True)
        self.rate = rate

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Outputs (texts, tokens, width) for ``x`` (texts, tokens, inputs), and the state after the last token."""
        if not self.training or not self.rate:
            return self.lstm(x, state)
        dropped = nn.functional.dropout(cast(Tensor, self.lstm.weight_hh_l0), self.rate)
        return functional_call(self.lstm, {"weight_hh_l0": dropped}, (x, state))


def activation_penalty(outputs: Tensor, valid: Tensor | None = None, *, alpha: float, beta: float) -> Tensor:
    """``alpha`` times the mean square of the outputs (AR) and ``beta`` times that of their change from one token to the
    next (TAR), () float32; section 4.6.

    ``outputs`` is (texts, tokens, width); ``valid`` (texts, tokens) bool is False on padding.
    """
    outputs = outputs.float()
    squares, changes = outputs.square().mean(-1), (outputs[:, 1:] - outputs[:, :-1]).square().mean(-1)
    if valid is None:
        return alpha * squares.mean() + beta * (changes.mean() if changes.numel() else 0.0)
    both = valid[:, 1:]
    return alpha * _mean(squares, valid) + beta * _mean(changes, both)


def _mean(values: Tensor, valid: Tensor) -> Tensor:
    return torch.where(valid, values, 0.0).sum() / valid.sum().clamp(min=1)
