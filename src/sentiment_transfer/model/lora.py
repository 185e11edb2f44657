"""Low-rank adapters (Hu et al. 2021, arXiv 2106.09685) through peft, for encoders whose optimiser state is too large.

As in the paper, the query and value projections are adapted and all else is frozen but the classification head.
"""

from __future__ import annotations

import warnings

from torch import Tensor
from transformers import PreTrainedModel

from sentiment_transfer.errors import UserError

# What each family calls its query and value projections.
TARGETS = ("query", "value", "query_proj", "value_proj", "Wqkv")
HEADS = ("classifier", "score", "pooler", "head")


def add_lora(network: PreTrainedModel, rank: int) -> None:
    """Freeze the encoder and add adapters of ``rank`` (scaled by 2, dropout 0.05) to its attention; the head trains on.

    Raises UserError where peft is not installed or the architecture has no such projections.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise UserError(
            "model.lora_rank needs the package peft, which is not installed: pip install 'sentiment-transfer[lora]', "
            "or leave model.lora_rank out."
        ) from None
    names = {name.rpartition(".")[2] for name, _ in network.named_modules()}
    targets = [name for name in TARGETS if name in names]
    if not targets:
        raise UserError(
            f"model.lora_rank is invalid: {network.config.model_type} encoders have no query and value projections "
            "under a known name. Leave it out."
        )
    heads = [name for name, _ in network.named_children() if name in HEADS]
    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.05, target_modules=targets, bias="none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft's advice for other uses
        inject_adapter_in_model(config, network)
    for head in heads:
        network.get_submodule(head).requires_grad_(True)


def has_lora(network: PreTrainedModel) -> bool:
    return any("lora_" in name for name, _ in network.named_parameters())


def kept_state(network: PreTrainedModel) -> dict[str, Tensor]:
    """The tensors that a run has to keep: all of them or, with adapters, those that training changes (and which tokens
    a trimmed vocabulary covers); the frozen encoder is read again from its source."""
    state = network.state_dict()
    if not has_lora(network):
        return state
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    return {name: tensor for name, tensor in state.items() if name in trained or name.endswith(".kept_token_ids")}
