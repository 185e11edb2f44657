"""Parts of an encoder that are not trained: the token embeddings, the lowest layers, or all but the head.

What is frozen from the input upwards gets no gradient, so that none is computed there and nothing is kept for one:
autograd stops at the lowest tensor that is trained. Dropout stays, as in transformers' own trainer.
"""

from __future__ import annotations

import re

from torch import nn
from transformers import PreTrainedModel

from sentiment_transfer.errors import UserError
from sentiment_transfer.model.layers import after_layers, layers

LOWER = re.compile(r"lower_([1-9]\d*)")


def freeze(network: PreTrainedModel, part: str | None, encoder: str) -> None:
    """Freeze ``part``: ``embeddings`` (those of the tokens), ``lower_6`` (all embeddings and the lowest six layers) or
    ``encoder`` (all but the head, of which BERT's pooler is a part); None: nothing.

    Raises UserError where the encoder has fewer layers.
    """
    if part is None:
        return
    if part == "embeddings":
        network.get_input_embeddings().requires_grad_(False)
        return
    base: nn.Module = network.base_model
    stack = layers(base)
    base.requires_grad_(False)
    pooler = getattr(base, "pooler", None)
    trained: list[nn.Module] = [] if pooler is None else [pooler]
    if matched := LOWER.fullmatch(part):
        lowest = int(matched[1])
        if lowest > len(stack):
            raise UserError(
                f"model.freeze={part} is invalid: {encoder} has {len(stack)} layers here. Type model.freeze=lower_k "
                f"with k from 1 to {len(stack)}, or model.freeze=encoder to train the head alone."
            )
        trained += [*stack[lowest:], *after_layers(base, network.config.model_type)]
    for module in trained:
        module.requires_grad_(True)


def refuse_frozen_new_layers(network: PreTrainedModel, part: str | None, new: int | None, encoder: str) -> None:
    """Raise UserError where ``part`` would freeze some of the top ``new`` layers, which are initialised anew."""
    matched, count = LOWER.fullmatch(part or ""), len(layers(network.base_model))
    if not matched or new is None or max(new, lowest := int(matched[1])) > count or new + lowest <= count:
        return
    instead = [f"model.freeze=lower_{count - new}" if new < count else "model.freeze=null"]
    instead += [f"model.reinit_top={count - lowest}"] if lowest < count else []
    raise UserError(
        f"model.reinit_top={new} is invalid with model.freeze={part}: {encoder} has {count} layers here, and "
        f"{new + lowest - count} of the new ones would stay as drawn. Type {' or '.join(instead)}."
    )


def layers_without_gradient(network: PreTrainedModel) -> int:
    """The layers, counted from the lowest, through which no gradient flows: they are frozen, as is all before them."""
    base: nn.Module = network.base_model
    stack = layers(base)
    above = {id(p) for module in [*stack, *after_layers(base, network.config.model_type)] for p in module.parameters()}
    if any(p.requires_grad for p in base.parameters() if id(p) not in above):
        return 0
    trained = (place for place, layer in enumerate(stack) if any(p.requires_grad for p in layer.parameters()))
    return next(trained, len(stack))
