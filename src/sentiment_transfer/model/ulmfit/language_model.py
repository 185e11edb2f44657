"""The language model: an AWD-LSTM that predicts each next token, and the stream of text that it reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.model.ulmfit.awd_lstm import AwdLstm, States, activation_penalty, locked_dropout

ALPHA, BETA = 2.0, 1.0  # of AR and TAR: arXiv 1708.02182, section 5


class LanguageModel(nn.Module):
    """Predicts the next token; input and output embeddings are the same matrix."""

    def __init__(self, encoder: AwdLstm) -> None:
        super().__init__()
        self.encoder = encoder
        self.bias = nn.Parameter(torch.zeros(encoder.vocabulary))

    def forward(self, input_ids: Tensor, states: States | None = None) -> tuple[Tensor, Tensor, States]:
        """Logits (texts, tokens, vocabulary), the encoder's outputs (texts, tokens, embedding) and its final states."""
        outputs, states = self.encoder(input_ids, states)
        dropped = locked_dropout(outputs, self.encoder.dropouts.output, training=self.training)
        return nn.functional.linear(dropped, self.encoder.word_embeddings.weight, self.bias), outputs, states

    def loss(self, window: Tensor, states: States | None) -> tuple[Tensor, Tensor, States]:
        """The mean cross-entropy of ``window`` (texts, tokens + 1) int64 and the AR and TAR penalty, both () float32,
        and the states for the next window."""
        logits, outputs, states = self(window[:, :-1], states)
        entropy = nn.functional.cross_entropy(logits.flatten(0, 1).float(), window[:, 1:].flatten())
        return entropy, activation_penalty(outputs, alpha=ALPHA, beta=BETA), states

    def groups(self) -> list[list[Tensor]]:
        """The parameters by learning rate, the first layer's first; the embedding, also the output's, comes last."""
        layers: list[list[Tensor]] = [list(layer.parameters()) for layer in self.encoder.layers]
        return [*layers, [self.encoder.word_embeddings.weight, self.bias]]


class Stream:
    """The texts of several stores, concatenated in a new order every epoch and cut into ``columns`` that are read in
    parallel, ``length`` tokens at a time. Epoch e of a seed is always the same."""

    def __init__(self, stores: Sequence[TokenStore], *, columns: int, length: int, seed: int) -> None:
        self.stores, self.length, self.seed = stores, length, seed
        self.tokens = sum(len(store.tokens) for store in stores)
        # A small corpus has fewer columns rather than columns shorter than a window.
        self.columns = max(1, min(columns, self.tokens // (2 * length)))

    def __len__(self) -> int:
        """Number of windows in an epoch."""
        return -(-(self.tokens // self.columns - 1) // self.length)

    def epoch(self, number: int) -> Tensor:  # (columns, tokens of a column) int64
        texts = [(store, row) for store in self.stores for row in range(len(store))]
        order = np.random.default_rng([self.seed, number]).permutation(len(texts))
        tokens = np.concatenate([texts[index][0][texts[index][1]] for index in order])
        width = len(tokens) // self.columns
        return torch.from_numpy(tokens[: width * self.columns].astype(np.int64)).view(self.columns, width)

    def window(self, epoch: Tensor, number: int) -> Tensor:  # (columns, <= length + 1) int64
        start = number * self.length
        return epoch[:, start : start + self.length + 1]
