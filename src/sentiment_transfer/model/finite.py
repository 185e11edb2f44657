"""Weights that are numbers: NaN and infinity make every answer a class of chance, without a word."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from sentiment_transfer.errors import UserError


def refuse_non_finite(tensors: Iterable[tuple[str, Tensor]], whose: str, remedy: str) -> None:
    """Raises UserError, with the first tensor (by name) that holds NaN or infinity; ``whose`` is "the model x"."""
    for name, tensor in tensors:
        if tensor.is_floating_point() and not is_finite(tensor):
            raise UserError(
                f"The weights of {whose} hold values that are not numbers (NaN or infinity), in {name}: the file is "
                f"damaged, or the training diverged. {remedy}"
            )


def is_finite(tensor: Tensor) -> bool:
    """Whether a floating-point tensor of any shape holds neither NaN nor infinity; read once, without a copy."""
    if not tensor.numel():
        return True
    values = tensor.detach() if tensor.element_size() > 1 else tensor.detach().float()  # torch compares no 8-bit floats
    return all(math.isfinite(float(bound)) for bound in torch.aminmax(values))
