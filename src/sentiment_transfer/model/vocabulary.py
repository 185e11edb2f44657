"""Exact vocabulary trimming: an embedding that holds the rows of the tokens that occur, and no others.

XLM-R's 250,002 rows are 69 % of the base model, and a run meets a tenth of them. What never occurs gets no gradient
and touches no logit, so training and scoring are the same. Only weight decay would have moved the rows of tokens that
no training text has: absent or present, they stay as they were (``HeldRows``), so that the trained weights do not
depend on what else a run reads. The row-to-token map travels with the weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.nn.functional import embedding
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from sentiment_transfer.data.tokens import TokenStore
from sentiment_transfer.errors import UserError
from sentiment_transfer.model.tokenizer import vocabulary_size

ABSENT = -1


class TrimmedEmbedding(nn.Module):
    """Embeds the ``kept`` tokens of a vocabulary; takes the tokenizer's ids, as the full matrix does.

    Raises UserError for a token that is not kept (on a GPU, an assertion of the device).
    """

    kept_token_ids: Tensor  # (n,) int64, ascending: the token of each row
    _row: Tensor  # (vocabulary,) int32: the row of each token, or ABSENT

    def __init__(self, full: nn.Embedding, kept: Tensor) -> None:
        super().__init__()
        self.vocabulary, self.embedding_dim = full.weight.shape
        self.weight = nn.Parameter(full.weight.detach()[kept].clone(), requires_grad=full.weight.requires_grad)
        self.register_buffer("kept_token_ids", kept)
        row = torch.full((self.vocabulary,), ABSENT, dtype=torch.int32)
        row[kept] = torch.arange(len(kept), dtype=torch.int32)
        self.register_buffer("_row", row, persistent=False)
        self.padding_idx = None if full.padding_idx is None else int(row[full.padding_idx])

    def forward(self, input_ids: Tensor) -> Tensor:
        rows = self._row[input_ids]
        if rows.device.type == "cpu":
            if (rows < 0).any():
                absent = sorted(set(input_ids[rows < 0].tolist()))
                raise UserError(
                    f"The text has {len(absent)} tokens that this model's trimmed vocabulary of "
                    f"{len(self.kept_token_ids):,} lacks, e.g. token {absent[0]}: it was trained for other texts. "
                    "Restore the vocabulary first (restore_vocabulary), or train with model.trim_vocabulary=false."
                )
        else:
            torch._assert_async((rows >= 0).all())
        return embedding(rows, self.weight, self.padding_idx)

    def restored(self, full: Tensor) -> Tensor:
        """The whole matrix (vocabulary, width): ``full``'s rows, but this one's where a token is kept."""
        if full.shape != (self.vocabulary, self.embedding_dim):
            raise UserError(
                f"The matrix to restore the vocabulary from is {tuple(full.shape)}, but the trimmed one was cut from "
                f"{(self.vocabulary, self.embedding_dim)}: name the encoder that the run started from."
            )
        whole = full.detach().clone()
        whole[self.kept_token_ids] = self.weight.detach().to(whole)
        return whole

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        theirs = state_dict.get(prefix + "kept_token_ids")
        errors = args[-1]
        if theirs is None or not torch.equal(theirs.cpu(), self.kept_token_ids.cpu()):
            errors.append("the weights cover other tokens than this run's texts have: the data has changed")
            return
        super()._load_from_state_dict(state_dict, prefix, *args)


class HeldRows:
    """Puts the rows of a trimmed embedding whose tokens are not among ``trained`` (m,) int64 back to what they are now.

    To be called after every step of the optimiser, whose weight decay moves all rows. A row of zeros in every gradient
    has no momentum, so that nothing else does.
    """

    def __init__(self, embedding: TrimmedEmbedding, trained: Tensor) -> None:
        self._embedding = embedding
        held = torch.ones(embedding.vocabulary, dtype=torch.bool)
        held[trained] = False
        rows = held[embedding.kept_token_ids.cpu()].nonzero()[:, 0]
        weight = embedding.weight.detach()
        if isinstance(weight, DTensor):  # FSDP: every process holds as many rows, the last ones what is left
            first = weight.device_mesh.get_local_rank() * -(-len(weight) // weight.device_mesh.size())
            weight = weight.to_local()
            rows = rows[(rows >= first) & (rows < first + len(weight))] - first
        self._rows = rows.to(weight.device)
        self._values = weight[self._rows].clone()

    @torch.no_grad()
    def __call__(self, *_: object) -> None:
        weight = self._embedding.weight
        local = weight.to_local() if isinstance(weight, DTensor) else weight
        local.index_copy_(0, self._rows, self._values)


def kept_token_ids(stores: Iterable[TokenStore], tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """(n,) int64, ascending: every token that occurs in ``stores``, and the special ones."""
    seen = np.zeros(vocabulary_size(tokenizer), dtype=bool)
    seen[tokenizer.all_special_ids] = True
    for store in stores:
        for begin in range(0, len(store.tokens), 1 << 22):  # a memory-mapped store may be larger than memory
            seen[store.tokens[begin : begin + (1 << 22)]] = True
    return torch.from_numpy(np.flatnonzero(seen))


def trim_vocabulary(network: PreTrainedModel, kept: Tensor) -> None:
    """Keep the ``kept`` rows of the network's token embedding and let go of the others."""
    full = network.get_input_embeddings()
    if not isinstance(full, nn.Embedding) or len(kept) >= len(full.weight):
        return
    padding = full.padding_idx
    if padding is not None and padding not in kept:
        kept = torch.sort(torch.cat([kept, torch.tensor([padding])])).values
    network.set_input_embeddings(TrimmedEmbedding(full, kept))


def trim_like(network: PreTrainedModel, state: Mapping[str, Tensor]) -> None:
    """Trim the network as the run did whose weights ``state`` are, so that it can load them."""
    kept = [tensor for name, tensor in state.items() if name.endswith(".kept_token_ids")]
    if kept:
        trim_vocabulary(network, kept[0])


def restore_vocabulary(network: PreTrainedModel, full: Tensor) -> None:
    """Put the whole token embedding back: ``full`` (vocabulary, width) is the one that training began with."""
    trimmed = network.get_input_embeddings()
    if isinstance(trimmed, TrimmedEmbedding):
        whole = nn.Embedding.from_pretrained(
            trimmed.restored(full),
            freeze=not trimmed.weight.requires_grad,
            padding_idx=None if trimmed.padding_idx is None else int(trimmed.kept_token_ids[trimmed.padding_idx]),
        )
        network.set_input_embeddings(whole)


def full_vocabulary(network: PreTrainedModel) -> int:
    """Rows of the token embedding before any was trimmed."""
    rows = network.get_input_embeddings()
    return rows.vocabulary if isinstance(rows, TrimmedEmbedding) else len(rows.weight)  # type: ignore[arg-type]
