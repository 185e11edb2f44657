"""The ULMFiT classifier as a Hugging Face model: saved, opened and scored like every other network of this program."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from sentiment_transfer.model.ulmfit.dropout import activation_penalty
from sentiment_transfer.model.ulmfit.encoder import AwdLstm, Dropouts, States
from sentiment_transfer.model.ulmfit.language_model import ALPHA, BETA
from sentiment_transfer.model.ulmfit.pooling import ConcatPool


class UlmfitConfig(PreTrainedConfig):
    """Sizes and dropouts of section 4.1 of arXiv 1801.06146, but 1,152 hidden units (18 x 64) for its 1,150."""

    model_type = "ulmfit"

    def __init__(
        self,
        vocab_size: int = 10_000,
        embedding_size: int = 400,
        hidden_size: int = 1152,
        num_hidden_layers: int = 3,
        head_size: int = 50,
        bptt: int = 70,
        word_dropout: float = Dropouts.words,
        input_dropout: float = Dropouts.input,
        hidden_dropout: float = Dropouts.hidden,
        weight_dropout: float = Dropouts.weights,
        output_dropout: float = Dropouts.output,
        head_dropout: float = 0.1,
        pad_token_id: int = 1,
        **others: Any,
    ) -> None:
        self.vocab_size, self.embedding_size, self.hidden_size = vocab_size, embedding_size, hidden_size
        self.num_hidden_layers, self.head_size, self.bptt = num_hidden_layers, head_size, bptt
        self.word_dropout, self.input_dropout, self.hidden_dropout = word_dropout, input_dropout, hidden_dropout
        self.weight_dropout, self.output_dropout, self.head_dropout = weight_dropout, output_dropout, head_dropout
        self.pad_token_id = pad_token_id
        super().__init__(**others)

    @property
    def dropouts(self) -> Dropouts:
        return Dropouts(
            self.word_dropout, self.input_dropout, self.hidden_dropout, self.weight_dropout, self.output_dropout
        )


def awd_lstm(config: UlmfitConfig, dropouts: Dropouts) -> AwdLstm:
    """The encoder of ``config``, with rates of its own."""
    return AwdLstm(
        config.vocab_size,
        config.embedding_size,
        config.hidden_size,
        config.num_hidden_layers,
        dropouts,
        config.pad_token_id,
    )


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation that takes a batch of one review too, which has no variance: by the running statistics."""

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > 1 or not self.training:
            return super().forward(x)
        return nn.functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


class UlmfitForSequenceClassification(PreTrainedModel):
    """An AWD-LSTM, its outputs pooled over all tokens (last, maximum, mean), and two linear blocks (section 3.3).

    A long text is read ``bptt`` tokens at a time: each part begins with the state that the one before it ended with,
    all outputs are pooled, and gradients reach every part but do not cross from one into the one before.
    """

    config_class = UlmfitConfig
    base_model_prefix = "encoder"

    def __init__(self, config: UlmfitConfig) -> None:
        super().__init__(config)
        self.encoder = awd_lstm(config, config.dropouts)
        self.classifier = nn.Sequential(
            BatchNorm(3 * config.embedding_size),
            nn.Dropout(config.output_dropout),
            nn.Linear(3 * config.embedding_size, config.head_size),
            nn.ReLU(),
            BatchNorm(config.head_size),
            nn.Dropout(config.head_dropout),
            nn.Linear(config.head_size, config.num_labels or 2),
        )
        self.penalty: Tensor | None = None  # on the activations of the last training batch, for its loss
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """torch's own initial weights, and AwdLstm's of the embedding, are what the paper starts from."""

    def get_input_embeddings(self) -> nn.Module:
        return self.encoder.word_embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.encoder.word_embeddings = value  # type: ignore[assignment]

    def groups(self) -> list[nn.Module]:
        """What is unfrozen together and has a learning rate of its own, the lowest first."""
        return [self.encoder.word_embeddings, *self.encoder.layers, self.classifier]

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **_: Any) -> SequenceClassifierOutput:
        """Logits (reviews, classes) of ``input_ids`` and ``attention_mask`` (reviews, longest) int64, padded at the
        end."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        pooled = self._pooled(input_ids, mask.sum(1))
        with torch.autocast(pooled.device.type, enabled=False):  # a batch's mean and variance need their digits
            return SequenceClassifierOutput(logits=self.classifier(pooled))

    def _pooled(self, input_ids: Tensor, lengths: Tensor) -> Tensor:  # (reviews, 3 x embedding) float32
        """Longest reviews first, so that each part is computed for those alone that have not ended before it."""
        lengths, order = lengths.sort(descending=True, stable=True)
        input_ids = input_ids[order]
        pool, penalties = ConcatPool(lengths), []
        states: States | None = None
        for start in range(0, int(lengths[0]), self.config.bptt):
            count = int((lengths > start).sum())
            part = input_ids[:count, start : min(start + self.config.bptt, int(lengths[0]))]
            if states is not None:
                states = [(hidden[:, :count].contiguous(), cell[:, :count].contiguous()) for hidden, cell in states]
            outputs, states = self.encoder(part, states)
            valid = pool.add(outputs)
            if self.training:
                penalties.append(activation_penalty(outputs, valid, alpha=ALPHA, beta=BETA) * valid.sum())
        self.penalty = torch.stack(penalties).sum() / lengths.sum() if penalties else None
        return pool.pooled()[order.argsort()]


AutoConfig.register(UlmfitConfig.model_type, UlmfitConfig)
AutoModelForSequenceClassification.register(UlmfitConfig, UlmfitForSequenceClassification)
