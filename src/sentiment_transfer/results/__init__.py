"""Results on disk: the record of a run, its predictions, and the published numbers to compare it with."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class _Results(ModuleType):
    """The room has the name of the public function, which ``from sentiment_transfer import results`` calls."""

    def __call__(self, *folders: str | Path) -> pd.DataFrame:
        """Every finished run under ``folders`` as a DataFrame."""
        return importlib.import_module("sentiment_transfer.api.overview").results(*folders)

    @property
    def __doc__(self) -> Any:
        """The function's, which ``help(results)`` shows."""
        return importlib.import_module("sentiment_transfer.api.overview").results.__doc__

    @__doc__.setter
    def __doc__(self, value: Any) -> None: ...


sys.modules[__name__].__class__ = _Results
