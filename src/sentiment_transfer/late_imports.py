"""Lightning and transformers without the parts of scipy that they import and this project never calls."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


def import_lightning() -> None:
    """Import pytorch_lightning in 0.5 s less than the statement takes: torchmetrics, which it needs, imports
    ``scipy.signal`` to give it a window that another package misses there."""
    with stand_in("scipy.signal", hamming=None):
        import pytorch_lightning  # noqa: F401


def import_transformers() -> None:
    """Import transformers' models in 0.25 s less: they import ``scipy.optimize`` for a loss of object detection."""
    with stand_in("scipy.optimize", linear_sum_assignment=linear_sum_assignment):
        import transformers.modeling_utils  # noqa: F401


def linear_sum_assignment(*arguments: Any, **options: Any) -> Any:
    """scipy's, which is imported when it is called."""
    from scipy import optimize

    return optimize.linear_sum_assignment(*arguments, **options)


@contextmanager
def stand_in(name: str, **attributes: Callable[..., Any] | None) -> Iterator[None]:
    """While it lasts, a module that is not imported yet has the ``attributes`` alone; imported later, it is itself."""
    if name in sys.modules:
        yield
        return
    module = ModuleType(name)
    vars(module).update(attributes)
    sys.modules[name] = module
    try:
        yield
    finally:
        del sys.modules[name]
