"""The start of a program: how threads wait, and imports of libraries without parts that are never called."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

# OpenMP's threads wait by spinning for milliseconds. Where something else wants a core, a run then takes up to ten
# times as long (seen on two cores: 154 s instead of 14). Threads that sleep at once cost multilingual E5 small a fifth
# with both cores free: 0.28 s instead of 0.23 for a step of 512 tokens. About ten microseconds of spinning have both:
# 0.23 s alone, and 0.54 instead of 0.43 s where two such runs share the cores (30,000 turns: 1.6 s).
SPIN_TURNS = "3000"


def let_threads_wait_briefly() -> None:
    """Set how GNU's OpenMP waits, unless the user has; it is read when torch is imported."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_TURNS)


def import_lightning() -> None:
    """Import transformers' models, and pytorch_lightning in 0.5 s less than the statement takes: torchmetrics, which it
    needs, imports ``scipy.signal`` to give it a window that another package misses there."""
    import_transformers()
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
