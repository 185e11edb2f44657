"""Errors of the classes and functions that a run's ``_target_`` options name, as sentences."""

from __future__ import annotations

import inspect
import os
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from sentiment_transfer.config.called import TARGET
from sentiment_transfer.config.imported import imported
from sentiment_transfer.config.schema import Config
from sentiment_transfer.config.typed import plain
from sentiment_transfer.errors import UserError
from sentiment_transfer.files.hub_errors import first_line

PACKAGE = Path(__file__).parents[1]
KNOWN = ("sentiment_transfer", "torch", "pytorch_lightning", "transformers")  # an error inside these may be a bug here


@contextmanager
def own_errors_as_sentences(config: Config) -> Iterator[None]:
    """Raise UserError for an exception that comes from one of them, with its file and line.

    It does where the program's own code was not called in between: an optimiser's step calls the network's.
    """
    try:
        yield
    except (UserError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        if (sentence := own_error(config, error)) is None:
            raise
        raise UserError(sentence) from error


def own_error(config: Config, error: Exception) -> str | None:
    """The sentence for an exception of a class or function that ``config`` names; None for any other."""
    files = {_file(target): f"{where}.{TARGET}={target}" for where, target in _targets(plain(config))}
    inner: traceback.FrameSummary | None = None
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if PACKAGE in path.parents:
            return None
        if inner is None and _is_own(path):
            inner = frame
        if (named := files.get(path)) is not None:
            at, kind, said = inner or frame, type(error).__name__, first_line(error).rstrip(".")
            return (
                f"{named} failed in {at.name} ({at.filename}, line {at.lineno}): "
                f"{kind if said == kind else f'{kind}: {said}'}. With HYDRA_FULL_ERROR=1 in front of the command, the "
                "traceback is shown."
            )
    return None


def _targets(node: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """The options below ``node`` that have a ``_target_``, and that."""
    if isinstance(node, Mapping):
        if isinstance(target := node.get(TARGET), str) and target.partition(".")[0] not in KNOWN:
            yield where, target
        for key, below in node.items():
            yield from _targets(below, f"{where}.{key}".removeprefix("."))


def _is_own(path: Path) -> bool:
    installed = {"site-packages", "dist-packages"} & set(path.parts) or Path(os.__file__).parent in path.parents
    return path.is_file() and not installed


def _file(target: str) -> Path | None:
    try:
        file = inspect.getsourcefile(inspect.unwrap(imported(TARGET, target)))
    except (TypeError, UserError):  # of a compiled class, or one that could not even be imported
        return None
    return None if file is None else Path(file)
