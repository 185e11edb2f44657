"""The AWD-LSTM: what the language model and the classifier share."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from sentiment_transfer.model.ulmfit.dropout import State, WeightDropLSTM, drop_words, locked_dropout

States = list[State]
INITIAL_RANGE = 0.1  # of the embedding, uniform; section 5 of arXiv 1708.02182


@dataclass(frozen=True)
class Dropouts:
    """Rates; the values are those of arXiv 1801.06146, section 4.1 (``output`` is its "layers")."""

    words: float = 0.05
    input: float = 0.4
    hidden: float = 0.3
    weights: float = 0.5
    output: float = 0.4

    def scaled(self, factor: float) -> Dropouts:
        return Dropouts(**{name: rate * factor for name, rate in vars(self).items()})


class AwdLstm(nn.Module):
    """An embedding and ``layers`` LSTMs, the last of which is as wide as the embedding."""

    def __init__(self, vocabulary: int, embedding: int, hidden: int, layers: int, dropouts: Dropouts, pad: int) -> None:
        super().__init__()
        self.vocabulary, self.dropouts = vocabulary, dropouts
        self.word_embeddings = nn.Embedding(vocabulary, embedding, padding_idx=pad)
        widths = [embedding, *[hidden] * (layers - 1), embedding]
        self.layers = nn.ModuleList(WeightDropLSTM(widths[i], widths[i + 1], dropouts.weights) for i in range(layers))
        nn.init.uniform_(self.word_embeddings.weight, -INITIAL_RANGE, INITIAL_RANGE)

    def forward(self, input_ids: Tensor, states: States | None = None) -> tuple[Tensor, States]:
        """Outputs of the last layer (texts, tokens, embedding), undropped, and every layer's state, detached: gradients
        end where ``input_ids`` (texts, tokens) int64 begin."""
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
