"""The ULMFiT classifier as a Hugging Face model, which is saved, opened and scored like every other network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from sentiment_transfer.model.ulmfit.awd_lstm import AwdLstm, Dropouts, States, activation_penalty
from sentiment_transfer.model.ulmfit.language_model import ALPHA, BETA


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
    """A freshly initialised encoder with the sizes of ``config`` and the given dropout rates."""
    return AwdLstm(
        config.vocab_size,
        config.embedding_size,
        config.hidden_size,
        config.num_hidden_layers,
        dropouts,
        config.pad_token_id,
    )


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation that also takes a batch of one review, which has no variance, by the running statistics."""

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > 1 or not self.training:
            return super().forward(x)
        return nn.functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


class ConcatPool:
    """Concat pooling (section 3.3): the last output of a review, the maximum and the mean over its tokens.

    The reviews have ``lengths`` (n,) int64, longest first; their outputs are added in parts. Padding is ignored.
    """

    def __init__(self, lengths: Tensor) -> None:
        self.lengths, self.start = lengths, 0
        self._last: list[Tensor] = []  # of the reviews that ended in each part; the latest part comes first
        self._maximum = self._sum = lengths.new_empty(0, 0)

    def add(self, outputs: Tensor) -> Tensor:
        """Add the next part, (m, tokens, width), of the m reviews that have not ended before it.

        Returns (m, tokens) bool, False on padding.
        """
        outputs = outputs.float()
        count, tokens, _ = outputs.shape
        left = self.lengths[:count] - self.start
        valid = torch.arange(tokens, device=left.device) < left[:, None]
        summed = torch.where(valid[..., None], outputs, 0.0).sum(1)
        maximum = torch.where(valid[..., None], outputs, -torch.inf).amax(1)
        if self.start:
            summed = torch.cat([self._sum[:count] + summed, self._sum[count:]])
            maximum = torch.cat([torch.maximum(self._maximum[:count], maximum), self._maximum[count:]])
        self._sum, self._maximum = summed, maximum
        ended = int((left > tokens).sum())  # the reviews before this index continue
        self._last.insert(0, outputs[torch.arange(ended, count, device=left.device), left[ended:] - 1])
        self.start += tokens
        return valid

    def pooled(self) -> Tensor:  # (n, 3 x width) float32
        return torch.cat([torch.cat(self._last), self._maximum, self._sum / self.lengths[:, None]], dim=1)


class UlmfitForSequenceClassification(PreTrainedModel):
    """An AWD-LSTM, its outputs pooled over all tokens (last, maximum, mean), and two linear blocks (section 3.3).

    A long text is read ``bptt`` tokens at a time: each part begins with the final state of the part before, all outputs
    are pooled, and gradients reach every part but do not cross into the part before.
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
        """Keep torch's initial weights, and AwdLstm's of the embedding, which are the paper's."""

    def get_input_embeddings(self) -> nn.Module:
        return self.encoder.word_embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.encoder.word_embeddings = value  # type: ignore[assignment]

    def groups(self) -> list[nn.Module]:
        """The layer groups that are unfrozen together and share a learning rate, the lowest first."""
        return [self.encoder.word_embeddings, *self.encoder.layers, self.classifier]

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **_: Any) -> SequenceClassifierOutput:
        """Logits (reviews, classes) of ``input_ids`` and ``attention_mask`` (reviews, longest) int64, right-padded."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        pooled = self._pooled(input_ids, mask.sum(1))
        with torch.autocast(pooled.device.type, enabled=False):  # a batch's mean and variance need fp32
            return SequenceClassifierOutput(logits=self.classifier(pooled))

    def _pooled(self, input_ids: Tensor, lengths: Tensor) -> Tensor:  # (reviews, 3 x embedding) float32
        """Longest reviews first, so that a part is computed only for the reviews that have not ended before it."""
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
