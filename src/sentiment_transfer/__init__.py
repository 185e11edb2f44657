"""Zero-shot cross-lingual sentiment classification with XLM-R, Hydra and PyTorch Lightning.

``from sentiment_transfer import load`` opens what was trained; see ``prediction/predictor.py``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentiment_transfer.prediction.predictor import Prediction, Predictor, load

# Read when transformers is imported: with the package kernels installed it would download and run code of the hub.
os.environ["USE_HUB_KERNELS"] = "NO"

__version__ = "0.1.0"
__all__ = ["Prediction", "Predictor", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """``load`` and its classes, imported when they are asked for: they need torch, which takes seconds."""
    if name in ("load", "Prediction", "Predictor"):
        from sentiment_transfer.prediction import predictor

        return getattr(predictor, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
