"""Functions of the program, named ``module:function``, that the launcher asks about finished jobs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def named_function(name: str | None) -> Callable[..., Any] | None:
    """The function that ``module:function`` names; None for None. Raises ValueError where there is none."""
    if name is None:
        return None
    module, _, function = name.partition(":")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{name} names no function ({error}): write module:function.") from error
    return found


class Hooks:
    """See the options of the same names. What shows something never ends a sweep: an error there shows nothing."""

    def __init__(self, outdated: str | None = None, scores: str | None = None, closing: str | None = None) -> None:
        self._outdated, self._scores, self._closing = map(named_function, (outdated, scores, closing))

    @property
    def has_scores(self) -> bool:
        return self._scores is not None

    def outdated(self, job: Path) -> str | None:
        """Why the result of a finished job no longer holds; None where it does."""
        return self._outdated(job) if self._outdated else None

    def scores(self, job: Path) -> list[str]:
        """The findings of a finished job, in a few short texts, the most important first."""
        return _texts(self._scores, job)

    def closing(self, sweep: Path, done: Sequence[Path]) -> list[str]:
        """Lines about all finished jobs together, such as how to compare them."""
        return _texts(self._closing, sweep, list(done)) if done else []


def _texts(function: Callable[..., Any] | None, *arguments: object) -> list[str]:
    try:
        return [str(text) for text in function(*arguments)] if function else []
    except Exception:  # the program's own, of any class; the jobs' results do not depend on it
        return []
