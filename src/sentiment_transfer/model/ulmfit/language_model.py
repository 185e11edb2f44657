"""The language model: an AWD-LSTM that predicts each next token, and the stream of text that it reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.model.ulmfit.dropout import activation_penalty, locked_dropout
from sentiment_transfer.model.ulmfit.encoder import AwdLstm, States

ALPHA, BETA = 2.0, 1.0  # of AR and TAR: arXiv 1708.02182, section 5


class LanguageModel(nn.Module):
    """The next token of every token; input and output embeddings are the same matrix."""

    def __init__(self, encoder: AwdLstm) -> None:
        super().__init__()
        self.encoder = encoder
        self.bias = nn.Parameter(torch.zeros(encoder.vocabulary))

    def forward(self, input_ids: Tensor, states: States | None = None) -> tuple[Tensor, Tensor, States]:
        """Logits (texts, tokens, vocabulary), the outputs (texts, tokens, embedding) they come from, and the states."""
        outputs, states = self.encoder(input_ids, states)
        dropped = locked_dropout(outputs, self.encoder.dropouts.output, training=self.training)
        return nn.functional.linear(dropped, self.encoder.word_embeddings.weight, self.bias), outputs, states

    def loss(self, window: Tensor, states: States | None) -> tuple[Tensor, Tensor, States]:
        """The mean cross-entropy of ``window`` (texts, tokens + 1) int64, the penalty on its activations, both ()
        float32, and the states to go on from."""
        logits, outputs, states = self(window[:, :-1], states)
        entropy = nn.functional.cross_entropy(logits.flatten(0, 1).float(), window[:, 1:].flatten())
        return entropy, activation_penalty(outputs, alpha=ALPHA, beta=BETA), states

    def groups(self) -> list[list[Tensor]]:
        """The parameters that have a learning rate of their own, the first layer's first. Input and output embeddings
        are one matrix, and come last."""
        layers: list[list[Tensor]] = [list(layer.parameters()) for layer in self.encoder.layers]
        return [*layers, [self.encoder.word_embeddings.weight, self.bias]]


class Stream:
    """The texts of several stores as one long text in a new order every epoch, cut into ``columns`` that are read side
    by side, ``length`` tokens at a time. Epoch e of a seed is always the same."""

    def __init__(self, stores: Sequence[TokenStore], *, columns: int, length: int, seed: int) -> None:
        self.stores, self.length, self.seed = stores, length, seed
        self.tokens = sum(len(store.tokens) for store in stores)
        # A small corpus has fewer columns rather than columns shorter than a window.
        self.columns = max(1, min(columns, self.tokens // (2 * length)))

    def __len__(self) -> int:
        """Windows of an epoch."""
        return -(-(self.tokens // self.columns - 1) // self.length)

    def epoch(self, number: int) -> Tensor:  # (columns, tokens of a column) int64
        texts = [(store, row) for store in self.stores for row in range(len(store))]
        order = np.random.default_rng([self.seed, number]).permutation(len(texts))
        whole = np.concatenate([texts[place][0][texts[place][1]] for place in order])
        width = len(whole) // self.columns
        return torch.from_numpy(whole[: width * self.columns].astype(np.int64)).view(self.columns, width)

    def window(self, epoch: Tensor, number: int) -> Tensor:  # (columns, <= length + 1) int64
        start = number * self.length
        return epoch[:, start : start + self.length + 1]
