"""The parts of an encoder by their place: its layers, and what computes after the last of them."""

from __future__ import annotations

from torch import nn

# Norms after the last layer, whichever that is; DeBERTa's encoder.LayerNorm, of its relative positions, is none.
FINAL_NORMS = {"xlm-roberta-xl": "encoder.LayerNorm", "modernbert": "final_norm"}


def layers(base: nn.Module) -> list[nn.Module]:
    """The encoder's layers: the longest list of modules in it."""
    lists = [list(module) for module in base.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=len, default=[])


def after_layers(base: nn.Module, model_type: str) -> list[nn.Module]:
    """The final norm and the pooler of an encoder, as far as it has them."""
    names = {name for name, _ in base.named_modules()}
    return [base.get_submodule(name) for name in (FINAL_NORMS.get(model_type, ""), "pooler") if name and name in names]
