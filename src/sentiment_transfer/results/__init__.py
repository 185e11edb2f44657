"""Results on disk: the record of a run, its predictions, and the published numbers to compare it with."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Results(ModuleType):
    """The room has the name of the public function, which ``from sentiment_transfer import results`` calls."""

    def __call__(self, *folders: Any) -> Any:
        """Every finished run under ``folders`` as a DataFrame: see ``sentiment_transfer.api.overview.results``."""
        return importlib.import_module("sentiment_transfer.api.overview").results(*folders)


sys.modules[__name__].__class__ = _Results
