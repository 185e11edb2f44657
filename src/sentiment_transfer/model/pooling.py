"""The state that a classification head reads: of a review's first token, or the mean or the maximum over its tokens.

Mean and maximum are over all tokens that are no padding, special tokens included: as sentence-transformers and the E5
models pool (over the attention mask). The stock heads take the first of the states that they are given; a hook on the
encoder gives them one, the pooled one. ``config.json`` says which, under ``KEY``: a folder that is loaded here pools as
it was trained, and transformers, which does not know the key, must not be handed one (export/pooling.py). ModernBERT
can take the mean by itself (``classifier_pooling``), so that needs neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig

from sentiment_transfer.errors import UserError

KEY = "sentiment_transfer_pooling"  # in config.json: mean or max; absent where the stock network pools by itself
FIRST, MEAN, MAX = "first", "mean", "max"
MODERNBERT, BERT = "modernbert", "bert"
# Architectures whose classifier reads the encoder's first state and nothing else. BERT's pooler is in the encoder.
READ_FIRST = (
    *("xlm-roberta", "xlm-roberta-xl", "roberta", "camembert", "mpnet", "electra", "deberta-v2"),
    *(BERT, MODERNBERT),
)

C = TypeVar("C", bound=PreTrainedConfig)


def with_pooling(config: C, pooling: str | None, encoder: str) -> C:
    """``config`` with ``pooling`` (first, mean or max) in it; as it is where that is None.

    Raises UserError for an architecture whose head cannot be given another state.
    """
    if pooling is None:
        return config
    _refuse_other_heads(config, f"model.pooling={pooling} is invalid: {encoder}", "Leave it out.")
    itself = config.model_type == MODERNBERT and pooling != MAX
    if config.model_type == MODERNBERT:
        setattr(config, "classifier_pooling", MEAN if pooling == MEAN else "cls")  # noqa: B010  of ModernBERT alone
    if itself or pooling == FIRST:
        if hasattr(config, KEY):
            delattr(config, KEY)
    else:
        setattr(config, KEY, pooling)
    return config


def pool(network: PreTrainedModel, name: str) -> None:
    """Make ``network`` pool as its configuration says; ``name`` is where that comes from. To be called once.

    Raises UserError where it says what this version cannot do.
    """
    pooling = getattr(network.config, KEY, None)
    if pooling is None:
        return
    if pooling not in (MEAN, MAX):
        raise UserError(
            f"The config.json of {name} has {KEY}={str(pooling)[:60]}, which this version does not know: it must be "
            f"{MEAN} or {MAX}."
        )
    _refuse_other_heads(network.config, f"The config.json of {name} has {KEY}={pooling}, but it", "Name another model.")
    network.base_model.register_forward_hook(partial(_pool_output, pooling), with_kwargs=True)


def pooling_of(config: PreTrainedConfig) -> str:
    """``first``, ``mean`` or ``max``: what the head reads of a packed review."""
    return str(getattr(config, KEY, FIRST))


def needs_this_package(config: dict[str, Any]) -> str | None:
    """The pooling in the entries of a config.json that transformers' own classes do not compute; None where none is."""
    return config.get(KEY)


def pool_padded(hidden: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """(reviews, hidden) of ``hidden`` (reviews, longest, hidden), over the tokens that ``mask`` (reviews, longest)
    keeps. Sums are in fp32."""
    states, kept = hidden.float(), mask[..., None].bool()
    if pooling == MEAN:
        return ((states * kept).sum(1) / kept.sum(1)).to(hidden.dtype)
    return states.masked_fill(~kept, torch.finfo(torch.float32).min).amax(1).to(hidden.dtype)


def pool_packed(hidden: Tensor, lengths: Sequence[int], pooling: str) -> Tensor:
    """(reviews, hidden) of ``hidden`` (tokens, hidden), whose reviews of ``lengths`` tokens follow one another."""
    # Review by review: torch.segment_reduce takes longer backwards than two of e5_small's layers.
    states = hidden.float().split(list(lengths))
    pooled = [one.mean(0) if pooling == MEAN else one.amax(0) for one in states]
    return torch.stack(pooled).to(hidden.dtype)


def _pool_output(pooling: str, base: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
    """The encoder's output with the pooled state as the only one, (reviews, 1, hidden)."""
    if "packing" in kwargs:  # model/packed/network.py pools these by itself
        return output
    hidden, mask = output[0], kwargs.get("attention_mask")
    pooled = pool_padded(hidden, hidden.new_ones(hidden.shape[:2]) if mask is None else mask, pooling)[:, None]
    output.last_hidden_state = pooled
    if getattr(base.config, "model_type", None) == BERT and base.pooler is not None:
        output.pooler_output = base.pooler(pooled)  # type: ignore[operator]
    return output


def _refuse_other_heads(config: PreTrainedConfig, what: str, remedy: str) -> None:
    if config.model_type not in READ_FIRST:
        raise UserError(
            f"{what} is of the architecture {config.model_type}, whose classifier does not read the first token alone, "
            f"so that no other state can take its place (those that do: {', '.join(READ_FIRST)}). {remedy}"
        )
