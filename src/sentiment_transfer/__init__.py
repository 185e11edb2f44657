"""Zero-shot cross-lingual sentiment classification with XLM-R, Hydra and PyTorch Lightning.

>>> from sentiment_transfer import evaluate, load, results, train

docs/python.md shows their use. The datasets as LightningDataModules are in ``sentiment_transfer.data``.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from sentiment_transfer.errors import UserError

if TYPE_CHECKING:
    from sentiment_transfer.api.overview import results
    from sentiment_transfer.api.run import Run
    from sentiment_transfer.api.session import RunInterrupted
    from sentiment_transfer.api.training import evaluate, train
    from sentiment_transfer.prediction.predictions import Prediction, Predictions
    from sentiment_transfer.prediction.predictor import Predictor, load

# Read when transformers is imported: with the package kernels installed it would download and run code of the hub.
os.environ["USE_HUB_KERNELS"] = "NO"

__version__ = "0.1.0"
__all__ = [
    "Prediction",
    "Predictions",
    "Predictor",
    "Run",
    "RunInterrupted",
    "UserError",
    "__version__",
    "evaluate",
    "load",
    "results",
    "train",
]
# Imported when they are asked for: some need torch, which takes seconds.
LAZY = {
    "Prediction": "prediction.predictions",
    "Predictions": "prediction.predictions",
    "Predictor": "prediction.predictor",
    "load": "prediction.predictor",
    "Run": "api.run",
    "RunInterrupted": "api.session",
    "evaluate": "api.training",
    "train": "api.training",
}


def __getattr__(name: str) -> Any:
    if name == "results":
        return importlib.import_module(f"{__name__}.results")  # which can be called
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
